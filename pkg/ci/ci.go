package ci

import (
	"errors"
	"fmt"
	"regexp"
)

// Provider names a CI system.
type Provider string

// The providers that Detect knows.
const (
	GitHub Provider = "github"
	GitLab Provider = "gitlab"
	Local  Provider = "local"
)

// Event is what started the run. Exactly one of Branch, Tag and PullRequest is
// set in a CI; all are empty locally, where the git state says the rest.
type Event struct {
	Provider    Provider
	Commit      string // 40 or 64 hex digits; of a GitHub pull request, the merge commit that was built
	Branch      string // short name, such as main or feature/x
	Tag         string // short name, such as v1.2.3
	PullRequest int    // number, from 1, also of one in a merge queue; such a run never moves a tag
	// ReadOnly says why the run must push nothing at all, as one for a fork's
	// pull request, whose token could not; "" when it may.
	ReadOnly string
	// Privileged is the event's name when it hands the repository's secrets to a
	// run that is about a pull request, whose files are a stranger's; "" otherwise.
	Privileged string
	Repository string // URL of the repository's page, without .git
	RunURL     string // URL of the run (GitHub) or the job (GitLab); "" when the CI does not say
}

// Detect reads the event from the environment: GITHUB_ACTIONS=true means
// GitHub (or a server that speaks its dialect), GITLAB_CI=true means GitLab,
// anything else is Local. Of the file system it reads only GitHub's event
// file, and only when the environment alone does not number a pull request.
func Detect(getenv func(string) string) (Event, error) {
	switch providerOf(getenv) {
	case GitHub:
		return github(getenv)
	case GitLab:
		return gitlab(getenv)
	}
	return Event{Provider: Local}, nil
}

func providerOf(getenv func(string) string) Provider {
	switch {
	case getenv("GITHUB_ACTIONS") == "true":
		return GitHub
	case getenv("GITLAB_CI") == "true":
		return GitLab
	}
	return Local
}

// check holds an event from a CI to what Event promises.
func (e Event) check() error {
	refs := 0
	for _, set := range []bool{e.Branch != "", e.Tag != "", e.PullRequest > 0} {
		if set {
			refs++
		}
	}
	if refs != 1 {
		return fmt.Errorf("found %d of branch, tag and pull request, expected exactly one", refs)
	}
	if e.Commit == "" {
		return errors.New("found no commit")
	}
	if !regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`).MatchString(e.Commit) {
		return fmt.Errorf("found commit %q, expected 40 or 64 hex digits", e.Commit)
	}
	return nil
}
