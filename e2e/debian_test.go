//go:build linux

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

const (
	suite      = "bookworm"
	debianName = "ai-ship-e2e/debian:" + suite
	// edition is raised whenever bootstrap makes something else.
	edition = "1"
	// mirrorTime bounds the download of some 40 MB.
	mirrorTime = 10 * time.Minute
)

// debian is the base of the tests, made once on a machine.
type debian struct {
	saved  string // what docker save wrote
	layout string // the same as an OCI layout, with compressed layers
}

// needDebian is the base, or the end of the test.
func needDebian(t *testing.T) debian {
	t.Helper()
	needEngine(t)
	need(t, "skopeo")
	d, err := shared.debian()
	if err != nil {
		missing(t, err.Error())
	}
	return d
}

// makeDebian takes the base from the cache, or else makes it there.
func makeDebian(m *machine) (debian, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return debian{}, err
	}
	cache = filepath.Join(cache, cacheDir)
	dir := filepath.Join(cache, "debian-"+suite+"-"+edition)
	done := debian{saved: filepath.Join(dir, "saved.tar"), layout: filepath.Join(dir, "layout")}
	if _, err := os.Stat(dir); err == nil {
		return done, nil
	}
	program, err := exec.LookPath("debootstrap")
	switch {
	case err != nil:
		return debian{}, fmt.Errorf("debootstrap is not installed: %w", err)
	case os.Geteuid() != 0:
		return debian{}, errors.New("making a Debian root takes root")
	}
	e, err := m.engine()
	if err != nil {
		return debian{}, err
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return debian{}, err
	}
	// Only a whole base gets its name in the cache.
	parts, err := os.MkdirTemp(cache, "making-")
	if err != nil {
		return debian{}, err
	}
	defer os.RemoveAll(parts)
	if err := bootstrap(program, e, m.dir, parts); err != nil {
		return debian{}, fmt.Errorf("making the Debian base: %w", err)
	}
	if err := os.Rename(parts, dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return debian{}, err
	}
	return done, nil // also when another process was faster
}

// bootstrap makes saved.tar and layout in the folder parts.
func bootstrap(program string, e *engine, work, parts string) error {
	ctx, cancel := context.WithTimeout(context.Background(), mirrorTime)
	defer cancel()
	root, archive := filepath.Join(work, "debian"), filepath.Join(work, "debian.tar")
	defer os.RemoveAll(root)
	defer os.Remove(archive)
	saved := filepath.Join(parts, "saved.tar")
	for _, command := range [][]string{
		{program, "--variant=minbase", "--include=python3-minimal", suite, root},
		// What apt has fetched, and what only people read.
		{"tar", "-C", root, "--exclude=./var/cache/apt/*", "--exclude=./var/lib/apt/lists/*", "--exclude=./usr/share/doc/*",
			"--exclude=./usr/share/man/*", "--exclude=./usr/share/locale/*", "-cf", archive, "."},
		append([]string{e.docker}, e.args("import", "--change", "ENV PATH=/usr/local/bin:/usr/bin:/bin", "--change", "ENV BASE=debian",
			"--change", "LABEL from=debootstrap", "--change", `CMD ["bash"]`, archive, debianName)...),
		append([]string{e.docker}, e.args("save", "--output", saved, debianName)...),
		append([]string{e.docker}, e.args("rmi", debianName)...),
		{"skopeo", "copy", "--quiet", "docker-archive:" + saved, "oci:" + filepath.Join(parts, "layout") + ":" + suite},
	} {
		if _, err := output(ctx, command[0], command[1:]...); err != nil {
			return err
		}
	}
	return nil
}

// push copies the base into a registry.
func (d debian) push(t *testing.T, ref string) {
	t.Helper()
	must(t, "skopeo", "copy", "--quiet", "--dest-tls-verify=false", "oci:"+d.layout+":"+suite, "docker://"+ref)
}
