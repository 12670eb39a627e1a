package draft

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/org/ai-ship/pkg/plain"
	"github.com/org/ai-ship/pkg/report"
)

// schema is where editors find what the config may say.
const schema = "https://raw.githubusercontent.com/org/ai-ship/main/docs/ai-ship.schema.json"

// page is a text that grows by lines.
type page struct{ strings.Builder }

func (p *page) line(format string, args ...any) {
	fmt.Fprintf(&p.Builder, format+"\n", args...)
}

// key writes a key with its value, and the reason behind it.
func (p *page) key(name, value, why string) {
	if why = line(why); why != "" {
		why = "   # " + why
	}
	p.line("%s", strings.TrimRight(name+": "+value, " ")+why)
}

// line is text that stays on its line.
func line(text string) string { return strings.TrimSpace(plain.Text(text)) }

// quoted is a path or a name as YAML.
func quoted(text string) string { return report.Scalar(text) }

// reference is an image as a value on a line of its own, where a colon ends nothing.
func reference(text string) string {
	if regexp.MustCompile(`^[a-z][a-z0-9._/-]*:[A-Za-z0-9._-]+$`).MatchString(text) {
		return text
	}
	return quoted(text)
}

func list(items []string) string {
	all := make([]string, len(items))
	for i, item := range items {
		all[i] = quoted(item)
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// config is the text of ai-ship.yaml.
func (c *choice) config() string {
	var p page
	p.line("# yaml-language-server: $schema=%s", schema)
	p.line("# What ai-ship builds, holds to its gates and publishes. ai-ship init wrote this first version;")
	p.line("# from here on it is yours. All keys: https://github.com/org/ai-ship/blob/main/docs/config.md")
	p.line("#   ai-ship doctor          does everything around it work: credentials, registry, disk, clock")
	p.line("#   ai-ship run --dry-run   build, scan and gate it, and push nothing")
	p.line("")
	p.key("image", quoted(c.image.value), c.image.why)
	p.key("base", reference(c.base.value), c.base.why)
	if c.version != "" {
		p.key("version", c.version, "remove this line in a git repository: then tags such as v1.2.3 decide")
	}
	if c.preset != "" {
		p.key("preset", c.preset, "a tuned environment; ai-ship explain preset "+c.preset+" says what it sets")
	}
	p.puts("app", "what makes the service; .aishipignore keeps files out", c.app)
	p.puts("models", "weights: each large file is a layer of its own, sent once", c.models)
	c.runtime(&p)
	c.gates(&p)
	c.signing(&p)
	c.moves(&p)
	return p.String()
}

func (p *page) puts(key, why string, puts []put) {
	if len(puts) == 0 {
		return
	}
	p.line("")
	p.key(key, "", why)
	for _, one := range puts {
		comment := ""
		if one.why != "" {
			comment = "   # " + line(one.why)
		}
		p.line("  - {from: %s, to: %s}%s", quoted(one.from), quoted(one.to), comment)
	}
}

// runtime is what the container does.
func (c *choice) runtime(p *page) {
	p.line("")
	switch {
	case c.shell != "":
		p.key("command", quoted(c.shell), "run by /bin/sh")
	case len(c.command) > 0:
		p.key("command", list(c.command), "")
	case len(c.entry) == 0 && !c.serves:
		p.line("# command: [python, /app/serve.py]   # nothing that answers requests was found; without it the base's command runs")
	}
	if len(c.entry) > 0 {
		p.key("entrypoint", list(c.entry), "")
	}
	if c.workdir != "" {
		p.key("workdir", quoted(c.workdir), "")
	}
	if len(c.ports) > 0 {
		p.key("ports", list(c.ports), "where the service listens")
	}
	if len(c.env) > 0 {
		p.line("env:")
		seen := make(map[string]bool)
		for _, v := range c.env {
			if !seen[v.name] {
				seen[v.name] = true
				p.key("  "+v.name, quoted(v.value), v.why)
			}
		}
	}
}

// gates are the reports, and the limits that today's values keep.
func (c *choice) gates(p *page) {
	p.line("")
	if len(c.reports) > 0 {
		p.key("reports", list(globs(c.reports)), "the gates below read these; write them before ai-ship runs")
	} else {
		p.line("# reports: [reports/*.xml]   # what your tests write; `ai-ship gate --list FILE` prints what it offers as gates")
	}
	p.line("gates:")
	p.line("  size: {growth: 20%%}   # against what the channel runs; max: 1.1GB is a ceiling")
	if len(c.offers) > 0 {
		p.line("  metrics:   # each limit leaves some room to the value of now: tighten it")
		for _, o := range c.offers {
			p.line("    - %s   # now %s in %s", report.OfferedGate(o), line(o.Value.String()), line(o.Source.File))
		}
		if c.more > 0 {
			p.line("    # %d more: ai-ship gate --list", c.more)
		}
	} else {
		p.line("  # metrics:")
		p.line("  #   - {name: accuracy, min: 0.95}")
		p.line("  #   - {name: inference_time, stat: p95, max: 100ms}")
	}
	p.line("  vulnerabilities: {fail-on: high, ignore-unfixed: true}   # looked up in Trivy's database")
	for i, risk := range c.risks {
		if i == 0 {
			p.line("  # These models are refused as they are. Convert them, or, if you trust where they come from, write")
			p.line("  #   models: {pickle: allow}")
			p.line("  # which accepts pickles; what they would call is still held against them.")
		}
		p.line("  #   %s", risk)
	}
}

// globs names the reports of a folder by a pattern where all of one kind are
// meant, and by their path at the top, where more than reports may lie.
func globs(paths []string) []string {
	var patterns []string
	for _, name := range paths {
		pattern := name
		if dir := path.Dir(name); dir != "." && !strings.ContainsAny(dir, `*?[]{}\`) {
			pattern = dir + "/*" + path.Ext(name)
		}
		if !slices.Contains(patterns, pattern) {
			patterns = append(patterns, pattern)
		}
	}
	return patterns
}

// signing is left to the user: who signs without a key stands in a public log.
func (c *choice) signing(p *page) {
	p.line("")
	p.line("# Signing, for channels that move by proof (ai-ship promote, rollback). Keyless needs no key, works in CI only,")
	p.line("# and writes the names of the repository and the workflow into a public log. On a laptop: ai-ship keygen, and sign: {key: cosign.key}")
	p.line("# sign: {keyless: true}")
	p.line("# verify:")
	if c.identity != "" {
		p.line("#   identity: %s@refs/heads/%s", line(c.identity), line(c.publish))
		p.line("#   issuer: https://token.actions.githubusercontent.com")
		return
	}
	p.line("#   identity: https://github.com/acme/digits/.github/workflows/ship.yml@refs/heads/main")
	p.line("#   issuer: https://token.actions.githubusercontent.com")
}

func (c *choice) moves(p *page) {
	p.line("")
	p.line("channels:   # tags that promise something, and the events that move them")
	for _, ch := range c.channels {
		comment := ""
		if ch.why != "" {
			comment = "   # " + ch.why
		}
		p.line("  %s: {on: [%s]}%s", ch.name, quoted(ch.on), comment)
	}
	p.line("  # once images are signed: production: {after: staging, soak: 1h}, moved by ai-ship promote --to production")
}
