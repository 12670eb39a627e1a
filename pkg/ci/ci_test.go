package ci_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/ci"
)

const sha = "0123456789abcdef0123456789abcdef01234567"

func from(base, extra map[string]string) func(string) string {
	env := maps.Clone(base)
	maps.Copy(env, extra)
	return func(key string) string { return env[key] }
}

func eventFile(t *testing.T, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func githubEnv() map[string]string {
	return map[string]string{
		"GITHUB_ACTIONS":    "true",
		"GITHUB_SHA":        sha,
		"GITHUB_SERVER_URL": "https://github.com",
		"GITHUB_REPOSITORY": "acme/digits",
		"GITHUB_RUN_ID":     "42",
	}
}

func TestDetectGitHub(t *testing.T) {
	const (
		own     = `{"number":7,"pull_request":{"head":{"repo":{"full_name":"Acme/Digits"}}}}`
		fork    = "the pull request comes from a fork, whose token can only read"
		unknown = "nothing says that the pull request comes from this repository"
	)
	for _, tc := range []struct {
		name  string
		extra map[string]string
		event string // content of the event file
		want  ci.Event
	}{
		{"branch", map[string]string{"GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/feature/x", "GITHUB_REF_TYPE": "branch"}, "",
			ci.Event{Branch: "feature/x"}},
		{"tag", map[string]string{"GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/tags/v1.2.3", "GITHUB_REF_TYPE": "tag"}, "",
			ci.Event{Tag: "v1.2.3"}},
		{"release", map[string]string{"GITHUB_EVENT_NAME": "release", "GITHUB_REF": "refs/tags/v2.0.0"}, "",
			ci.Event{Tag: "v2.0.0"}},
		{"type and name without ref", map[string]string{"GITHUB_REF_TYPE": "tag", "GITHUB_REF_NAME": "v3"}, "",
			ci.Event{Tag: "v3"}},
		{"branch type and name without ref", map[string]string{"GITHUB_REF_TYPE": "branch", "GITHUB_REF_NAME": "main"}, "",
			ci.Event{Branch: "main"}},
		{"pull request", map[string]string{"GITHUB_EVENT_NAME": "pull_request", "GITHUB_REF": "refs/pull/7/merge", "GITHUB_REF_TYPE": "branch"}, own,
			ci.Event{PullRequest: 7}},
		{"pull request of a fork", map[string]string{"GITHUB_EVENT_NAME": "pull_request", "GITHUB_REF": "refs/pull/7/merge"}, `{"pull_request":{"head":{"repo":{"full_name":"somebody/digits"}}}}`,
			ci.Event{PullRequest: 7, ReadOnly: fork}},
		{"pull request of a fork that is gone", map[string]string{"GITHUB_EVENT_NAME": "pull_request", "GITHUB_REF": "refs/pull/7/merge"}, `{"pull_request":{"head":{"repo":null}}}`,
			ci.Event{PullRequest: 7, ReadOnly: unknown}},
		{"pull request of Dependabot", map[string]string{"GITHUB_EVENT_NAME": "pull_request", "GITHUB_REF": "refs/pull/7/merge", "GITHUB_ACTOR": "dependabot[bot]"}, own,
			ci.Event{PullRequest: 7, ReadOnly: "Dependabot's pull requests run with a token that can only read"}},
		{"pull request head by ref, other event", map[string]string{"GITHUB_EVENT_NAME": "workflow_dispatch", "GITHUB_REF": "refs/pull/7/head"}, `{}`,
			ci.Event{PullRequest: 7, ReadOnly: unknown}},
		{"pull_request_target has the base as ref", map[string]string{"GITHUB_EVENT_NAME": "pull_request_target", "GITHUB_REF": "refs/heads/main"}, `{"number": 9}`,
			ci.Event{PullRequest: 9, ReadOnly: unknown, Privileged: "pull_request_target"}},
		{"merged pull request", map[string]string{"GITHUB_EVENT_NAME": "pull_request", "GITHUB_REF": "refs/heads/main"}, `{"action":"closed","number":10}`,
			ci.Event{PullRequest: 10, ReadOnly: unknown}},
		{"review", map[string]string{"GITHUB_EVENT_NAME": "pull_request_review", "GITHUB_REF": "refs/heads/main"}, `{"pull_request":{"number": 11}}`,
			ci.Event{PullRequest: 11, ReadOnly: unknown}},
		{"comment on a pull request", map[string]string{"GITHUB_EVENT_NAME": "issue_comment", "GITHUB_REF": "refs/heads/main"}, `{"issue":{"number":12,"pull_request":{}}}`,
			ci.Event{PullRequest: 12, ReadOnly: unknown, Privileged: "issue_comment"}},
		{"comment on an issue", map[string]string{"GITHUB_EVENT_NAME": "issue_comment", "GITHUB_REF": "refs/heads/main"}, `{"issue":{"number":12}}`,
			ci.Event{Branch: "main"}},
		{"workflow after that of a pull request", map[string]string{"GITHUB_EVENT_NAME": "workflow_run", "GITHUB_REF": "refs/heads/main"},
			`{"workflow_run":{"event":"pull_request","head_repository":{"full_name":"acme/digits"},"pull_requests":[{"number":13}]}}`,
			ci.Event{PullRequest: 13, Privileged: "workflow_run"}},
		{"workflow after that of a push", map[string]string{"GITHUB_EVENT_NAME": "workflow_run", "GITHUB_REF": "refs/heads/main"}, `{"workflow_run":{"event":"push"}}`,
			ci.Event{Branch: "main"}},
		{"merge queue", map[string]string{"GITHUB_EVENT_NAME": "merge_group", "GITHUB_REF": "refs/heads/gh-readonly-queue/main/pr-104-" + sha, "GITHUB_REF_TYPE": "branch"}, "",
			ci.Event{PullRequest: 104}},
		{"push of a merge queue", map[string]string{"GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/gh-readonly-queue/release/1.x/pr-5-" + sha, "GITHUB_REF_TYPE": "branch"}, "",
			ci.Event{PullRequest: 5}},
		{"by hand, on a tag", map[string]string{"GITHUB_EVENT_NAME": "workflow_dispatch", "GITHUB_REF": "refs/tags/v1.2.3"}, "",
			ci.Event{Tag: "v1.2.3"}},
		{"schedule", map[string]string{"GITHUB_EVENT_NAME": "schedule", "GITHUB_REF": "refs/heads/main"}, "",
			ci.Event{Branch: "main"}},
		{"the event file of a push is not read", map[string]string{"GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/main"}, `{{`,
			ci.Event{Branch: "main"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.extra["GITHUB_EVENT_PATH"] = eventFile(t, tc.event)
			tc.want.Provider, tc.want.Commit = ci.GitHub, sha
			tc.want.Repository = "https://github.com/acme/digits"
			tc.want.RunURL = "https://github.com/acme/digits/actions/runs/42"
			got, err := ci.Detect(from(githubEnv(), tc.extra))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDetectGitHubErrors(t *testing.T) {
	target := map[string]string{"GITHUB_EVENT_NAME": "pull_request_target", "GITHUB_REF": "refs/heads/main"}
	with := func(key, value string) map[string]string {
		env := maps.Clone(target)
		env[key] = value
		return env
	}
	for _, tc := range []struct {
		name  string
		extra map[string]string
		want  string
	}{
		{"no ref", nil, `GITHUB_REF "": found 0 of branch, tag and pull request`},
		{"unknown ref", map[string]string{"GITHUB_REF": "refs/notes/x"}, `GITHUB_REF "refs/notes/x": found 0`},
		{"no commit", map[string]string{"GITHUB_REF": "refs/heads/main", "GITHUB_SHA": ""}, "found no commit"},
		{"short commit", map[string]string{"GITHUB_REF": "refs/heads/main", "GITHUB_SHA": "abc"}, `found commit "abc", expected 40 or 64 hex digits`},
		{"run id", map[string]string{"GITHUB_REF": "refs/heads/main", "GITHUB_RUN_ID": "x"}, "reading the GitHub environment: "},
		{"number too large", map[string]string{"GITHUB_REF": "refs/pull/99999999999999999999/merge"}, `number "99999999999999999999" in GITHUB_REF`},
		{"number zero", map[string]string{"GITHUB_REF": "refs/pull/0/merge"}, `number "0" in GITHUB_REF`},
		{"pull ref without number", map[string]string{"GITHUB_REF": "refs/pull/x"}, "GITHUB_EVENT_PATH is not set"},
		{"queue ref without number", map[string]string{"GITHUB_REF": "refs/heads/gh-readonly-queue/main/pr-0-" + sha}, `number "0" in GITHUB_REF`},
		{"workflow after that of a fork", map[string]string{"GITHUB_EVENT_NAME": "workflow_run", "GITHUB_REF": "refs/heads/main",
			"GITHUB_EVENT_PATH": eventFile(t, `{"workflow_run":{"event":"pull_request"}}`)}, `number "" in the event file`},
		{"comment without event file", map[string]string{"GITHUB_EVENT_NAME": "issue_comment", "GITHUB_REF": "refs/heads/main"}, "GITHUB_EVENT_PATH is not set"},
		{"no event path", target, "GITHUB_EVENT_PATH is not set"},
		{"no event file", with("GITHUB_EVENT_PATH", filepath.Join(t.TempDir(), "none")), "opening the event file: "},
		{"event is a folder", with("GITHUB_EVENT_PATH", t.TempDir()), "reading the event file: "},
		{"event is not JSON", with("GITHUB_EVENT_PATH", eventFile(t, "{")), "parsing the event file: "},
		{"no number", with("GITHUB_EVENT_PATH", eventFile(t, "{}")), `number "" in the event file`},
		{"event too large", with("GITHUB_EVENT_PATH", eventFile(t, strings.Repeat(" ", 32<<20+1))), "found more than 33554432 bytes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := ci.Detect(from(githubEnv(), tc.extra))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error is %v, want one with %q", err, tc.want)
			}
			if got != (ci.Event{}) {
				t.Errorf("event is %+v, want none", got)
			}
		})
	}
}

func TestDetectGitLab(t *testing.T) {
	base := map[string]string{
		"GITLAB_CI":      "true",
		"CI_COMMIT_SHA":  sha,
		"CI_PROJECT_URL": "https://gitlab.com/acme/digits",
		"CI_JOB_URL":     "https://gitlab.com/acme/digits/-/jobs/42",
	}
	for _, tc := range []struct {
		name    string
		extra   map[string]string
		want    ci.Event
		wantErr string
	}{
		{"branch", map[string]string{"CI_COMMIT_BRANCH": "main"}, ci.Event{Branch: "main"}, ""},
		{"tag", map[string]string{"CI_COMMIT_TAG": "v1.2.3"}, ci.Event{Tag: "v1.2.3"}, ""},
		{"merge request", map[string]string{"CI_MERGE_REQUEST_IID": "5", "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "1", "CI_MERGE_REQUEST_PROJECT_ID": "1"}, ci.Event{PullRequest: 5}, ""},
		{"merge request of a fork", map[string]string{"CI_MERGE_REQUEST_IID": "5", "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "2", "CI_MERGE_REQUEST_PROJECT_ID": "1"},
			ci.Event{PullRequest: 5, ReadOnly: "the merge request comes from a fork"}, ""},
		{"merge request beside a branch", map[string]string{"CI_MERGE_REQUEST_IID": "5", "CI_COMMIT_BRANCH": "main"}, ci.Event{PullRequest: 5}, ""},
		{"outside pull request", map[string]string{"CI_EXTERNAL_PULL_REQUEST_IID": "6", "CI_COMMIT_BRANCH": "x"}, ci.Event{PullRequest: 6}, ""},
		{"bad number", map[string]string{"CI_MERGE_REQUEST_IID": "-1"}, ci.Event{}, `number "-1" in CI_MERGE_REQUEST_IID`},
		{"no ref", nil, ci.Event{}, "found 0 of branch, tag and pull request"},
		{"no commit", map[string]string{"CI_COMMIT_BRANCH": "main", "CI_COMMIT_SHA": ""}, ci.Event{}, "CI_COMMIT_SHA: found no commit"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := ci.Detect(from(base, tc.extra))
			if tc.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wantErr) || got != (ci.Event{}) {
					t.Errorf("got %+v, %v, want an error with %q", got, err, tc.wantErr)
				}
				return
			}
			tc.want.Provider, tc.want.Commit = ci.GitLab, sha
			tc.want.Repository, tc.want.RunURL = base["CI_PROJECT_URL"], base["CI_JOB_URL"]
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDetectLocal(t *testing.T) {
	for _, env := range []map[string]string{
		{},
		{"GITHUB_ACTIONS": "false", "GITHUB_REF": "refs/heads/main"},
		{"CI": "true", "CI_COMMIT_TAG": "v1"},
	} {
		got, err := ci.Detect(from(env, nil))
		if err != nil || got != (ci.Event{Provider: ci.Local}) {
			t.Errorf("Detect(%v) = %+v, %v, want the zero local event", env, got, err)
		}
	}
}

func FuzzDetectEventFile(f *testing.F) {
	f.Add([]byte(`{"number":1}`))
	f.Add([]byte(`{"pull_request":{"number":2}}`))
	f.Add([]byte(`{"number":"1e3"}`))
	file := filepath.Join(f.TempDir(), "event.json")
	f.Fuzz(func(t *testing.T, payload []byte) {
		if err := os.WriteFile(file, payload, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := ci.Detect(from(githubEnv(), map[string]string{
			"GITHUB_EVENT_NAME": "pull_request_target",
			"GITHUB_REF":        "refs/heads/main",
			"GITHUB_EVENT_PATH": file,
		}))
		if err == nil && (got.PullRequest < 1 || got.Branch != "" || got.Tag != "") {
			t.Errorf("payload %q gave %+v, want a numbered pull request or an error", payload, got)
		}
	})
}
