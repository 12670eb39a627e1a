//go:build linux

package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/org/ai-ship/testdata/digits/network"
)

const digitsRepo = "acme/digits"

// newDigits is the example after its build and its evaluation.
func newDigits(t *testing.T) project {
	t.Helper()
	p := project{dir: t.TempDir(), env: []string{"COSIGN_PASSWORD=demo"}}
	for _, dir := range []string{"models", "data"} {
		copyDir(t, filepath.Join(shared.repo, "testdata/digits", dir), p.path(dir))
	}
	must(t, "cp", filepath.Join(shared.repo, "testdata/digits/ai-ship.yaml"), p.dir)
	p.write(t, "build/.keep", "")
	must(t, "cp", shared.program("serve"), p.path("build"))
	must(t, shared.program("evaluate"), "-model", p.path("models/digits.safetensors"), "-data", p.path("data/heldout.csv"), "-out", p.path("reports"))
	if out, err := p.command(t, "keygen", "--out", p.path("build/demo")).CombinedOutput(); err != nil {
		t.Fatalf("making a key: %v\n%s", err, out)
	}
	return p
}

// gated is the accuracy that the gate took from the report.
func gated(t *testing.T, r result) float64 {
	t.Helper()
	for _, g := range r.report.Gates {
		if g.Name == "accuracy" {
			return g.Value
		}
	}
	t.Fatal("the report has no gate on accuracy")
	return 0
}

// predicts fails the test unless the image in the engine answers /predict on
// the held-out images with exactly that accuracy.
func predicts(t *testing.T, e *engine, p project, image string, accuracy float64) {
	t.Helper()
	samples, err := network.LoadSamples(p.path("data/heldout.csv"))
	if err != nil {
		t.Fatal(err)
	}
	addr := freeAddr(t)
	e.serve(t, "--env", "ADDR="+addr, image)
	s := &server{name: "the container", done: make(chan struct{})}
	if err := s.until(startTime, func() bool { return answers(t, "http://"+addr+"/healthz") }); err != nil {
		t.Fatal(err)
	}
	right := 0
	for _, sample := range samples {
		if predict(t, addr, sample.Image) == sample.Digit {
			right++
		}
	}
	if got := float64(right) / float64(len(samples)); got != accuracy {
		t.Errorf("%s names %d of %d held-out images rightly (%v), but the gate recorded %v", image, right, len(samples), got, accuracy)
	}
}

func predict(t *testing.T, addr string, image network.Image) int {
	t.Helper()
	body, err := json.Marshal(map[string]network.Image{"image": image})
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Post("http://"+addr+"/predict", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct{ Digit *int }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || answer.Digit == nil {
		t.Fatalf("%s: %+v, %v", response.Status, answer, err)
	}
	return *answer.Digit
}

func TestDigitsFromRegistry(t *testing.T) {
	e, r := needEngine(t), startRegistry(t, account{})
	p := newDigits(t)
	first := p.ship(t, "--registry", r.host, "--channel", "staging")
	image := r.ref(digitsRepo, "staging")
	if got := r.digest(t, digitsRepo, "staging"); got != first.report.Digest {
		t.Errorf("staging points to %s, want %s", got, first.report.Digest)
	}
	r.accepted(t, digitsRepo, "staging", false)
	e.pull(t, image)
	predicts(t, e, p, image, gated(t, first))
	p.again(t, first, "--registry", r.host, "--channel", "staging")
}

func TestDigitsLoaded(t *testing.T) {
	e := needEngine(t)
	p := newDigits(t)
	p.env = []string{"DOCKER_HOST=" + e.host}
	r := p.ship(t, "--load")
	const image = "ghcr.io/acme/digits:1.0.0"
	e.forget(t, image)
	predicts(t, e, p, image, gated(t, r))
}

func TestDigitsFromTarball(t *testing.T) {
	e := needEngine(t)
	p := newDigits(t)
	file := filepath.Join(t.TempDir(), "digits.tar")
	r := p.ship(t, "--output", "tar:"+file)
	e.run(t, "load", "--input", file)
	const image = "ghcr.io/acme/digits:1.0.0"
	e.forget(t, image)
	predicts(t, e, p, image, gated(t, r))
}

func TestDigitsFromLayout(t *testing.T) {
	skopeo := need(t, "skopeo")
	p := newDigits(t)
	dir := filepath.Join(t.TempDir(), "layout")
	r := p.ship(t, "--output", "oci:"+dir)
	must(t, shared.program("crane"), "validate", "--tarball", layoutTarball(t, skopeo, dir))
	got := must(t, skopeo, "inspect", "--format", "{{.Digest}}", "oci:"+dir+":1.0.0")
	if got != r.report.Digest {
		t.Errorf("the layout holds %s, want %s", got, r.report.Digest)
	}
}

// layoutTarball has skopeo read every blob of a layout.
func layoutTarball(t *testing.T, skopeo, dir string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "layout.tar")
	must(t, skopeo, "copy", "--quiet", "oci:"+dir+":1.0.0", "docker-archive:"+file+":acme/digits:1.0.0")
	return file
}

func TestDigitsFromEmbeddedRegistry(t *testing.T) {
	e := needEngine(t)
	p := newDigits(t)
	first := p.ship(t, "--registry", "embedded", "--channel", "staging")
	p.again(t, first, "--registry", "embedded", "--channel", "staging")

	r := registry{host: serveEmbedded(t, p)}
	for _, tag := range []string{"staging", "1.0.0", "1.0", "1", "latest"} {
		if got := r.digest(t, digitsRepo, tag); got != first.report.Digest {
			t.Errorf("%s points to %s, want %s", tag, got, first.report.Digest)
		}
	}
	r.accepted(t, digitsRepo, "staging", false)
	image := r.ref(digitsRepo, "staging")
	e.pull(t, image)
	predicts(t, e, p, image, gated(t, first))
}

// serveEmbedded runs `ai-ship registry` until the test ends, and says where.
func serveEmbedded(t *testing.T, p project) string {
	t.Helper()
	log := filepath.Join(t.TempDir(), "log")
	cmd := exec.Command(shared.program("ai-ship"), "registry", "-c", p.path("ai-ship.yaml"), "--addr", "127.0.0.1:0")
	s, err := start(cmd, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil || cmd.ProcessState.ExitCode() != 0 {
			t.Errorf("ai-ship registry: %v, exit %d: %s", err, cmd.ProcessState.ExitCode(), s.tail())
		}
	})
	where := regexp.MustCompile(`127\.0\.0\.1:\d+`)
	var host string
	if err := s.until(startTime, func() bool { host = where.FindString(s.tail()); return host != "" }); err != nil {
		t.Fatal(err)
	}
	return host
}

func TestRefusalLeavesTheRegistryAlone(t *testing.T) {
	r := startRegistry(t, account{})
	p := newDigits(t)
	p.ship(t, "--registry", r.host, "--channel", "staging")
	before := r.storage(t)

	// Code that the registry does not know yet, and a floor that is too high.
	must(t, "cp", shared.program("amd64", "hello"), p.path("build/serve"))
	config := must(t, "cat", p.path("ai-ship.yaml"))
	p.write(t, "ai-ship.yaml", strings.Replace(config, "min: 0.95", "min: 0.999", 1))
	got := p.run(t, "--registry", r.host, "--channel", "staging")
	if got.code != 3 || got.report.Passed || got.report.Exit != 3 || got.report.Image != "" {
		t.Errorf("exit %d, report %+v; want 3 and no image", got.code, got.report)
	}
	var reason string
	for _, g := range got.report.Gates {
		if g.Name == "accuracy" && !g.Passed {
			reason = g.Reason
		}
	}
	for _, part := range []string{"accuracy", "0.9756", "0.999", "reports/evaluation.json"} {
		if !strings.Contains(reason, part) {
			t.Errorf("the reason %q does not name %s", reason, part)
		}
	}
	r.unchanged(t, before)

	// People read the same on the terminal.
	cmd := p.command(t, "run", "-c", p.path("ai-ship.yaml"), "--registry", r.host, "--channel", "staging")
	said, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 3 || !strings.Contains(flat(string(said)), reason) {
		t.Errorf("%v: the terminal does not say %q:\n%s", err, reason, said)
	}
	r.unchanged(t, before)
}

// flat joins the lines that a text was wrapped into.
func flat(text string) string { return strings.Join(strings.Fields(text), " ") }
