//go:build linux

package e2e

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

const (
	killRepo  = "acme/kill"
	killModel = 200 << 20 // bytes
	kills     = 12
)

func newKill(t *testing.T) project {
	t.Helper()
	p := newProject(t, map[string]string{"ai-ship.yaml": `image: ghcr.io/acme/kill
base: scratch
version: 1.0.0
app: [src]
models: [weights.bin]
`, "src/main.py": "print()\n"})
	p.random(t, "weights.bin", killModel, 3)
	return p
}

// retrain changes the model, so that a push has all of it to send.
func (p project) retrain(t *testing.T, round int) {
	t.Helper()
	file, err := os.OpenFile(p.path("weights.bin"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteAt([]byte{byte(round)}, 0); err != nil {
		t.Fatal(err)
	}
}

// recode changes the code, so that a push is short and most of it is tags.
func (p project) recode(t *testing.T, round int) {
	t.Helper()
	p.write(t, "src/main.py", fmt.Sprintf("print(%d)\n", round))
}

// complete reads every blob of an image.
func (r registry) complete(t *testing.T, repo, tag string) {
	t.Helper()
	ref, err := name.ParseReference(r.ref(repo, tag))
	if err != nil {
		t.Fatal(err)
	}
	img, err := remote.Image(ref, remote.WithContext(t.Context()))
	if err != nil {
		t.Fatalf("%s is partial: %v", ref, err)
	}
	if _, err := img.RawConfigFile(); err != nil {
		t.Fatalf("%s is partial: %v", ref, err)
	}
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range layers {
		readAll(t, ref, l)
	}
}

// readAll reads a layer, whose reader compares size and digest.
func readAll(t *testing.T, ref name.Reference, l v1.Layer) {
	t.Helper()
	content, err := l.Compressed()
	if err != nil {
		t.Fatalf("%s is partial: %v", ref, err)
	}
	defer content.Close()
	if _, err := io.Copy(io.Discard, content); err != nil {
		t.Fatalf("%s is partial: %v", ref, err)
	}
}

func TestKilledPushLeavesOldOrNew(t *testing.T) {
	r := startRegistry(t, account{})
	p := newKill(t)
	for _, test := range []struct {
		name   string
		change func(t *testing.T, round int)
	}{
		{"a new model", p.retrain},
		{"new code", p.recode},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.change(t, kills)
			p.ship(t, r.killArgs()...)
			// Timed with a predecessor to compare with, as the killed runs are.
			test.change(t, kills+1)
			begun := time.Now()
			old := p.ship(t, r.killArgs()...).report.Digest
			whole := time.Since(begun)
			outcomes := make(map[string]int)
			for round := range kills {
				test.change(t, round)
				// One moment at random in each part of the time that a push
				// takes, so that together they see all of its stages.
				part := whole * 3 / 2 / kills
				moment := part*time.Duration(round) + time.Duration(rand.Int64N(int64(part)))
				old = r.survives(t, p, old, moment, outcomes)
			}
			t.Logf("a whole run takes %s; after a kill tags were %v", whole, outcomes)
			r.converges(t, p, p.planned(t, r.killArgs()...))
		})
	}
}

func (r registry) killArgs() []string {
	return []string{"--registry", r.host, "--channel", "staging"}
}

func killTags() []string { return []string{"staging", "1.0.0", "1.0", "1", "latest"} }

// planned is the digest that the next run will push.
func (p project) planned(t *testing.T, args ...string) string {
	t.Helper()
	return p.ship(t, append(args, "--dry-run")...).report.Digest
}

// survives kills a run and looks at every tag. It returns what staging points
// to when all of them agree again.
func (r registry) survives(t *testing.T, p project, old string, moment time.Duration, outcomes map[string]int) string {
	t.Helper()
	want := p.planned(t, r.killArgs()...)
	if want == old {
		t.Fatal("the changed project has the old digest")
	}
	p.kill(t, moment, r.killArgs()...)
	mixed := make(map[string]bool)
	for _, tag := range killTags() {
		got := r.digest(t, killRepo, tag)
		mixed[got] = true
		switch got {
		case old:
			outcomes["old"]++
		case want:
			outcomes["new"]++
		default:
			t.Errorf("killed after %s: %s points to %s, want %s or %s", moment, tag, got, old, want)
		}
	}
	for digest := range mixed {
		r.complete(t, killRepo, digest)
	}
	if len(mixed) == 1 && mixed[old] {
		return old
	}
	r.converges(t, p, want)
	return want
}

// kill runs ai-ship and kills it after a time, when it has not ended before.
func (p project) kill(t *testing.T, after time.Duration, args ...string) {
	t.Helper()
	cmd := p.command(t, append([]string{"run", "-c", p.path("ai-ship.yaml")}, args...)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() {
		_ = cmd.Process.Kill() // it may have ended
	})
	defer timer.Stop()
	_ = cmd.Wait() // killed or not
}

// converges runs ai-ship to its end and wants every tag on the digest.
func (r registry) converges(t *testing.T, p project, want string) {
	t.Helper()
	p.ship(t, r.killArgs()...)
	for _, tag := range killTags() {
		if got := r.digest(t, killRepo, tag); got != want {
			t.Errorf("after a whole run %s points to %s, want %s", tag, got, want)
		}
	}
	r.complete(t, killRepo, "staging")
	r.accepted(t, killRepo, "staging", true)
}
