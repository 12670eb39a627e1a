package source

import (
	"context"
	"crypto/sha1" //nolint:gosec // what git names its objects by
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/index"
)

// Checkout is where a repository's files lie. Its zero value means that the
// folder is in none.
type Checkout struct {
	Top      string   // absolute path of the folder that holds .git
	Branches []string // short names, local ones and origin's, sorted
}

// Find looks for the checkout that dir is in, upwards as git does.
func Find(dir string) (Checkout, error) {
	top, err := topOf(dir)
	if err != nil || top == "" {
		return Checkout{}, err
	}
	c := Checkout{Top: top}
	err = inRepository(top, func(repo *git.Repository) (err error) {
		c.Branches, err = branches(repo)
		return err
	})
	if err != nil {
		return Checkout{}, fmt.Errorf("reading the branches of %q: %w", top, err)
	}
	return c, nil
}

func topOf(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for {
		dot := filepath.Join(dir, ".git")
		if info, err := os.Stat(dot); err == nil && (info.Mode().IsRegular() || isGitDir(dot)) {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", nil
		}
		dir = parent
	}
}

// inRepository opens the repository of a checkout for the time of do.
func inRepository(top string, do func(*git.Repository) error) error {
	gitDir, err := find(top)
	if err != nil {
		return err
	}
	return withStore(gitDir, do)
}

// withStore opens the repository of a git folder for the time of do.
func withStore(gitDir string, do func(*git.Repository) error) (err error) {
	store, err := openStore(gitDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	repo, err := git.Open(store, nil)
	if err != nil {
		return err
	}
	return do(repo)
}

func branches(repo *git.Repository) ([]string, error) {
	refs, err := repo.References()
	if err != nil {
		return nil, err
	}
	var names []string
	err = refs.ForEach(func(ref *plumbing.Reference) error {
		name := ref.Name().String()
		for _, prefix := range []string{"refs/heads/", "refs/remotes/origin/"} {
			if short, ok := strings.CutPrefix(name, prefix); ok && short != "HEAD" {
				names = append(names, short)
			}
		}
		return nil
	})
	slices.Sort(names)
	return slices.Compact(names), err
}

// Changed lists the tracked files of the checkout that differ from the index or
// are gone, as slash-separated paths from Top, sorted. It believes the index's
// times and sizes as git does, and hashes only what was written after. Files
// whose content git converts (line ends, LFS) are compared by their times alone.
func (c Checkout) Changed(ctx context.Context) (changed []string, err error) {
	root, err := os.OpenRoot(c.Top)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	err = inRepository(c.Top, func(repo *git.Repository) error {
		stage, err := repo.Storer.Index()
		if err != nil {
			return err
		}
		for _, e := range stage.Entries {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if e.SkipWorktree || e.Mode == filemode.Submodule {
				continue
			}
			same, err := unchanged(root, e)
			if err != nil {
				return err
			}
			if !same {
				changed = append(changed, e.Name)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("comparing the files of %q with git's: %w", c.Top, err)
	}
	slices.Sort(changed)
	return slices.Compact(changed), nil
}

func unchanged(root *os.Root, e *index.Entry) (bool, error) {
	info, err := root.Lstat(e.Name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if e.Mode == filemode.Symlink || !info.Mode().IsRegular() {
		return (e.Mode == filemode.Symlink) == (info.Mode()&fs.ModeSymlink != 0), nil
	}
	if info.Size() == int64(e.Size) && info.ModTime().Equal(e.ModifiedAt) {
		return true, nil
	}
	f, err := root.Open(e.Name)
	if err != nil {
		return false, err
	}
	defer f.Close()
	sum := sha1.New() //nolint:gosec // what git names its objects by
	fmt.Fprintf(sum, "blob %d\x00", info.Size())
	if _, err := io.Copy(sum, f); err != nil {
		return false, err
	}
	return [20]byte(sum.Sum(nil)) == e.Hash, nil
}
