package release

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/org/ai-ship/pkg/hint"
)

// Ref is what the run is for. A pull request overrides everything else; with
// Tag set, Branch is not looked at.
type Ref struct {
	Branch      string // short name
	Tag         string // short name of a git tag
	Commit      string // at least 7 hex digits; "" outside git
	PullRequest bool
}

// Ask is what NewPlan decides about.
type Ask struct {
	Version  string // given by the user; "" takes it from Ref
	Suffix   string // variant, such as pytorch2.1, without the dash; "" for none
	Ref      Ref
	Nearest  string // highest version in the commit's history and the commits since; for explanations only
	Distance int
	Channels []Channel // declared, in any order
	Channel  string    // forced by the user: this one moves, and no other
	Existing []string  // tags that the image's repository has now
}

// Kind is the rule by which a tag was earned.
type Kind string

// The kinds of tags, in the order in which they move.
const (
	KindVersion Kind = "version" // exact
	KindFloat   Kind = "float"   // 1.2 and 1
	KindLatest  Kind = "latest"
	KindCommit  Kind = "commit"
	KindChannel Kind = "channel"
)

// Tag is one tag to move. Why says in words how it was earned; it may quote
// names from git.
type Tag struct {
	Name string
	Why  string
	Kind Kind
}

// Plan is what a run is called and moves once its digest is proven.
type Plan struct {
	Version string // valid as a tag and as org.opencontainers.image.version
	Channel string // the channel that moves, the last in name order when several do; "" for none
	Tags    []Tag  // version, floats, latest, commit, channels in name order; each name once
	Why     string // why there are no tags; "" when there are some
	Held    []Held // channels that the event is about, and that only a promotion moves
}

// Held is a channel that a run leaves alone.
type Held struct {
	Channel, After string
}

// Names are the tags' names, in order.
func (p Plan) Names() []string {
	names := make([]string, len(p.Tags))
	for i, tag := range p.Tags {
		names[i] = tag.Name
	}
	return names
}

const shortCommit = 7 // hex digits

// NewPlan decides which tags the event earns; the package comment has the
// rules. It is pure: it asks neither git nor the registry. Errors are about
// the user's input: a channel, the suffix, the version, or none to be found.
func NewPlan(ask Ask) (Plan, error) {
	channels, err := checkChannels(ask.Channels)
	if err != nil {
		return Plan{}, err
	}
	suffix, err := cleanSuffix(ask.Suffix)
	if err != nil {
		return Plan{}, err
	}
	if c := ask.Ref.Commit; c != "" && !regexp.MustCompile(`^[0-9a-f]{7,64}$`).MatchString(c) {
		return Plan{}, fmt.Errorf("reading commit %q: expected 7 to 64 hex digits", c)
	}
	if ask.Ref.PullRequest {
		return pullRequest(ask)
	}
	plan, err := named(ask, suffix)
	if err != nil {
		return Plan{}, err
	}
	if err := reserve(plan.Tags, channels); err != nil {
		return Plan{}, err
	}
	moving, held, err := pick(channels, ask)
	if err != nil {
		return Plan{}, err
	}
	plan.Held = held
	for _, tag := range moving {
		plan.Channel = tag.Name
		plan.Tags = append(plan.Tags, tag)
	}
	return plan, nil
}

func pullRequest(ask Ask) (Plan, error) {
	if ask.Channel != "" {
		return Plan{}, hint.Wrap(
			fmt.Errorf("moving channel %q: the run is for a pull request, which never moves a tag", ask.Channel),
			"move the channel from a branch or a tag, once the pull request is merged")
	}
	version := "pr"
	if c := ask.Ref.Commit; c != "" {
		version += "-" + c[:shortCommit]
	}
	return Plan{Version: version, Why: "a pull request never moves a tag"}, nil
}

// named plans everything but the channels.
func named(ask Ask, suffix string) (Plan, error) {
	var plan Plan
	text, origin := strings.TrimSpace(ask.Version), "version"
	if text == "" {
		text, origin = ask.Ref.Tag, "git tag"
	}
	if text != "" {
		tags, err := versionTags(text, origin, suffix, ask.Existing)
		if err != nil {
			return Plan{}, err
		}
		plan.Version, plan.Tags = tags[0].Name, tags
	}
	commits := commitTags(ask, suffix)
	if plan.Version == "" && len(commits) > 0 {
		plan.Version = commits[len(commits)-1].Name
	}
	if plan.Version == "" {
		return Plan{}, hint.Wrap(
			errors.New("choosing a version: there is no commit to take it from, and none was given"),
			"set version in ai-ship.yaml, or run in a git repository that has a commit")
	}
	for _, tag := range commits {
		if !slices.ContainsFunc(plan.Tags, func(t Tag) bool { return t.Name == tag.Name }) {
			plan.Tags = append(plan.Tags, tag)
		}
	}
	return plan, nil
}

// commitTags are sha-<7 hex> and, on a branch, <branch>-<7 hex>.
func commitTags(ask Ask, suffix string) []Tag {
	if ask.Ref.Commit == "" {
		return nil
	}
	short := ask.Ref.Commit[:shortCommit]
	end := join(short, suffix)
	why := "commit " + short
	if ask.Nearest != "" && ask.Distance > 0 {
		why += fmt.Sprintf(", %d after %q", ask.Distance, ask.Nearest)
	}
	tags := []Tag{{Name: "sha-" + end, Why: why, Kind: KindCommit}}
	if ask.Ref.Tag != "" {
		return tags
	}
	if branch := clean(ask.Ref.Branch); branch != "" {
		branch = branch[:min(len(branch), maxTag-len("-"+end))]
		tags = append(tags, Tag{
			Name: branch + "-" + end, Kind: KindCommit,
			Why: fmt.Sprintf("branch %q at %s", ask.Ref.Branch, why),
		})
	}
	return tags
}

// reserve refuses tags that have a name which only another rule may move.
func reserve(tags []Tag, channels []Channel) error {
	for _, tag := range tags {
		if tag.Name == latest && tag.Kind != KindLatest {
			return hint.Wrap(
				fmt.Errorf("planning tag %q from %s: the name is kept for the highest release", tag.Name, tag.Why),
				"give another version")
		}
		for _, channel := range channels {
			if channel.Name == tag.Name {
				return hint.Wrap(
					fmt.Errorf("planning tag %q from %s: channel %q has that name, and only its rule moves it", tag.Name, tag.Why, channel.Name),
					"rename the channel or give another version")
			}
		}
	}
	return nil
}
