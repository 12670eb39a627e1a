package cli_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"

	"github.com/org/ai-ship/pkg/internal/faultproxy"
)

// faultStep is a request of a signed run that a fault is put into: the nth that
// matches, and all later ones.
type faultStep struct {
	name   string
	method string
	path   string // pattern
	nth    int
	moved  int // version tags that have moved before it, and stay
}

func versionTags() []string { return []string{"1.0.0", "1.0", "1", "latest"} }

// faultSteps are a signed run's, in their order: it writes the image's manifest,
// three statements, the signature and the record of the channel's move. How
// often it looks at the referrers is counted in a whole run.
func faultSteps(whole []faultproxy.Entry) []faultStep {
	const manifest = "/manifests/sha256:"
	looks := 0
	for _, e := range whole {
		if e.Method == http.MethodPut && strings.HasSuffix(e.URI, "/manifests/1.0.0") {
			break
		}
		if e.Method == http.MethodGet && strings.Contains(e.URI, "/referrers/") {
			looks++
		}
	}
	steps := []faultStep{
		{name: "push a layer", method: http.MethodPost, path: "/blobs/uploads/", nth: 1},
		{name: "push the manifest", method: http.MethodPut, path: manifest, nth: 1},
		{name: "attest", method: http.MethodPut, path: manifest, nth: 2},
		{name: "sign", method: http.MethodPut, path: manifest, nth: 5},
		{name: "read back", method: http.MethodGet, path: "/referrers/", nth: looks - 1},
		{name: "verify", method: http.MethodGet, path: "/referrers/", nth: looks},
	}
	for i, tag := range versionTags() {
		steps = append(steps, faultStep{name: "tag " + tag, method: http.MethodPut, path: "/manifests/" + regexp.QuoteMeta(tag) + "$", nth: 1, moved: i})
	}
	return append(steps,
		faultStep{name: "record the move", method: http.MethodPut, path: manifest, nth: 6, moved: 4},
		faultStep{name: "claim the channel", method: http.MethodPut, path: "/manifests/staging[.]0", nth: 1, moved: 4},
		faultStep{name: "tag staging", method: http.MethodPut, path: "/manifests/staging$", nth: 1, moved: 4},
	)
}

// TestFailureMatrix breaks a signed run at each of its steps in each way. Until
// the image is proven no tag moves, whatever happens; from then on they move
// one after the other, the channel last, and the one that failed is where it
// was. The next run repairs all of it.
func TestFailureMatrix(t *testing.T) {
	if testing.Short() {
		t.Skip("52 broken runs take about a minute")
	}
	project := newFolder(t)
	whole := newFrontier(t)
	project.ship(whole.host)
	steps, ways := faultSteps(whole.proxy.Log()), []string{"error", "timeout", "kill before", "kill after"}
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "step\t"+strings.Join(ways, "\t"))
	for _, step := range steps {
		row := []string{step.name}
		for _, way := range ways {
			t.Run(step.name+"/"+way, func(t *testing.T) {
				project.t = t
				row = append(row, project.breakAt(newFrontier(t), step, way))
			})
		}
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	w.Flush()
	t.Logf("tags that had moved of %d, and the exit code; the next run repaired every cell\n%s", len(versionTags())+1, table.String())
}

// breakAt ships an image, breaks the run of the next one, and says how many
// tags moved.
func (f folder) breakAt(r *frontier, step faultStep, way string) string {
	f.t.Helper()
	if err := os.RemoveAll(filepath.Join(f.dir, ".ai-ship")); err != nil {
		f.t.Fatal(err)
	}
	f.write("src/main.py", "print(0)\n")
	f.ship(r.host)
	old := r.tags()
	f.write("src/main.py", "print(1)\n")
	code := f.broken(r, step, way)
	moved := r.held(old, step, way)

	r.breaks()
	f.ship(r.host)
	for tag, digest := range r.tags() {
		if digest == old[tag] {
			f.t.Errorf("after the next run %s points to the old image", tag)
		}
	}
	f.must("history", "--registry", r.host, "staging") // intact
	if strings.HasPrefix(way, "kill") {
		return fmt.Sprint(moved)
	}
	return fmt.Sprintf("%d, exit %d", moved, code)
}

// broken runs ai-ship against the fault and returns its exit code.
func (f folder) broken(r *frontier, step faultStep, way string) int {
	f.t.Helper()
	var cmd *exec.Cmd
	var once sync.Once
	kill := func() { once.Do(func() { _ = cmd.Process.Kill() }) }
	rule, limit := faultproxy.Rule{Method: step.method, Path: regexp.MustCompile(step.path), From: step.nth}, "60s"
	switch way {
	case "error":
		rule.Do = faultproxy.Answer(http.StatusForbidden, `{"errors":[{"code":"DENIED","message":"no"}]}`)
	case "timeout":
		rule.Do, limit = faultproxy.Hold(), "2s"
	case "kill before":
		rule.Do = faultproxy.First(kill, faultproxy.Hold())
	case "kill after":
		rule.Do = faultproxy.Change(func(*http.Response) error { kill(); return errors.New("nobody is there") })
	}
	r.breaks(rule)
	cmd = f.command("run", "--registry", r.host, "--channel", "staging", "--timeout", limit)
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	switch err := cmd.Run(); {
	case err == nil:
		f.t.Fatalf("the run succeeded\n%s", said.String())
	case r.proxy.Faults() == 0:
		f.t.Fatalf("no request was broken: %v\n%s", err, said.String())
	}
	return cmd.ProcessState.ExitCode()
}

// tags is what the run's tags point to.
func (f *frontier) tags() map[string]string {
	all := map[string]string{"staging": f.digest("staging")}
	for _, tag := range versionTags() {
		all[tag] = f.digest(tag)
	}
	return all
}

// held counts the tags that moved, and holds them to what the step allows.
func (f *frontier) held(old map[string]string, step faultStep, way string) (moved int) {
	f.t.Helper()
	allowed := step.moved
	done := way == "kill after" && strings.HasPrefix(step.name, "tag ") // the registry did what it was asked for
	if done {
		allowed++
	}
	now := f.tags()
	for tag, digest := range now {
		if digest != old[tag] {
			moved++
			f.complete(digest)
		}
	}
	if moved > allowed || now["staging"] != old["staging"] && (!done || step.name != "tag staging") {
		f.t.Errorf("%d tags moved, want at most %d and not the channel: before %v, now %v", moved, allowed, old, now)
	}
	return moved
}
