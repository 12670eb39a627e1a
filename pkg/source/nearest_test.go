package source_test

import (
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/org/ai-ship/pkg/source"
)

func TestNearest(t *testing.T) {
	for _, tc := range []struct {
		name     string
		grow     func(r *repository)
		nearest  string
		distance int
	}{
		{"no tags", func(r *repository) { r.commit(r.commit()) }, "", 0},
		{"no versions", func(r *repository) { r.tag("nightly", r.commit()) }, "", 0},
		{"moved floats do not count", func(r *repository) {
			one := r.commit()
			r.tag("v1", one)
			r.tag("v1.2", one)
		}, "", 0},
		{"a part's tag does not count", func(r *repository) { r.tag("part/v1.2.3", r.commit()) }, "", 0},
		{"on another line", func(r *repository) {
			one := r.commit()
			r.tag("v2.0.0", r.commit(one))
			r.commit(one)
		}, "", 0},
		{"behind by two", func(r *repository) {
			one := r.commit()
			r.tag("v1.2.3", one)
			r.commit(r.commit(one))
		}, "v1.2.3", 2},
		{"the highest, not the closest", func(r *repository) {
			one := r.commit()
			r.tag("v1.10.0", one)
			two := r.commit(one)
			r.tag("v1.9.1", two)
			r.commit(two)
		}, "v1.10.0", 2},
		{"a release is higher than its candidate", func(r *repository) {
			one := r.commit()
			r.tag("1.2.3-rc.1", one)
			two := r.commit(one)
			r.tag("1.2.3", two)
			r.commit(two)
		}, "1.2.3", 1},
		{"the first name of one version", func(r *repository) {
			one := r.commit()
			r.tag("v1.2.3", one)
			r.tag("1.2.3", r.commit(one))
		}, "1.2.3", 0},
		{"merge: all that the tag does not have", func(r *repository) {
			root := r.commit()
			left := r.commit(root)
			r.tag("v1.0.0", left)
			right := r.commit(r.commit(root))
			r.commit(left, right)
		}, "v1.0.0", 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRepository(t, false)
			tc.grow(r)
			got, err := source.Open(r.dir)
			if err != nil {
				t.Fatal(err)
			}
			if got.Nearest != tc.nearest || got.Distance != tc.distance {
				t.Errorf("nearest is %q, %d commits ago, want %q, %d", got.Nearest, got.Distance, tc.nearest, tc.distance)
			}
		})
	}
}

func TestNearestSkipsTagsOfMissingObjects(t *testing.T) {
	r := newRepository(t, false)
	one := r.commit()
	r.ref(plumbing.NewHashReference("refs/tags/v5.0.0", plumbing.NewHash("1111111111111111111111111111111111111111")))
	check(t, r.dir, source.Revision{Commit: one.String(), Time: at(1), Branch: "main"})
}
