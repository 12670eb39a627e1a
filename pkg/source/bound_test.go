package source

import (
	"testing"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/memory"
)

// In memory, because writing so many files takes longer than all other tests.
func TestNearestIsBounded(t *testing.T) {
	repo, err := git.Init(memory.NewStorage(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var history []plumbing.Hash
	for range maxWalk + 10 {
		commit := object.Commit{Message: "m", ParentHashes: history[max(0, len(history)-1):]}
		obj := repo.Storer.NewEncodedObject()
		if err := commit.Encode(obj); err != nil {
			t.Fatal(err)
		}
		hash, err := repo.Storer.SetEncodedObject(obj)
		if err != nil {
			t.Fatal(err)
		}
		history = append(history, hash)
	}
	head, err := repo.CommitObject(history[len(history)-1])
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name     string
		high     plumbing.Hash // tagged v9.0.0
		nearest  string
		distance int
	}{
		{"one commit beyond", history[9], "v1.0.0", maxWalk - 5},
		{"the last within", history[10], "v9.0.0", maxWalk - 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tags := map[plumbing.Hash][]string{tc.high: {"v9.0.0"}, history[14]: {"v1.0.0"}}
			got, distance, err := nearest(repo, head, tags)
			if err != nil || got != tc.nearest || distance != tc.distance {
				t.Errorf("nearest = %q, %d, %v, want %q, %d", got, distance, err, tc.nearest, tc.distance)
			}
		})
	}
}
