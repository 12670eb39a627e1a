package ci

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/sethvargo/go-githubactions"
)

// maxEvent bounds the event file. GitHub caps a webhook payload at 25 MB.
const maxEvent = 32 << 20 // bytes

// pullRequest is what the event file says about the pull request of an event.
type pullRequest struct {
	number     string
	head       string // owner/name of the repository that it comes from; "" when not known
	privileged bool   // the run has the secrets of the repository that it goes to
}

// payload holds the fields that tell of a pull request (docs.github.com,
// "Webhook events and payloads").
type payload struct {
	Number      json.Number `json:"number"`
	PullRequest struct {
		Number json.Number `json:"number"`
		Head   struct {
			Repo repository `json:"repo"` // null when the fork is gone
		} `json:"head"`
	} `json:"pull_request"`
	Issue struct {
		Number      json.Number `json:"number"`
		PullRequest *struct{}   `json:"pull_request"`
	} `json:"issue"`
	WorkflowRun struct {
		Event          string     `json:"event"`
		HeadRepository repository `json:"head_repository"`
		PullRequests   []struct {
			Number json.Number `json:"number"`
		} `json:"pull_requests"` // empty for forks
	} `json:"workflow_run"`
}

type repository struct {
	FullName string `json:"full_name"`
}

// aboutPullRequest reads what pull request an event is about, nil when it is
// about none. One is told by its ref (refs/pull/N/merge) or by the event's name:
// pull_request_target, and pull_request once it is merged, carry the base branch
// as their ref, and so do comments and the workflows that follow another.
func aboutPullRequest(gh *githubactions.GitHubContext, eventPath string) (*pullRequest, error) {
	byRef := pullRef.MatchString(gh.Ref)
	family := strings.HasPrefix(gh.EventName, "pull_request") || strings.HasPrefix(gh.Ref, "refs/pull/")
	comment, follows := gh.EventName == "issue_comment", gh.EventName == "workflow_run"
	switch {
	case !family && !comment && !follows:
		return nil, nil //nolint:nilnil // as documented
	case byRef && eventPath == "":
		return &pullRequest{}, nil
	}
	p, err := readPayload(eventPath)
	if err != nil {
		return nil, err
	}
	switch {
	case comment && p.Issue.PullRequest != nil:
		return &pullRequest{number: p.Issue.Number.String(), privileged: true}, nil
	case follows && strings.HasPrefix(p.WorkflowRun.Event, "pull_request"):
		about := pullRequest{head: p.WorkflowRun.HeadRepository.FullName, privileged: true}
		if len(p.WorkflowRun.PullRequests) > 0 {
			about.number = p.WorkflowRun.PullRequests[0].Number.String()
		}
		return &about, nil
	case !family:
		return nil, nil //nolint:nilnil // as documented
	}
	about := pullRequest{
		number: p.Number.String(), head: p.PullRequest.Head.Repo.FullName, privileged: gh.EventName == "pull_request_target",
	}
	if about.number == "" {
		about.number = p.PullRequest.Number.String()
	}
	return &about, nil
}

func readPayload(file string) (p payload, err error) {
	if file == "" {
		return p, errors.New("found no number of a pull request, and GITHUB_EVENT_PATH is not set")
	}
	f, err := os.Open(file)
	if err != nil {
		return p, fmt.Errorf("opening the event file: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxEvent+1))
	if err != nil {
		return p, fmt.Errorf("reading the event file: %w", err)
	}
	if len(data) > maxEvent {
		return p, fmt.Errorf("reading event file %q: found more than %d bytes", file, maxEvent)
	}
	if err := json.Unmarshal(data, &p); err != nil {
		return p, fmt.Errorf("parsing the event file: %w", err)
	}
	return p, nil
}
