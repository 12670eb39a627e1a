package source

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
)

// Revision is the state of a git repository. Its zero value means that the
// folder is in none; one without Commit, that the repository has no commit yet.
type Revision struct {
	Commit string    // 40 hex digits
	Time   time.Time // committer time, UTC
	Branch string    // short name; "" when HEAD is detached
	Tags   []string  // tags that point to Commit, sorted
	// Nearest is the highest semver tag that Commit descends from (its own
	// included), "" when there is none; Distance counts the commits that are
	// in Commit's history and not in Nearest's. Both look at no more than
	// 10,000 commits, and in a shallow clone at what was fetched. Only full
	// versions count (v1.2.3, 1.2.3-rc.1): v1 and v1.2 are moved by convention.
	Nearest  string
	Distance int
	Remote   string // https URL of origin without credentials and .git; "" when there is none
}

// Open reads the repository that dir is in, looking upwards as git does. A
// folder outside any repository is the zero Revision and no error.
func Open(dir string) (Revision, error) {
	gitDir, err := find(dir)
	if err != nil {
		return Revision{}, fmt.Errorf("looking for a git repository at %q: %w", dir, err)
	}
	if gitDir == "" {
		return Revision{}, nil
	}
	rev, err := read(gitDir)
	if err != nil {
		return Revision{}, fmt.Errorf("reading git repository %q: %w", gitDir, err)
	}
	return rev, nil
}

func read(gitDir string) (rev Revision, err error) {
	err = withStore(gitDir, func(repo *git.Repository) (err error) {
		rev, err = revision(repo)
		return err
	})
	return rev, err
}

func revision(repo *git.Repository) (rev Revision, err error) {
	if rev.Remote, err = remote(repo); err != nil {
		return Revision{}, err
	}
	head, err := repo.Reference(plumbing.HEAD, false)
	if err != nil {
		return Revision{}, fmt.Errorf("reading HEAD: %w", err)
	}
	if target := head.Target(); target.IsBranch() {
		rev.Branch = target.Short()
	}
	head, err = repo.Head()
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		return rev, nil // no commit yet
	}
	if err != nil {
		return Revision{}, fmt.Errorf("resolving HEAD: %w", err)
	}
	commit, err := repo.CommitObject(head.Hash())
	if err != nil {
		return Revision{}, fmt.Errorf("reading commit %s: %w", head.Hash(), err)
	}
	rev.Commit = commit.Hash.String()
	rev.Time = commit.Committer.When.UTC()
	tags, err := readTags(repo)
	if err != nil {
		return Revision{}, err
	}
	rev.Tags = tags[commit.Hash]
	rev.Nearest, rev.Distance, err = nearest(repo, commit, tags)
	return rev, err
}

// remote is origin's first URL, normalised.
func remote(repo *git.Repository) (string, error) {
	origin, err := repo.Remote(git.DefaultRemoteName)
	if errors.Is(err, git.ErrRemoteNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading remote %q: %w", git.DefaultRemoteName, err)
	}
	urls := origin.Config().URLs
	if len(urls) == 0 {
		return "", nil
	}
	return pageURL(urls[0]), nil
}
