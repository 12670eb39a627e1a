//go:build linux

package e2e

import (
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// peers are programs of other projects that results are compared with. Each is
// the tool of a module below interop, whose go.mod says which version it is.
type peers struct {
	mu    sync.Mutex
	built map[string]error // by module
}

// needPeer is the program of the module interop/MODULE: the one that
// AI_SHIP_E2E_MODULE names, as .ci/run sets it, or one that is compiled now.
func needPeer(t *testing.T, module, program string) string {
	t.Helper()
	if named := os.Getenv("AI_SHIP_E2E_" + strings.ToUpper(module)); named != "" {
		return named
	}
	p := &shared.peers
	p.mu.Lock()
	defer p.mu.Unlock()
	out := shared.program("interop", module)
	if _, done := p.built[module]; !done {
		p.built[module] = shared.compileIn(filepath.Join(shared.repo, "e2e", "interop", module), out, "", "tool")
	}
	if err := p.built[module]; err != nil {
		missing(t, err.Error())
	}
	return filepath.Join(out, program)
}

// sameEngine fails unless a program is the release of a module that ai-ship has
// in itself.
func sameEngine(t *testing.T, program, module string) {
	t.Helper()
	theirs, err := buildinfo.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := buildinfo.ReadFile(shared.program("ai-ship"))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range ours.Deps {
		if d.Path != module {
			continue
		}
		if theirs.Main.Path != module || theirs.Main.Version != d.Version || d.Replace != nil {
			t.Fatalf("%s is %s %s, ai-ship has %s %s in itself", program, theirs.Main.Path, theirs.Main.Version, module, d.Version)
		}
		return
	}
	t.Fatalf("ai-ship has no %s in itself", module)
}

// figure logs a line, and keeps it in the file that AI_SHIP_E2E_FIGURES names:
// of packages that pass, go test shows no log.
func figure(t *testing.T, format string, args ...any) {
	t.Helper()
	t.Logf(format, args...)
	name := os.Getenv("AI_SHIP_E2E_FIGURES")
	if name == "" {
		return
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprintf(f, format+"\n", args...)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}
