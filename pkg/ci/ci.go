package ci

// Provider names a CI system.
type Provider string

const (
	GitHub Provider = "github"
	GitLab Provider = "gitlab"
	Local  Provider = "local"
)

// Event is what started the run. Exactly one of Branch, Tag and PullRequest is
// set in a CI; all may be empty locally, where the git state says the rest.
type Event struct {
	Provider    Provider
	Commit      string
	Branch      string
	Tag         string
	PullRequest int    // number; such a run never moves a tag
	Repository  string // https URL
	RunURL      string
}
