package source

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-billy/v5"
	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"
)

// maxPointer bounds the one-line files that point to another folder.
const maxPointer = 8 << 10 // bytes

// find returns the git folder for dir, "" when neither dir nor a folder above
// it has one. It stands in for the library's own search, which finds no bare
// repository on the way up.
func find(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(dir); err != nil {
		return "", err
	}
	for {
		dot := filepath.Join(dir, ".git")
		if info, err := os.Stat(dot); err == nil && info.Mode().IsRegular() {
			return pointed(dot, "gitdir:")
		}
		for _, candidate := range []string{dot, dir} {
			if isGitDir(candidate) {
				return candidate, nil
			}
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", nil
		}
		dir = parent
	}
}

// isGitDir asks what git asks before it takes a folder for a repository.
func isGitDir(dir string) bool {
	for _, name := range []string{"HEAD", "objects", "refs"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.IsDir() != (name != "HEAD") {
			return false
		}
	}
	return true
}

// pointed reads the path in a .git file or in commondir, relative to the
// folder of that file (gitrepository-layout).
func pointed(file, prefix string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxPointer+1))
	if err != nil {
		return "", err
	}
	path, ok := strings.CutPrefix(strings.TrimSpace(string(data)), prefix)
	path = strings.TrimSpace(path)
	if !ok || path == "" || len(data) > maxPointer {
		return "", fmt.Errorf("reading %q: expected one line with a path after %q", file, prefix)
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(file), path)
	}
	return path, nil
}

// store is a repository's storage, read only. The library refuses every
// extension of the format, also those that change nothing for a reader of
// references and commits and that sparse and partial checkouts switch on, so
// these are not shown to it.
type store struct{ *filesystem.Storage }

// openStore opens the git folder, that of a linked worktree together with the
// one it belongs to. The caller closes it.
func openStore(gitDir string) (store, error) {
	dot := osfs.New(gitDir)
	if _, err := dot.Stat("HEAD"); err != nil {
		return store{}, err
	}
	var common billy.Filesystem
	pointer := filepath.Join(gitDir, "commondir")
	if _, err := os.Stat(pointer); err == nil {
		path, err := pointed(pointer, "")
		if err != nil {
			return store{}, err
		}
		common = osfs.New(path)
	}
	root := filepath.VolumeName(gitDir) + string(filepath.Separator)
	return store{filesystem.NewStorageWithOptions(
		dotgit.NewRepositoryFilesystem(dot, common),
		cache.NewObjectLRUDefault(),
		filesystem.Options{KeepDescriptors: true, AlternatesFS: osfs.New(root)},
	)}, nil
}

func (s store) Config() (*config.Config, error) {
	cfg, err := s.Storage.Config()
	if err != nil || !cfg.Raw.HasSection("extensions") {
		return cfg, err
	}
	section := cfg.Raw.Section("extensions")
	for _, name := range []string{"worktreeConfig", "relativeWorktrees", "partialClone", "preciousObjects"} {
		section.RemoveOption(name)
	}
	return cfg, nil
}
