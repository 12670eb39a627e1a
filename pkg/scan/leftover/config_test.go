package leftover_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"

	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/scan/leftover"
)

func TestVariables(t *testing.T) {
	m := newMaker()
	secret := m.key(alnum, 12)
	var config v1.ConfigFile
	config.Config.Env = []string{
		"DB_PASSWORD=" + secret, "ADMIN_PASSWORD=changeme", "db_pwd=" + secret, "SERVICE_TOKEN=" + secret, "SHORT_TOKEN=abc", "SECRET_KEY=" + secret,
	}
	config.Config.Cmd = []string{"serve", "--api-key", secret, "--password=" + secret}
	config.History = []v1.History{{CreatedBy: "ENV DEBUG=1"}, {CreatedBy: "RUN |2 V=1 DB_PASSWORD=" + secret + " /bin/sh -c make # buildkit"}}
	findings := scanned(t, target(t, config))
	want := []string{
		"high variable-secret image config: env DB_PASSWORD", "low variable-secret image config: env ADMIN_PASSWORD",
		"high variable-secret image config: env db_pwd", "high variable-secret image config: env SERVICE_TOKEN",
		"high variable-secret image config: env SECRET_KEY", "high variable-secret image config: cmd",
		"high variable-secret image config: cmd", "high variable-secret image config: history",
	}
	if diff := cmp.Diff(want, ids(findings)); diff != "" {
		t.Error(diff)
	}
	if last := findings.Secrets[len(findings.Secrets)-1]; last.Line != 2 {
		t.Errorf("line %d of the history", last.Line)
	}
	if !strings.Contains(written(t, findings), "a default one") || strings.Contains(written(t, findings), "changeme") {
		t.Errorf("the default password: %s", written(t, findings))
	}
	hidden(t, written(t, findings), []canary{{secret: secret}})
}

// mute is an image whose config cannot be read.
type mute struct{ v1.Image }

func (mute) ConfigFile() (*v1.ConfigFile, error) { return nil, errors.New("no config") }

func TestImageWithoutConfig(t *testing.T) {
	for want, image := range map[string]v1.Image{
		"searching the image's config for secrets: found no image":        nil,
		"searching the image's config for secrets: reading it: no config": mute{empty.Image},
	} {
		findings, err := leftover.Scanner{}.Scan(t.Context(), scan.Target{Image: image})
		if err == nil || err.Error() != want || findings.Ran {
			t.Errorf("error %v, expected %q", err, want)
		}
	}
}
