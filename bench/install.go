package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// peer is a program that can be built from a module, at a fixed version.
type peer struct {
	module, version string
	programs        []string // folders below cmd/ and names
}

func peers() []peer {
	return []peer{
		{"github.com/google/go-containerregistry", "v0.22.1", []string{"crane"}},
		{"oras.land/oras", "v1.2.3", []string{"oras"}},
		// The newest whose dependencies were all to be had from the module proxy.
		{"github.com/moby/buildkit", "v0.23.2", []string{"buildkitd", "buildctl"}},
	}
}

// install builds the peers that are missing. One that cannot be built is told
// and shows up in the table as not installed.
func install(ctx context.Context, dir string, log io.Writer) {
	for _, p := range peers() {
		for _, program := range p.programs {
			if executable(filepath.Join(dir, program)) {
				continue
			}
			fmt.Fprintf(log, "building %s %s\n", program, p.version)
			if err := p.build(ctx, dir, program); err != nil {
				fmt.Fprintf(log, "building %s: %v\n", program, err)
			}
		}
	}
}

// build compiles inside a copy of the module: `go install module@version`
// refuses modules with replace or exclude directives.
func (p peer) build(ctx context.Context, dir, program string) error {
	out, err := exec.CommandContext(ctx, "go", "mod", "download", "-json", p.module+"@"+p.version).Output()
	if err != nil {
		return fmt.Errorf("downloading: %w: %s", err, lastLine(out))
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		return err
	}
	source, err := os.MkdirTemp("", "peer-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(source)
	if err := os.CopyFS(source, os.DirFS(module.Dir)); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-mod=mod", "-o", filepath.Join(dir, program), "./cmd/"+program)
	cmd.Dir = source
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-trimpath", "GOEXPERIMENT=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, lastLine(out))
	}
	return nil
}
