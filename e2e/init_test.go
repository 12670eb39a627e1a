//go:build linux

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestInitShipsDigits begins as a new user does: the example without its config,
// after its evaluation. What init writes, and the command that it prints, are
// enough for a tag.
func TestInitShipsDigits(t *testing.T) {
	p := project{dir: filepath.Join(t.TempDir(), "digits")}
	copyDir(t, filepath.Join(shared.repo, "testdata/digits"), p.dir)
	for _, name := range []string{"ai-ship.yaml", "build", "reports", "ai-ship-out", ".ai-ship"} {
		must(t, "rm", "-rf", p.path(name))
	}
	must(t, shared.program("evaluate"), "-model", p.path("models/digits.safetensors"), "-data", p.path("data/heldout.csv"), "-out", p.path("reports"))

	cmd := exec.Command(shared.program("ai-ship"), "init", p.dir)
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("ai-ship init: %v\n%s", err, said)
	}
	const build = "go build -o build/serve ./serve"
	if !strings.Contains(string(said), build) {
		t.Fatalf("init does not say how to build the server:\n%s", said)
	}
	// The folder is no module of its own here: the checkout builds the same package.
	must(t, "mkdir", "-p", p.path("build"))
	must(t, "cp", shared.program("serve"), p.path("build"))

	first := p.ship(t, "--registry", "embedded", "--channel", "staging")
	if got := gated(t, first); got != 0.9755555555555555 {
		t.Errorf("the gate took the accuracy %v", got)
	}
	p.again(t, first, "--registry", "embedded", "--channel", "staging")

	config, err := os.ReadFile(p.path("ai-ship.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"base: scratch", "{name: accuracy, min: 0.96}", "{from: models/digits.safetensors, to: /models}", "MODEL_PATH: /models/digits.safetensors"} {
		if !strings.Contains(string(config), part) {
			t.Errorf("the config does not say %q:\n%s", part, config)
		}
	}
}
