package testreport

import (
	"slices"
	"strings"
)

func isHarness(root node) bool {
	results := root.member("results")
	if results.kind != '{' || !slices.ContainsFunc(results.items, func(n node) bool { return n.kind == '{' }) {
		return false
	}
	return root.member("n-shot").kind == '{' || root.member("n-samples").kind == '{' ||
		root.member("versions").kind == '{' && root.member("configs").kind == '{'
}

// harness reads the results of lm-evaluation-harness 0.4: scores by task, each
// named metric,filter, and the same for groups of tasks. They carry the labels
// task or group, filter and n-shot.
func (w *walk) harness(root node) error {
	shots := make(map[string]string)
	given := root.member("n-shot")
	for i, item := range given.items {
		if given.kind == '{' && item.kind == '0' {
			shots[given.names[i]] = item.text
		}
	}
	return w.each(root, func(section string, item node) error {
		label := ""
		switch {
		case section == "results":
			label = "task"
		case section == "groups" && item.kind == '{':
			label = "group"
		default:
			return w.value(item)
		}
		return w.each(item, func(task string, scores node) error {
			if scores.kind != '{' {
				return w.unexpected(scores, "an object")
			}
			questions := root.member("n-samples").member(task).member("effective").many()
			return w.each(scores, func(key string, item node) error {
				labels := []Label{{label, task}}
				if _, filter, ok := strings.Cut(key, ","); ok {
					labels = append(labels, Label{"filter", filter})
				}
				if n, ok := shots[task]; ok {
					labels = append(labels, Label{"n-shot", n})
				}
				return w.labelled(func() error { return w.harnessScore(key, item, questions) }, labels...)
			})
		})
	})
}

// harnessScore reads one score. A standard error that was not estimated is N/A,
// and is kept under a name of its own, which no gate on the score means.
func (w *walk) harnessScore(key string, item node, questions int) error {
	score, _, certain := strings.Cut(key, ",")
	if item.kind == '{' || item.kind == '[' || !certain && item.kind != '0' { // the alias, and what else a task says of itself
		return w.value(item)
	}
	base, deviation := strings.CutSuffix(score, "_stderr")
	f := field{name: usual(base), count: questions}
	if deviation {
		f.name += "_stderr"
	}
	if f.name == "" {
		return w.value(item)
	}
	return w.known(f, item, key)
}
