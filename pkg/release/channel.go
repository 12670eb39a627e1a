package release

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/org/ai-ship/pkg/hint"
)

// Channel is a tag that promises something, such as staging or production.
type Channel struct {
	Name string // a valid tag, not latest
	// On lists the events that move the channel: branch:GLOB or tag:GLOB. In
	// a glob * and ? stop at a slash and ** does not, so branch:release/*
	// matches release/1 and branch:** every branch. Without any the channel
	// moves only when it is forced.
	On []string
	// After is the channel that an image must have been in before. A run builds
	// a new image, which has not, so it never moves such a channel.
	After string
}

// checkChannels returns the channels in name order, or everything that is
// wrong with them.
func checkChannels(channels []Channel) ([]Channel, error) {
	sorted := slices.SortedFunc(slices.Values(channels), func(a, b Channel) int {
		return strings.Compare(a.Name, b.Name)
	})
	var errs []error
	for i, channel := range sorted {
		switch {
		case !validTag(channel.Name):
			errs = append(errs, fmt.Errorf("reading channel %q: the name is no valid tag", channel.Name))
		case channel.Name == latest:
			errs = append(errs, fmt.Errorf("reading channel %q: the name is kept for the highest release", channel.Name))
		case i > 0 && sorted[i-1].Name == channel.Name:
			errs = append(errs, fmt.Errorf("reading channel %q: it is declared twice", channel.Name))
		}
		for j, on := range channel.On {
			if kind, glob, _ := strings.Cut(on, ":"); kind != "branch" && kind != "tag" || glob == "" || !doublestar.ValidatePattern(glob) {
				errs = append(errs, fmt.Errorf("reading channel %q: on[%d] is %q, expected branch:GLOB or tag:GLOB", channel.Name, j, on))
			}
		}
	}
	return sorted, errors.Join(errs...)
}

// pick returns the tags of the channels that the event moves, and those that it
// would move if they came after no other.
func pick(channels []Channel, ask Ask) (tags []Tag, held []Held, err error) {
	if ask.Channel != "" {
		tags, err = force(channels, ask.Channel)
		return tags, nil, err
	}
	kind, name := "branch", ask.Ref.Branch
	if ask.Ref.Tag != "" {
		kind, name = "tag", ask.Ref.Tag
	}
	if name == "" {
		return nil, nil, nil
	}
	for _, channel := range channels {
		i := slices.IndexFunc(channel.On, func(on string) bool {
			onKind, glob, _ := strings.Cut(on, ":")
			return onKind == kind && doublestar.MatchUnvalidated(glob, name)
		})
		switch {
		case i < 0:
		case channel.After != "":
			held = append(held, Held{Channel: channel.Name, After: channel.After})
		default:
			why := fmt.Sprintf("%s %q matches %q", kind, name, channel.On[i])
			tags = append(tags, Tag{Name: channel.Name, Why: why, Kind: KindChannel})
		}
	}
	return tags, held, nil
}

func force(channels []Channel, name string) ([]Tag, error) {
	var declared []string
	for _, channel := range channels {
		if channel.Name == name && channel.After != "" {
			return nil, hint.Wrap(
				fmt.Errorf("moving channel %q: an image comes there from %q only", name, channel.After),
				"ai-ship promote --to "+name)
		}
		if channel.Name == name {
			return []Tag{{Name: name, Why: "asked for", Kind: KindChannel}}, nil
		}
		declared = append(declared, fmt.Sprintf("%q", channel.Name))
	}
	list := strings.Join(declared, ", ")
	if list == "" {
		list = "none"
	}
	return nil, hint.Wrap(
		fmt.Errorf("moving channel %q: it is not declared, found %s", name, list),
		"declare the channel under channels in ai-ship.yaml")
}
