package config

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

var channel = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,126}$`)

func (k *checker) channels() {
	names := slices.Sorted(maps.Keys(k.config.Channels))
	for _, name := range names {
		at := child("channels", name)
		c := k.config.Channels[name]
		if !channel.MatchString(name) {
			k.failKey(at, fmt.Sprintf("expected a tag name, found %q", clip(name)), "use up to 127 lower-case letters, digits, dots, dashes and underscores")
		}
		for i, event := range c.On {
			k.event(item(child(at, "on"), i), event)
		}
		if after := child(at, "after"); k.ok(after) && !slices.Contains(names, c.After) {
			k.fail(after, fmt.Sprintf("unknown channel %q; expected one of %s", clip(c.After), clip(strings.Join(names, ", "))), didYouMean(clip(c.After), names))
		}
		k.soak(at, c)
		age := child(at, "scan-max-age")
		if k.duration(age, c.ScanMaxAge) && k.config.Gates.Vulnerabilities == nil {
			k.fail(age, "there is no gate to hold a scan to", "add gates: {vulnerabilities: {fail-on: critical}}")
		}
	}
	k.cycles(names)
}

func (k *checker) event(at, event string) {
	if !k.ok(at) {
		return
	}
	kind, glob, _ := strings.Cut(event, ":")
	_, err := path.Match(glob, "")
	switch {
	case kind != "branch" && kind != "tag" || !word.MatchString(glob):
		k.fail(at, fmt.Sprintf("expected branch:GLOB or tag:GLOB, found %q", clip(event)), "such as branch:main or tag:v*")
	case err != nil:
		k.fail(at, fmt.Sprintf("expected a glob pattern after %s:, found %q", kind, clip(glob)), "close each [")
	}
}

func (k *checker) soak(at string, c Channel) {
	soak := child(at, "soak")
	if k.duration(soak, c.Soak) && !k.has(child(at, "after")) {
		k.fail(soak, "soak has no channel to soak in", "add after: with the channel that a digest must have been in")
	}
}

// duration says whether the key is there and holds a duration.
func (k *checker) duration(at, text string) bool {
	if !k.ok(at) {
		return false
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		k.fail(at, fmt.Sprintf("expected a duration, found %q", clip(text)), "such as 30m or 24h")
		return false
	}
	return true
}

// cycles records each channel that waits for itself, be it through others.
func (k *checker) cycles(names []string) {
	for _, name := range names {
		after := child(child("channels", name), "after")
		way := []string{name}
		next := k.config.Channels[name].After
		for next != "" && next != name && len(way) <= len(names) {
			way = append(way, next)
			next = k.config.Channels[next].After
		}
		if next == name && k.ok(after) {
			k.fail(after, fmt.Sprintf("the channel waits for itself: %s", clip(strings.Join(append(way, name), " after "))), "one of them must not have after")
		}
	}
}
