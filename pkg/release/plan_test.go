package release_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/release"
)

const commit = "0123456789abcdef0123456789abcdef01234567"

func onTag(tag string) release.Ref       { return release.Ref{Tag: tag, Commit: commit} }
func onBranch(branch string) release.Ref { return release.Ref{Branch: branch, Commit: commit} }

func channels() []release.Channel {
	return []release.Channel{
		{Name: "staging", On: []string{"branch:develop", "branch:release/*"}},
		{Name: "production", On: []string{"tag:v*"}},
		{Name: "canary", On: []string{"branch:**", "tag:v*-*"}},
		{Name: "manual"},
	}
}

// planCase is a row of the tables below; tags are the names in order.
type planCase struct {
	name    string
	ask     release.Ask
	version string
	channel string
	tags    string
}

func checkPlans(t *testing.T, cases []planCase) {
	t.Helper()
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			plan, err := release.NewPlan(tc.ask)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(plan.Names(), " "); got != tc.tags {
				t.Errorf("tags are  %s\nwant      %s", got, tc.tags)
			}
			if plan.Version != tc.version || plan.Channel != tc.channel {
				t.Errorf("version %q, channel %q, want %q, %q", plan.Version, plan.Channel, tc.version, tc.channel)
			}
			if (plan.Why == "") != (len(plan.Tags) > 0) {
				t.Errorf("why is %q with %d tags", plan.Why, len(plan.Tags))
			}
		})
	}
}

func TestPlanOfGitTag(t *testing.T) {
	checkPlans(t, []planCase{
		{"tag with v", release.Ask{Ref: onTag("v1.2.3")}, "1.2.3", "", "1.2.3 v1.2.3 1.2 1 latest sha-0123456"},
		{"tag without v", release.Ask{Ref: onTag("1.2.3")}, "1.2.3", "", "1.2.3 1.2 1 latest sha-0123456"},
		{"tag without commit", release.Ask{Ref: release.Ref{Tag: "v1.2.3"}}, "1.2.3", "", "1.2.3 v1.2.3 1.2 1 latest"},
		{"no float for 0", release.Ask{Ref: onTag("v0.3.1")}, "0.3.1", "", "0.3.1 v0.3.1 0.3 latest sha-0123456"},
		{"0.0.x", release.Ask{Ref: onTag("0.0.1")}, "0.0.1", "", "0.0.1 0.0 latest sha-0123456"},
		{"the tag wins over the branch", release.Ask{Ref: release.Ref{Tag: "v1.0.0", Branch: "develop", Commit: commit}, Channels: channels()},
			"1.0.0", "production", "1.0.0 v1.0.0 1.0 1 latest sha-0123456 production"},
		{"capital v is no version", release.Ask{Ref: onTag("V1.2.3")}, "V1.2.3", "", "V1.2.3 sha-0123456"},
		{"leading zero is no version", release.Ask{Ref: onTag("1.02.3")}, "1.02.3", "", "1.02.3 sha-0123456"},
		{"two numbers are no version", release.Ask{Ref: onTag("v1.2")}, "v1.2", "", "v1.2 sha-0123456"},
		{"too large a number is no version", release.Ask{Ref: onTag("99999999999999999999.0.0")}, "99999999999999999999.0.0", "", "99999999999999999999.0.0 sha-0123456"},
	})
}

func TestPlanOfPreRelease(t *testing.T) {
	checkPlans(t, []planCase{
		{"pre-release", release.Ask{Ref: onTag("v1.2.3-rc.1")}, "1.2.3-rc.1", "", "1.2.3-rc.1 v1.2.3-rc.1 sha-0123456"},
		{"pre-release without v", release.Ask{Ref: onTag("1.2.3-0")}, "1.2.3-0", "", "1.2.3-0 sha-0123456"},
		{"build metadata", release.Ask{Ref: onTag("v1.2.3+cu12.1")}, "1.2.3-cu12.1", "", "1.2.3-cu12.1 v1.2.3-cu12.1 1.2 1 latest sha-0123456"},
		{"pre-release with metadata", release.Ask{Ref: onTag("1.2.3-rc.1+cu12")}, "1.2.3-rc.1-cu12", "", "1.2.3-rc.1-cu12 sha-0123456"},
	})
}

func TestPlanOfBackport(t *testing.T) {
	checkPlans(t, []planCase{
		{"backport below a minor", release.Ask{Ref: onTag("v1.1.9"), Existing: []string{"1.2.0", "1.1.8", "1"}}, "1.1.9", "", "1.1.9 v1.1.9 1.1 sha-0123456"},
		{"backport below a patch", release.Ask{Ref: onTag("1.1.8"), Existing: []string{"1.1.9"}}, "1.1.8", "", "1.1.8 sha-0123456"},
		{"backport below a major", release.Ask{Ref: onTag("1.9.0"), Existing: []string{"2.0.0", "1.8.9"}}, "1.9.0", "", "1.9.0 1.9 1 sha-0123456"},
		{"existing with v counts", release.Ask{Ref: onTag("1.9.0"), Existing: []string{"v2.0.0"}}, "1.9.0", "", "1.9.0 1.9 1 sha-0123456"},
		{"numbers, not text", release.Ask{Ref: onTag("1.10.0"), Existing: []string{"1.9.0"}}, "1.10.0", "", "1.10.0 1.10 1 latest sha-0123456"},
		{"again", release.Ask{Ref: onTag("1.2.3"), Existing: []string{"1.2.3", "1.2", "1", "latest"}}, "1.2.3", "", "1.2.3 1.2 1 latest sha-0123456"},
		{"an existing pre-release holds nothing back", release.Ask{Ref: onTag("1.2.3"), Existing: []string{"2.0.0-rc.1", "1.2.4-rc.1"}}, "1.2.3", "", "1.2.3 1.2 1 latest sha-0123456"},
		{"floats and others hold nothing back", release.Ask{Ref: onTag("1.2.3"), Existing: []string{"9", "8.1", "sha-fffffff", "latest", ""}}, "1.2.3", "", "1.2.3 1.2 1 latest sha-0123456"},
		{"major 0 below 1", release.Ask{Ref: onTag("0.9.0"), Existing: []string{"1.0.0"}}, "0.9.0", "", "0.9.0 0.9 sha-0123456"},
	})
}

func TestPlanOfSuffix(t *testing.T) {
	checkPlans(t, []planCase{
		{"suffix", release.Ask{Ref: onTag("v1.2.3"), Suffix: "pytorch2.1"}, "1.2.3-pytorch2.1", "",
			"1.2.3-pytorch2.1 v1.2.3-pytorch2.1 1.2-pytorch2.1 1-pytorch2.1 sha-0123456-pytorch2.1"},
		{"suffix with dash and plus", release.Ask{Ref: onTag("1.2.3"), Suffix: "-torch2.1+cu12"}, "1.2.3-torch2.1-cu12", "",
			"1.2.3-torch2.1-cu12 1.2-torch2.1-cu12 1-torch2.1-cu12 sha-0123456-torch2.1-cu12"},
		{"suffix and pre-release", release.Ask{Ref: onTag("1.2.3-rc.1"), Suffix: "gpu"}, "1.2.3-rc.1-gpu", "", "1.2.3-rc.1-gpu sha-0123456-gpu"},
		{"suffix: own family holds back", release.Ask{Ref: onTag("1.1.9"), Suffix: "gpu", Existing: []string{"1.2.0-gpu"}}, "1.1.9-gpu", "", "1.1.9-gpu 1.1-gpu sha-0123456-gpu"},
		{"suffix: other families do not", release.Ask{Ref: onTag("1.1.9"), Suffix: "gpu", Existing: []string{"1.2.0", "2.0.0-cpu", "3.0.0-big-gpu", "4.0.0-rc.1-gpu"}},
			"1.1.9-gpu", "", "1.1.9-gpu 1.1-gpu 1-gpu sha-0123456-gpu"},
		{"no suffix: families hold nothing back", release.Ask{Ref: onTag("1.1.9"), Existing: []string{"1.2.0-gpu"}}, "1.1.9", "", "1.1.9 1.1 1 latest sha-0123456"},
		{"suffix on a branch", release.Ask{Ref: onBranch("main"), Suffix: "gpu"}, "main-0123456-gpu", "", "sha-0123456-gpu main-0123456-gpu"},
		{"suffix on other text", release.Ask{Version: "nightly", Suffix: "gpu"}, "nightly-gpu", "", "nightly-gpu"},
	})
}

func TestPlanOfOtherText(t *testing.T) {
	checkPlans(t, []planCase{
		{"git tag with slash", release.Ask{Ref: onTag("model/2024")}, "model-2024", "", "model-2024 sha-0123456"},
		{"runs become one dash", release.Ask{Ref: onTag("a@#b")}, "a-b", "", "a-b sha-0123456"},
		{"leading dots and dashes go", release.Ask{Version: "-.x"}, "x", "", "x"},
		{"underscore may lead", release.Ask{Version: "_x"}, "_x", "", "_x"},
	})
}

func TestPlanOfExplicitVersion(t *testing.T) {
	checkPlans(t, []planCase{
		{"explicit alone", release.Ask{Version: "1.2.3"}, "1.2.3", "", "1.2.3 1.2 1 latest"},
		{"explicit with spaces", release.Ask{Version: " v1.2.3\n"}, "1.2.3", "", "1.2.3 v1.2.3 1.2 1 latest"},
		{"explicit on a branch", release.Ask{Version: "1.2.3-rc.2", Ref: onBranch("main")}, "1.2.3-rc.2", "", "1.2.3-rc.2 sha-0123456 main-0123456"},
		{"explicit on a tag", release.Ask{Version: "2.0.0", Ref: onTag("v1.2.3"), Channels: channels()}, "2.0.0", "production", "2.0.0 2.0 2 latest sha-0123456 production"},
		{"explicit is a tag of the commit", release.Ask{Version: "sha-0123456", Ref: onBranch("")}, "sha-0123456", "", "sha-0123456"},
	})
}

func TestPlanOfBranchAndCommit(t *testing.T) {
	long := strings.Repeat("x", 200)
	checkPlans(t, []planCase{
		{"branch", release.Ask{Ref: onBranch("main")}, "main-0123456", "", "sha-0123456 main-0123456"},
		{"branch with slash", release.Ask{Ref: onBranch("feature/x")}, "feature-x-0123456", "", "sha-0123456 feature-x-0123456"},
		{"branch called sha", release.Ask{Ref: onBranch("sha")}, "sha-0123456", "", "sha-0123456"},
		{"branch without any letter of a tag", release.Ask{Ref: onBranch("ветка")}, "sha-0123456", "", "sha-0123456"},
		{"long branch", release.Ask{Ref: onBranch(long)}, long[:120] + "-0123456", "", "sha-0123456 " + long[:120] + "-0123456"},
		{"commit alone", release.Ask{Ref: release.Ref{Commit: commit}, Channels: channels()}, "sha-0123456", "", "sha-0123456"},
		{"short commit", release.Ask{Ref: release.Ref{Commit: commit[:7]}}, "sha-0123456", "", "sha-0123456"},
	})
}

func TestPlanOfPullRequest(t *testing.T) {
	checkPlans(t, []planCase{
		{"pull request", release.Ask{Ref: release.Ref{PullRequest: true, Commit: commit}, Channels: channels()}, "pr-0123456", "", ""},
		{"pull request beside a branch", release.Ask{Ref: release.Ref{PullRequest: true, Branch: "develop", Commit: commit}, Channels: channels()}, "pr-0123456", "", ""},
		{"pull request with a version", release.Ask{Version: "1.2.3", Ref: release.Ref{PullRequest: true}}, "pr", "", ""},
	})
}

func TestPlanOfChannel(t *testing.T) {
	checkPlans(t, []planCase{
		{"channel of a tag", release.Ask{Ref: onTag("v1.2.3"), Channels: channels()}, "1.2.3", "production", "1.2.3 v1.2.3 1.2 1 latest sha-0123456 production"},
		{"two channels in name order", release.Ask{Ref: onBranch("develop"), Channels: channels()}, "develop-0123456", "staging", "sha-0123456 develop-0123456 canary staging"},
		{"a star stops at a slash", release.Ask{Ref: onBranch("release/a/b"), Channels: channels()}, "release-a-b-0123456", "canary", "sha-0123456 release-a-b-0123456 canary"},
		{"two stars do not", release.Ask{Ref: onBranch("a/b/c"), Channels: channels()}, "a-b-c-0123456", "canary", "sha-0123456 a-b-c-0123456 canary"},
		{"a branch glob does not match tags", release.Ask{Ref: onTag("develop"), Channels: channels()}, "develop", "", "develop sha-0123456"},
		{"pre-release matches its own glob", release.Ask{Ref: onTag("v1.0.0-rc.1"), Channels: channels()}, "1.0.0-rc.1", "production", "1.0.0-rc.1 v1.0.0-rc.1 sha-0123456 canary production"},
		{"forced channel moves alone", release.Ask{Ref: onTag("v1.2.3"), Channels: channels(), Channel: "manual"}, "1.2.3", "manual", "1.2.3 v1.2.3 1.2 1 latest sha-0123456 manual"},
		{"forced without git", release.Ask{Version: "1.2.3", Channels: channels(), Channel: "staging"}, "1.2.3", "staging", "1.2.3 1.2 1 latest staging"},
	})
}

func TestNewPlanSaysWhy(t *testing.T) {
	plan, err := release.NewPlan(release.Ask{
		Version: "v1.2.3", Ref: onBranch("develop"), Nearest: "v1.2.2", Distance: 4, Channels: channels()[:1],
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []release.Tag{
		{Name: "1.2.3", Why: `version "v1.2.3"`, Kind: release.KindVersion},
		{Name: "v1.2.3", Why: `version "v1.2.3"`, Kind: release.KindVersion},
		{Name: "1.2", Why: "highest release of 1.2", Kind: release.KindFloat},
		{Name: "1", Why: "highest release of 1", Kind: release.KindFloat},
		{Name: "latest", Why: "highest release", Kind: release.KindLatest},
		{Name: "sha-0123456", Why: `commit 0123456, 4 after "v1.2.2"`, Kind: release.KindCommit},
		{Name: "develop-0123456", Why: `branch "develop" at commit 0123456, 4 after "v1.2.2"`, Kind: release.KindCommit},
		{Name: "staging", Why: `branch "develop" matches "branch:develop"`, Kind: release.KindChannel},
	}
	if diff := cmp.Diff(want, plan.Tags); diff != "" {
		t.Error(diff)
	}
}

func TestNewPlanErrors(t *testing.T) {
	named := func(name string, on ...string) []release.Channel {
		return []release.Channel{{Name: name, On: on}}
	}
	for _, tc := range []struct {
		name string
		ask  release.Ask
		want string
		hint string
	}{
		{"nothing at all", release.Ask{}, "there is no commit to take it from", "set version in ai-ship.yaml, or run in a git repository that has a commit"},
		{"branch without commit", release.Ask{Ref: release.Ref{Branch: "main"}}, "there is no commit to take it from", "set version in ai-ship.yaml, or run in a git repository that has a commit"},
		{"bad commit", release.Ask{Ref: release.Ref{Commit: "HEAD"}}, `reading commit "HEAD": expected 7 to 64 hex digits`, ""},
		{"suffix auto", release.Ask{Version: "1.2.3", Suffix: "auto"}, `suffix "auto": it needs the Python packages of the image and is not available yet`, "write the suffix itself, such as pytorch2.1"},
		{"suffix of nothing", release.Ask{Version: "1.2.3", Suffix: "+++"}, `reading suffix "+++"`, ""},
		{"long suffix", release.Ask{Version: "1.2.3", Suffix: strings.Repeat("x", 65)}, "found 65 bytes, expected at most 64", ""},
		{"version of nothing", release.Ask{Version: "###"}, `making a tag of version "###"`, ""},
		{"version of nothing with suffix", release.Ask{Version: "###", Suffix: "gpu"}, `making a tag of version "###"`, ""},
		{"long version", release.Ask{Ref: onTag(strings.Repeat("x", 129))}, "making a tag of git tag", ""},
		{"long with suffix", release.Ask{Version: strings.Repeat("x", 125), Suffix: "gpu"}, "making a tag of version", ""},
		{"version latest", release.Ask{Version: "latest"}, `planning tag "latest" from version "latest": the name is kept`, "give another version"},
		{"git tag latest", release.Ask{Ref: onTag("#latest")}, `planning tag "latest" from git tag "#latest"`, "give another version"},
		{"git tag with a channel's name", release.Ask{Ref: onTag("production"), Channels: channels()}, `channel "production" has that name, and only its rule moves it`, "rename the channel or give another version"},
		{"float with a channel's name", release.Ask{Ref: onTag("1.2.3"), Channels: named("1.2")}, `channel "1.2" has that name`, "rename the channel or give another version"},
		{"channel not declared", release.Ask{Version: "1.2.3", Channels: channels(), Channel: "prod"},
			`moving channel "prod": it is not declared, found "canary", "manual", "production", "staging"`, "declare the channel under channels in ai-ship.yaml"},
		{"no channel declared", release.Ask{Version: "1.2.3", Channel: "prod"}, "it is not declared, found none", "declare the channel under channels in ai-ship.yaml"},
		{"pull request with channel", release.Ask{Ref: release.Ref{PullRequest: true, Commit: commit}, Channels: channels(), Channel: "staging"},
			`moving channel "staging": the run is for a pull request`, "move the channel from a branch or a tag, once the pull request is merged"},
		{"channel latest", release.Ask{Version: "1.2.3", Channels: named("latest")}, `reading channel "latest": the name is kept`, ""},
		{"channel name", release.Ask{Version: "1.2.3", Channels: named("a/b")}, `reading channel "a/b": the name is no valid tag`, ""},
		{"channel twice", release.Ask{Version: "1.2.3", Channels: append(named("a"), named("a")...)}, `reading channel "a": it is declared twice`, ""},
		{"on without kind", release.Ask{Version: "1.2.3", Channels: named("a", "tag:v*", "main")}, `reading channel "a": on[1] is "main", expected branch:GLOB or tag:GLOB`, ""},
		{"on without glob", release.Ask{Version: "1.2.3", Channels: named("a", "branch:")}, `on[0] is "branch:"`, ""},
		{"on with bad glob", release.Ask{Version: "1.2.3", Channels: named("a", "branch:[")}, `on[0] is "branch:["`, ""},
		{"a pull request checks the channels too", release.Ask{Ref: release.Ref{PullRequest: true}, Channels: named("a", "x")}, `on[0] is "x"`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			plan, err := release.NewPlan(tc.ask)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("error is %v, want one with %q", err, tc.want)
			}
			if got := strings.Join(hint.Of(err), "|"); got != tc.hint {
				t.Errorf("hint is %q, want %q", got, tc.hint)
			}
			if diff := cmp.Diff(release.Plan{}, plan); diff != "" {
				t.Errorf("a plan beside the error: %s", diff)
			}
		})
	}
}

func TestNewPlanReportsAllChannels(t *testing.T) {
	_, err := release.NewPlan(release.Ask{Version: "1.0.0", Channels: []release.Channel{
		{Name: "a b"}, {Name: "latest", On: []string{"x"}},
	}})
	for _, want := range []string{`"a b"`, `"latest": the name`, `on[0] is "x"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one with %s", err, want)
		}
	}
}

func TestNewPlanDoesNotReorderTheCallersChannels(t *testing.T) {
	given := channels()
	if _, err := release.NewPlan(release.Ask{Version: "1.0.0", Channels: given}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(channels(), given); diff != "" {
		t.Error(diff)
	}
}

// Every pre-release that the grammar can make earns no shared tag.
func TestPreReleasesNeverMoveSharedTags(t *testing.T) {
	for _, core := range []string{"0.0.1", "0.9.0", "1.2.3", "10.0.0"} {
		for _, pre := range []string{"0", "1", "rc.1", "alpha", "a-b", "latest", "x.7.z.92", "-", "--"} {
			for _, meta := range []string{"", "+latest", "+1.2"} {
				for _, v := range []string{"", "v"} {
					for _, suffix := range []string{"", "gpu"} {
						version := fmt.Sprint(v, core, "-", pre, meta)
						for _, ask := range []release.Ask{{Ref: onTag(version), Suffix: suffix}, {Version: version, Suffix: suffix}} {
							plan, err := release.NewPlan(ask)
							if err != nil {
								t.Fatalf("NewPlan(%+v): %v", ask, err)
							}
							if slices.ContainsFunc(plan.Tags, func(tag release.Tag) bool {
								return tag.Name == "latest" || tag.Kind == release.KindLatest || tag.Kind == release.KindFloat
							}) {
								t.Errorf("%q moves %q", version, plan.Names())
							}
						}
					}
				}
			}
		}
	}
}
