package draft

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/survey"
	"github.com/org/ai-ship/pkg/unit"
)

const (
	maxListed = 8 // model files of a folder that are named one by one
	maxGates  = 6 // gates that are proposed
	maxRisks  = 5 // models whose risk is written out
)

// weigh places the models, unless the Dockerfile did.
func (c *choice) weigh(s survey.Survey) {
	if len(c.models) == 0 {
		c.place(s)
	}
	var size int64
	for _, m := range s.Models {
		size += m.Size
		if m.Risk != "" && len(c.risks) < maxRisks {
			c.risks = append(c.risks, line(m.Path+": "+m.Risk+" "+m.Convert))
		}
	}
	if len(c.risks) > 0 {
		c.todo = append(c.todo, "the gate on models refuses "+some(risky(s.Models))+" as it is: convert it, or write models: {pickle: allow} under gates: if you trust it; ai-ship scan says more")
	}
	if len(s.Models) == 1 {
		c.say("a model, %s (%s, %s)", s.Models[0].Path, s.Models[0].Format, unit.FormatBytes(size))
	} else if len(s.Models) > 1 {
		c.say("%d model files, %s", len(s.Models), unit.FormatBytes(size))
	}
}

func risky(models []survey.Model) []string {
	var names []string
	for _, m := range models {
		if m.Risk != "" {
			names = append(names, m.Path)
		}
	}
	return names
}

// place decides by folder: one whose files belong together goes as a whole.
func (c *choice) place(s survey.Survey) {
	folders := make(map[string][]survey.Model)
	for _, m := range s.Models {
		folders[path.Dir(m.Path)] = append(folders[path.Dir(m.Path)], m)
	}
	first := ""
	for _, dir := range sortedKeys(folders) {
		models := folders[dir]
		whole := slices.ContainsFunc(models, func(m survey.Model) bool { return m.Folder }) || len(models) > maxListed
		beside := slices.ContainsFunc(models, func(m survey.Model) bool { return m.Beside })
		var puts []put
		switch {
		case models[0].Format == "saved-model" || slices.ContainsFunc(models, func(m survey.Model) bool { return path.Base(m.Path) == "saved_model.pb" }):
			puts = []put{savedModelPut(dir)}
		case whole && dir == ".":
			puts = []put{{from: "*.{" + endings(models) + ",json,txt,model}", to: modelDir}}
		case whole:
			puts = []put{{from: dir, to: path.Join(modelDir, strings.TrimPrefix(strings.TrimPrefix(dir, "models"), "/"))}}
		default:
			for _, m := range models {
				puts = append(puts, put{from: m.Path, to: modelDir})
			}
		}
		for _, p := range puts {
			if beside {
				p.to, p.why = path.Join(appDir, dir), "where the sources look for it, from /app"
				if models[0].Format == "saved-model" {
					p.to = path.Join(appDir, p.from)
				}
			}
			if slices.ContainsFunc(c.models, func(q put) bool { return q.from == p.from }) {
				continue
			}
			c.models = append(c.models, p)
			if first == "" {
				first = p.to
				if !whole {
					first = path.Join(p.to, path.Base(models[0].Path))
				}
			}
		}
	}
	for _, name := range s.Variables {
		if first != "" && len(s.Models) > 0 {
			value := first
			if name == "MODEL_DIR" && path.Ext(first) != "" {
				value = path.Dir(first)
			}
			c.env = append(c.env, pair{name, value, "the sources read it"})
		}
	}
}

// endings are those of the files, as a pattern's alternatives.
func endings(models []survey.Model) string {
	all := make(map[string]bool)
	for _, m := range models {
		all[strings.TrimPrefix(path.Ext(m.Path), ".")] = true
	}
	return strings.Join(sortedKeys(all), ",")
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// savedModelPut takes all versions of a SavedModel.
func savedModelPut(dir string) put {
	name, version := savedModel(path.Join(dir, "saved_model.pb"))
	if path.Base(dir) == version && strings.Contains(dir, "/") {
		return put{from: path.Dir(dir), to: path.Join(modelDir, name)}
	}
	if dir == "." {
		return put{from: "{saved_model.pb,variables/**,assets/**}", to: path.Join(modelDir, name, version)}
	}
	return put{from: dir, to: path.Join(modelDir, name, version)}
}

// judge proposes gates on what the reports measured.
func (c *choice) judge(s survey.Survey) {
	if len(s.Reports) == 0 {
		c.todo = append(c.todo, "no test report was found: have the tests write one (pytest --junitxml=reports/tests.xml), name it under reports:, and `ai-ship gate --list` proposes gates")
		return
	}
	byFolder := make(map[string][]string)
	for _, r := range s.Reports {
		byFolder[path.Dir(r.Path)] = append(byFolder[path.Dir(r.Path)], r.Path)
	}
	for _, dir := range sortedKeys(byFolder) {
		c.reports = append(c.reports, byFolder[dir]...)
	}
	c.old(s)
	c.propose(gate.Offers(s.Reports))
	c.say("%s with %s", unit.Count(len(s.Reports), "test report", "test reports"), c.offered())
}

// old warns of a report that the gates refuse, since it is about another model.
func (c *choice) old(s survey.Survey) {
	for _, r := range s.Reports {
		for _, m := range s.Models {
			if r.Modified.Before(m.Modified) {
				c.todo = append(c.todo, line("run the tests again before you ship: "+r.Path+" is older than "+m.Path+", and the gates refuse what was measured on another model"))
				return
			}
		}
	}
}

// propose takes one offer a name, the ones that people ask about first.
func (c *choice) propose(offers []gate.Offer) {
	best := make(map[string]gate.Offer)
	var names []string
	for _, o := range offers {
		if o.Problem != "" || o.Duration || o.Guess || o.Pointer != "" || len(o.Where) > 0 || strings.ContainsAny(o.Name, "{}[]") || rank(stats(), o.Stat) < 0 {
			continue
		}
		before, seen := best[o.Name]
		if !seen {
			names = append(names, o.Name)
		}
		if !seen || rank(stats(), o.Stat) < rank(stats(), before.Stat) {
			best[o.Name] = o
		}
	}
	asked := []string{"accuracy", "f1", "inference_time", "latency", "time_to_first_token", "tokens_per_second", "throughput", "gpu_memory", "error_rate"}
	slices.SortStableFunc(names, func(a, b string) int {
		return cmp.Compare(uint(rank(asked, a)), uint(rank(asked, b))) //nolint:gosec // -1 is meant to be last
	})
	for _, name := range names[:min(len(names), maxGates)] {
		c.offers = append(c.offers, best[name].WithRoom())
	}
	c.more = max(0, len(names)-maxGates)
}

// stats are the statistics that a gate is proposed on, the best first.
func stats() []string { return []string{"p95", "p99", "", "median", "p90", "mean"} }

func rank(order []string, item string) int { return slices.Index(order, item) }

func (c *choice) offered() string {
	var names []string
	for _, o := range c.offers {
		names = append(names, o.Name)
	}
	if len(names) == 0 {
		return "nothing that a gate is proposed on; a failed test refuses all the same"
	}
	return strings.Join(names, ", ")
}

// branch maps the branches that are there to channels.
func (c *choice) branch(at Place) {
	main := "main"
	for _, name := range []string{"main", "master", "trunk"} {
		if slices.Contains(at.Branches, name) {
			main = name
			break
		}
	}
	c.publish = main
	if slices.Contains(at.Branches, "develop") {
		c.channels = []channel{{"staging", "branch:develop", ""}, {"production", "branch:" + main, ""}}
	} else {
		c.channels = []channel{{"staging", "branch:" + main, ""}, {"production", "tag:v*", "git tag v1.2.3 ships 1.2.3"}}
	}
	if strings.HasPrefix(at.Remote, "https://github.com/") {
		c.identity = at.Remote + "/" + at.WorkflowFile()
	}
}

func (c *choice) say(format string, args ...any) {
	c.found = append(c.found, line(fmt.Sprintf(format, args...)))
}
