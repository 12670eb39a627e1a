//go:build linux

package e2e

import (
	"encoding/base64"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// dockerConfig is a DOCKER_CONFIG folder with one login.
func dockerConfig(t *testing.T, host string, a account) string {
	t.Helper()
	dir := t.TempDir()
	auth := base64.StdEncoding.EncodeToString([]byte(a.user + ":" + a.password))
	writeFile(t, filepath.Join(dir, "config.json"), fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, host, auth))
	return dir
}

func TestCredentials(t *testing.T) {
	robot := account{"robot", "correct horse"}
	r := startRegistry(t, robot)
	p := newPython(t, "scratch")
	for _, test := range []struct {
		name string
		env  []string
	}{
		{"none", nil},
		{"wrong", []string{"DOCKER_CONFIG=" + dockerConfig(t, r.host, account{"robot", "battery"})}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p.env = test.env
			got := p.run(t, "--registry", r.host, "--channel", "staging")
			if got.code != 4 || !strings.Contains(got.stderr, "hint: ") || !strings.Contains(got.stderr, r.host) {
				t.Errorf("exit %d, want 4 with a hint that names %s\n%s", got.code, r.host, got.stderr)
			}
			if strings.Contains(got.stderr+got.stdout, "battery") {
				t.Error("the password is in the output")
			}
			if stored := r.storage(t); len(stored) > 0 {
				t.Errorf("the registry holds %v", stored)
			}
		})
	}
	t.Run("right", func(t *testing.T) {
		config := dockerConfig(t, r.host, robot)
		p.env = []string{"DOCKER_CONFIG=" + config}
		first := p.ship(t, "--registry", r.host, "--channel", "staging")
		t.Setenv("DOCKER_CONFIG", config)
		if got := r.digest(t, pythonRepo, "staging"); got != first.report.Digest {
			t.Errorf("staging points to %s, want %s", got, first.report.Digest)
		}
	})
}
