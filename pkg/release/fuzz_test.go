package release_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/org/ai-ship/pkg/release"
)

// Whatever git or the user says, every tag is valid, is there once, and comes
// in the promised order; latest comes of its own rule only.
func FuzzNewPlan(f *testing.F) {
	f.Add("", "", "feature/x", "", "1.2.0 latest")
	f.Add("v1.2.3+build.5", "gpu", "main", "", "1.2.0-gpu")
	f.Add("", "", "", "v1.2.3-rc.1", "")
	f.Add("latest", "", "", "", "")
	f.Add(strings.Repeat("ä", 90), "-.", strings.Repeat("b", 300), "x", "")
	valid := regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)
	order := []release.Kind{release.KindVersion, release.KindFloat, release.KindLatest, release.KindCommit, release.KindChannel}
	f.Fuzz(func(t *testing.T, version, suffix, branch, tag, existing string) {
		plan, err := release.NewPlan(release.Ask{
			Version: version, Suffix: suffix,
			Ref:      release.Ref{Branch: branch, Tag: tag, Commit: commit},
			Channels: channels(), Existing: strings.Fields(existing),
		})
		if err != nil {
			if plan.Version != "" || len(plan.Tags) > 0 {
				t.Errorf("a plan beside the error %v: %+v", err, plan)
			}
			return
		}
		names := plan.Names()
		last := 0
		for i, tag := range plan.Tags {
			if !valid.MatchString(tag.Name) {
				t.Errorf("tag %q is not valid", tag.Name)
			}
			if slices.Contains(names[:i], tag.Name) {
				t.Errorf("tag %q is planned twice", tag.Name)
			}
			if (tag.Name == "latest") != (tag.Kind == release.KindLatest) {
				t.Errorf("tag %q is of kind %q", tag.Name, tag.Kind)
			}
			at := slices.Index(order, tag.Kind)
			if at < last {
				t.Errorf("tag %q of kind %q comes after a later kind: %q", tag.Name, tag.Kind, names)
			}
			last = at
		}
		if !valid.MatchString(plan.Version) {
			t.Errorf("version %q is no valid tag", plan.Version)
		}
	})
}
