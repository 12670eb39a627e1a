//go:build linux

package e2e

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing/object"
)

const nobody = 65534

// committed makes a project with a commit in a git repository.
func committed(t *testing.T) project {
	t.Helper()
	p := newProject(t, map[string]string{
		"ai-ship.yaml": `image: ghcr.io/acme/same
base: scratch
app: [{from: src, to: /app}, {from: run.sh, to: /app/}]
models: [models]
command: [/app/run.sh]
labels: {team: vision}
channels: {staging: {on: ["branch:*"]}}
`,
		"src/main.py":       "print('one')\n",
		"src/deep/other.py": "print('two')\n",
		"run.sh":            "#!/bin/sh\n",
		"models/small.txt":  "small",
	})
	p.random(t, "models/large.bin", 17<<20, 2)
	if err := os.Chmod(p.path("run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("main.py", p.path("src/link.py")); err != nil {
		t.Fatal(err)
	}
	repo, err := git.PlainInit(p.dir, false)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := repo.Worktree()
	if err != nil {
		t.Fatal(err)
	}
	if err := tree.AddGlob("."); err != nil {
		t.Fatal(err)
	}
	_, err = tree.Commit("one", &git.CommitOptions{Author: &object.Signature{
		Name: "A", Email: "a@example.org", When: time.Date(2026, 2, 3, 23, 30, 0, 0, time.FixedZone("", 9*60*60)),
	}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// elsewhere copies the project to another folder, the way a checkout under a
// umask leaves it, with other times.
func (p project) elsewhere(t *testing.T, umask fs.FileMode) project {
	t.Helper()
	// Not TempDir, which only its owner may enter.
	dir, err := os.MkdirTemp(shared.dir, "elsewhere-")
	if err != nil {
		t.Fatal(err)
	}
	must(t, "cp", "--recursive", "--no-dereference", p.dir+"/.", dir)
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Type() == fs.ModeSymlink {
			return err
		}
		mode := fs.FileMode(0o666)
		if info, err := d.Info(); err != nil || info.Mode()&0o111 != 0 {
			mode = 0o777
		}
		if err := os.Chtimes(path, time.Time{}, time.Unix(1e9, 0)); err != nil {
			return err
		}
		return os.Chmod(path, mode&^umask)
	})
	if err != nil {
		t.Fatal(err)
	}
	return project{dir: dir}
}

func TestSameDigestAnywhere(t *testing.T) {
	r := startRegistry(t, account{})
	origin := committed(t)
	first := origin.ship(t, "--registry", r.host, "--no-cache")
	origin.again(t, first, "--registry", r.host)

	underUmask := func(mask string) func(*exec.Cmd) {
		return func(cmd *exec.Cmd) {
			cmd.Args = append([]string{"sh", "-c", `umask ` + mask + `; exec "$@"`, "sh", cmd.Path}, cmd.Args[1:]...)
			cmd.Path = "/bin/sh"
		}
	}
	for _, test := range []struct {
		name  string
		umask fs.FileMode // of the checkout
		env   []string
		cmd   func(*exec.Cmd)
		owner int
	}{
		{name: "another folder", umask: 0o022},
		{name: "umask 077", umask: 0o077, cmd: underUmask("077")},
		{name: "umask 000", umask: 0, cmd: underUmask("000")},
		{name: "Tokyo", umask: 0o022, env: []string{"TZ=Asia/Tokyo"}},
		{name: "UTC", umask: 0o022, env: []string{"TZ=UTC"}},
		{name: "another language", umask: 0o022, env: []string{"LANG=tr_TR.UTF-8", "LC_ALL=tr_TR.UTF-8"}},
		{name: "one processor", umask: 0o022, env: []string{"GOMAXPROCS=1"}},
		{name: "another user", umask: 0o077, owner: nobody, cmd: func(cmd *exec.Cmd) {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := origin.elsewhere(t, test.umask)
			if test.owner != 0 {
				if os.Geteuid() != 0 {
					missing(t, "running as another user takes root")
				}
				must(t, "chown", "--recursive", "--no-dereference", "65534:65534", p.dir)
			}
			p.env, p.cmd = test.env, test.cmd
			// Without a cache every byte is read, so that the digest is not the
			// predecessor's by its recipe alone.
			again := p.ship(t, "--registry", r.host, "--no-cache")
			if again.report.Digest != first.report.Digest {
				t.Errorf("digest %s, want %s\nlayers %+v\nwant   %+v", again.report.Digest, first.report.Digest, again.report.Layers, first.report.Layers)
			}
			// The recipes are the same as well, so that nothing moves with them.
			p.again(t, first, "--registry", r.host)
		})
	}
}
