package ci

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/sethvargo/go-githubactions"
)

// maxEvent bounds the event file. GitHub caps a webhook payload at 25 MB.
const maxEvent = 32 << 20 // bytes

// github reads the variables that GitHub documents as "default environment
// variables". A pull request is told by its ref (refs/pull/N/merge) or by the
// event's name: pull_request_target, and pull_request once it is merged, carry
// the base branch as their ref, so only the event file numbers them.
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

func (e *Event) setGitHubRef(gh *githubactions.GitHubContext, eventPath string) error {
	if m := regexp.MustCompile(`^refs/pull/([0-9]+)/`).FindStringSubmatch(gh.Ref); m != nil {
		return e.setPullRequest("GITHUB_REF", m[1])
	}
	if strings.HasPrefix(gh.EventName, "pull_request") || strings.HasPrefix(gh.Ref, "refs/pull/") {
		number, err := payloadNumber(eventPath)
		if err != nil {
			return err
		}
		return e.setPullRequest("the event file", number)
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

func (e *Event) setPullRequest(where, text string) error {
	number, err := strconv.Atoi(text)
	if err != nil || number < 1 {
		return fmt.Errorf("found pull request number %q in %s, expected a whole number from 1", text, where)
	}
	e.PullRequest = number
	return nil
}

// payloadNumber reads the pull request's number from the webhook payload:
// "number" of pull_request events, "pull_request.number" of the rest of that
// family (docs.github.com, "Webhook events and payloads").
func payloadNumber(file string) (string, error) {
	if file == "" {
		return "", errors.New("found a pull request without number, and GITHUB_EVENT_PATH is not set")
	}
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("opening the event file: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxEvent+1))
	if err != nil {
		return "", fmt.Errorf("reading the event file: %w", err)
	}
	if len(data) > maxEvent {
		return "", fmt.Errorf("reading event file %q: found more than %d bytes", file, maxEvent)
	}
	return parseNumber(data)
}

func parseNumber(payload []byte) (string, error) {
	var event struct {
		Number      json.Number `json:"number"`
		PullRequest struct {
			Number json.Number `json:"number"`
		} `json:"pull_request"`
	}
	if err := json.Unmarshal(payload, &event); err != nil {
		return "", fmt.Errorf("parsing the event file: %w", err)
	}
	if event.Number == "" {
		return event.PullRequest.Number.String(), nil
	}
	return event.Number.String(), nil
}
