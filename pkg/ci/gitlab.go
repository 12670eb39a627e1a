package ci

import "fmt"

// gitlab reads GitLab's predefined variables. In a merge request pipeline
// CI_COMMIT_BRANCH is not set, but the merge request decides even where a
// runner sets both. A pipeline for a pull request of an outside host
// (CI_EXTERNAL_PULL_REQUEST_IID) runs on a branch ref and counts as a pull
// request all the same.
func gitlab(getenv func(string) string) (Event, error) {
	event := Event{
		Provider:   GitLab,
		Commit:     getenv("CI_COMMIT_SHA"),
		Repository: getenv("CI_PROJECT_URL"),
		RunURL:     getenv("CI_JOB_URL"),
	}
	if err := event.setGitLabRef(getenv); err != nil {
		return Event{}, fmt.Errorf("reading the GitLab environment: %w", err)
	}
	if from, to := getenv("CI_MERGE_REQUEST_SOURCE_PROJECT_ID"), getenv("CI_MERGE_REQUEST_PROJECT_ID"); event.PullRequest > 0 && from != to {
		event.ReadOnly = "the merge request comes from a fork"
	}
	if err := event.check(); err != nil {
		return Event{}, fmt.Errorf("reading CI_MERGE_REQUEST_IID, CI_COMMIT_TAG, CI_COMMIT_BRANCH and CI_COMMIT_SHA: %w", err)
	}
	return event, nil
}

func (e *Event) setGitLabRef(getenv func(string) string) error {
	for _, name := range []string{"CI_MERGE_REQUEST_IID", "CI_EXTERNAL_PULL_REQUEST_IID"} {
		if number := getenv(name); number != "" {
			return e.setPullRequest(name, number)
		}
	}
	if e.Tag = getenv("CI_COMMIT_TAG"); e.Tag == "" {
		e.Branch = getenv("CI_COMMIT_BRANCH")
	}
	return nil
}
