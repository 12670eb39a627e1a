package source

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

const (
	maxTags = 100_000
	maxPeel = 8      // tags of tags
	maxWalk = 10_000 // commits
)

// readTags maps commits to the tags that point to them, sorted. Annotated
// tags are peeled. A tag of something else than a commit, or of an object that
// a shallow or partial clone does not have, is left out.
func readTags(repo *git.Repository) (map[plumbing.Hash][]string, error) {
	refs, err := repo.Tags()
	if err != nil {
		return nil, fmt.Errorf("listing tags: %w", err)
	}
	defer refs.Close()
	tags := make(map[plumbing.Hash][]string)
	count := 0
	err = refs.ForEach(func(ref *plumbing.Reference) error {
		if count++; count > maxTags {
			return fmt.Errorf("found more than %d tags", maxTags)
		}
		commit, ok, err := peel(repo, ref.Hash())
		if err != nil {
			return fmt.Errorf("reading tag %q: %w", ref.Name().Short(), err)
		}
		if ok {
			tags[commit] = append(tags[commit], ref.Name().Short())
		}
		return nil
	})
	for _, names := range tags {
		slices.Sort(names)
	}
	return tags, err
}

// peel follows annotated tags to the commit they name.
func peel(repo *git.Repository, hash plumbing.Hash) (plumbing.Hash, bool, error) {
	for range maxPeel {
		tag, err := repo.TagObject(hash)
		if errors.Is(err, plumbing.ErrObjectNotFound) {
			return hash, true, nil // no tag object: a commit, or nothing that the walk will meet
		}
		if err != nil {
			return plumbing.ZeroHash, false, err
		}
		hash = tag.Target
		switch tag.TargetType {
		case plumbing.CommitObject:
			return hash, true, nil
		case plumbing.TagObject:
		default:
			return plumbing.ZeroHash, false, nil
		}
	}
	return plumbing.ZeroHash, false, nil
}

// nearest finds the highest version among the tags in commit's history. Of
// tags for the same version the first in alphabetical order stands for it.
func nearest(repo *git.Repository, commit *object.Commit, tags map[plumbing.Hash][]string) (string, int, error) {
	versions := parseVersions(tags)
	if len(versions) == 0 {
		return "", 0, nil
	}
	history, err := walk(repo, commit)
	if err != nil {
		return "", 0, err
	}
	var best string
	var at plumbing.Hash
	for hash := range history {
		for _, name := range tags[hash] {
			if versions[name] != nil && (best == "" || higher(versions, name, best)) {
				best, at = name, hash
			}
		}
	}
	if best == "" {
		return "", 0, nil
	}
	return best, len(history) - countAncestors(history, at), nil
}

func higher(versions map[string]*semver.Version, name, best string) bool {
	if c := versions[name].Compare(versions[best]); c != 0 {
		return c > 0
	}
	return name < best
}

func parseVersions(tags map[plumbing.Hash][]string) map[string]*semver.Version {
	versions := make(map[string]*semver.Version)
	for _, names := range tags {
		for _, name := range names {
			if version, err := semver.StrictNewVersion(strings.TrimPrefix(name, "v")); err == nil {
				versions[name] = version
			}
		}
	}
	return versions
}

// walk returns the history of commit, itself included, as each commit's
// parents: breadth first, no more than maxWalk commits. A parent that is not
// there ends its line, because the clone is shallow.
func walk(repo *git.Repository, commit *object.Commit) (map[plumbing.Hash][]plumbing.Hash, error) {
	history := map[plumbing.Hash][]plumbing.Hash{commit.Hash: commit.ParentHashes}
	for queue := slices.Clone(commit.ParentHashes); len(queue) > 0 && len(history) < maxWalk; queue = queue[1:] {
		if _, seen := history[queue[0]]; seen {
			continue
		}
		next, err := repo.CommitObject(queue[0])
		if errors.Is(err, plumbing.ErrObjectNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading commit %s: %w", queue[0], err)
		}
		history[next.Hash] = next.ParentHashes
		queue = append(queue, next.ParentHashes...)
	}
	return history, nil
}

// countAncestors counts at and those of its ancestors that are in history.
func countAncestors(history map[plumbing.Hash][]plumbing.Hash, at plumbing.Hash) int {
	seen := map[plumbing.Hash]bool{at: true}
	for queue := []plumbing.Hash{at}; len(queue) > 0; queue = queue[1:] {
		for _, parent := range history[queue[0]] {
			if _, known := history[parent]; known && !seen[parent] {
				seen[parent] = true
				queue = append(queue, parent)
			}
		}
	}
	return len(seen)
}
