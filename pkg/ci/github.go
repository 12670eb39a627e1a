package ci

import (
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/sethvargo/go-githubactions"
)

// github reads the variables that GitHub documents as "default environment
// variables".
func github(getenv func(string) string) (Event, error) {
	// The library would read the event file whole and at once.
	withoutFile := func(key string) string {
		if key == "GITHUB_EVENT_PATH" {
			return ""
		}
		return getenv(key)
	}
	action := githubactions.New(githubactions.WithGetenv(withoutFile), githubactions.WithWriter(io.Discard))
	gh, err := action.Context()
	if err != nil {
		return Event{}, fmt.Errorf("reading the GitHub environment: %w", err)
	}
	event := Event{Provider: GitHub, Commit: gh.SHA}
	if gh.Repository != "" {
		event.Repository = strings.TrimSuffix(gh.ServerURL, "/") + "/" + gh.Repository
		if gh.RunID > 0 {
			event.RunURL = fmt.Sprintf("%s/actions/runs/%d", event.Repository, gh.RunID)
		}
	}
	if err := event.setGitHubRef(gh, getenv("GITHUB_EVENT_PATH")); err != nil {
		return Event{}, fmt.Errorf("reading the GitHub event %q: %w", gh.EventName, err)
	}
	if err := event.check(); err != nil {
		return Event{}, fmt.Errorf("reading the GitHub event %q with GITHUB_REF %q: %w", gh.EventName, gh.Ref, err)
	}
	return event, nil
}

var (
	pullRef  = regexp.MustCompile(`^refs/pull/([0-9]+)/`)
	queueRef = regexp.MustCompile(`^refs/heads/gh-readonly-queue/.+/pr-([0-9]+)-`)
)

func (e *Event) setGitHubRef(gh *githubactions.GitHubContext, eventPath string) error {
	// A merge queue's branch goes away, whatever event it started.
	if m := queueRef.FindStringSubmatch(gh.Ref); m != nil {
		return e.setPullRequest("GITHUB_REF", m[1])
	}
	switch about, err := aboutPullRequest(gh, eventPath); {
	case err != nil:
		return err
	case about != nil:
		return e.setGitHubPullRequest(gh, *about)
	}
	if tag, ok := strings.CutPrefix(gh.Ref, "refs/tags/"); ok {
		e.Tag = tag
		return nil
	}
	if branch, ok := strings.CutPrefix(gh.Ref, "refs/heads/"); ok {
		e.Branch = branch
		return nil
	}
	switch gh.RefType {
	case "tag":
		e.Tag = gh.RefName
	case "branch":
		e.Branch = gh.RefName
	}
	return nil
}

func (e *Event) setGitHubPullRequest(gh *githubactions.GitHubContext, about pullRequest) error {
	if about.privileged {
		e.Privileged = gh.EventName
	}
	switch {
	case gh.Actor == "dependabot[bot]":
		e.ReadOnly = "Dependabot's pull requests run with a token that can only read"
	case about.head == "":
		e.ReadOnly = "nothing says that the pull request comes from this repository"
	case !strings.EqualFold(about.head, gh.Repository):
		e.ReadOnly = "the pull request comes from a fork, whose token can only read"
	}
	if m := pullRef.FindStringSubmatch(gh.Ref); m != nil {
		return e.setPullRequest("GITHUB_REF", m[1])
	}
	return e.setPullRequest("the event file", about.number)
}

func (e *Event) setPullRequest(where, text string) error {
	number, err := strconv.Atoi(text)
	if err != nil || number < 1 {
		return fmt.Errorf("found pull request number %q in %s, expected a whole number from 1", text, where)
	}
	e.PullRequest = number
	return nil
}
