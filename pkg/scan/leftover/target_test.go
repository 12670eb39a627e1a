package leftover_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/scan/leftover"
)

// memory is a file's content.
type memory struct{ *bytes.Reader }

func (memory) Close() error { return nil }

func file(path, text string) scan.File { return fileOf("app", path, text) }

func fileOf(kind, path, text string) scan.File {
	return scan.File{Path: path, Kind: kind, Size: int64(len(text)), Open: func() (scan.Content, error) {
		return memory{bytes.NewReader([]byte(text))}, nil
	}}
}

// target is an image of files and a config.
func target(t *testing.T, config v1.ConfigFile, files ...scan.File) scan.Target {
	t.Helper()
	image, err := mutate.ConfigFile(empty.Image, &config)
	if err != nil {
		t.Fatal(err)
	}
	return scan.Target{Image: image, Files: files}
}

func scanned(t *testing.T, target scan.Target) scan.Findings {
	t.Helper()
	findings, err := leftover.Scanner{}.Scan(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	if !findings.Ran {
		t.Error("Ran is not set")
	}
	return findings
}

// ids are the findings in short: severity, identifier, path.
func ids(findings scan.Findings) []string {
	var all []string
	for _, f := range findings.Secrets {
		all = append(all, f.Severity.String()+" "+f.ID+" "+f.Path)
	}
	return all
}

func written(t *testing.T, findings scan.Findings) string {
	t.Helper()
	b, err := json.Marshal(findings)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const (
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits  = "0123456789"
	alnum   = letters + digits
	hexes   = digits + "abcdef"
	caps    = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	base64s = alnum + "+/"
)

// maker makes keys that look real; none stands in the source.
type maker struct{ *rand.Rand }

func newMaker() maker { return maker{rand.New(rand.NewPCG(25, 7))} }

func (m maker) key(chars string, n int) string {
	var b strings.Builder
	for range n {
		b.WriteByte(chars[m.IntN(len(chars))])
	}
	return b.String()
}

// armour is a private key's text and the first line of its body.
func (m maker) armour(kind string) (text, body string) {
	body = m.key(base64s, 64)
	return "-----BEGIN " + kind + "-----\n" + body + "\n" + m.key(base64s, 64) + "\n" + m.key(base64s, 22) + "==\n-----END " + kind + "-----", body
}
