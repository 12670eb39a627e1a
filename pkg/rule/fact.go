package rule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/unit"
)

// The groups of values, as a rule writes them.
const (
	inMetrics         = "metrics"
	inBaselineMetrics = "baseline.metrics"
	inSize            = "size"
	inBaselineSize    = "baseline.size"
	inTests           = "tests"
)

const (
	compressed = "compressed"
	unpacked   = "unpacked"
	growth     = "growth"
	total      = "total"
	failed     = "failed"
)

// fact is one value that a rule names.
type fact struct {
	group string // one of the groups above
	name  string // within the group, such as accuracy
}

// String returns the value as a rule writes it: metrics.accuracy,
// metrics["exact_match,none"].
func (f fact) String() string { return member(f.group, f.name) }

// unit returns the value's unit; false for a metric, whose report has to say it.
func (f fact) unit() (unit.Unit, bool) {
	switch {
	case f.group == inMetrics || f.group == inBaselineMetrics:
		return unit.None, false
	case f.group == inTests:
		return unit.None, true
	case f.name == growth:
		return unit.Ratio, true
	}
	return unit.Bytes, true
}

func member(group, name string) string {
	switch {
	case group == "":
		return name
	case plainName(name):
		return group + "." + name
	}
	return group + "[" + strconv.Quote(name) + "]"
}

// plainName tells whether a name may stand behind a dot.
func plainName(name string) bool {
	for i, r := range name {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || r == '_'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	switch name {
	case "", "in", "true", "false", "null": // the words that CEL's grammar keeps for itself
		return false
	}
	return true
}

// known returns the names below a group. Groups of metrics have any name: nil.
func known(group string) []string {
	switch group {
	case "":
		return []string{"metrics", "baseline", "size", "tests"}
	case "baseline":
		return []string{"metrics", "size"}
	case inSize:
		return []string{compressed, unpacked, growth}
	case inBaselineSize:
		return []string{compressed, unpacked}
	case inTests:
		return []string{total, failed}
	}
	return nil
}

func isGroup(text string) bool {
	switch text {
	case "", "baseline", inMetrics, inBaselineMetrics, inSize, inBaselineSize, inTests:
		return true
	}
	return false
}

// resolve finds the value that a path of names means. On error it also returns
// the index of the name that is wrong.
func resolve(path []string) (fact, int, error) {
	group, parent, last := "", "", len(path)-1
	for i, name := range path {
		if !isGroup(group) {
			return fact{}, i, tooDeep(parent, group, path[i-1:])
		}
		names := known(group)
		if names == nil && name == "" {
			return fact{}, i, fmt.Errorf("a metric has a name, such as %s.accuracy", group)
		}
		if names != nil && !slices.Contains(names, name) {
			return fact{}, i, unknown(group, name)
		}
		parent, group = group, member(group, name)
	}
	if isGroup(group) {
		return fact{}, last, incomplete(group)
	}
	return fact{parent, path[last]}, 0, nil
}

// incomplete says that a group is not a value.
func incomplete(group string) error {
	var examples []string
	for _, name := range known(group) {
		examples = append(examples, member(group, name))
	}
	if examples == nil {
		examples = []string{group + ".accuracy"}
	}
	return fmt.Errorf("%s is a group of values; name one, such as %s", group, strings.Join(examples, " or "))
}

// tooDeep says that a value has nothing below; rest are the names from it on.
func tooDeep(group, value string, rest []string) error {
	err := fmt.Errorf("%s is a number and has no value %q", value, rest[1])
	if known(group) == nil {
		return hint.Wrap(err, "a metric whose name has a dot is written "+member(group, strings.Join(rest, ".")))
	}
	return err
}

// unknown says that a group has no such name.
func unknown(group, name string) error {
	names := known(group)
	err := fmt.Errorf("unknown name %q; known are %s", name, strings.Join(names, ", "))
	if group != "" {
		err = fmt.Errorf("%s has no value %q; known are %s", group, name, strings.Join(names, ", "))
	}
	if near := hint.Near(name, names); len(near) > 0 {
		return hint.Wrap(err, "did you mean "+member(group, near[0])+"?")
	}
	if group == "" {
		return hint.Wrap(err, `a metric is written metrics.accuracy, or metrics["gpu-memory"] when its name has other signs than letters, digits and _`)
	}
	return err
}
