package draft

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// The actions that a workflow uses, by commit: a tag can be moved by others.
const (
	checkout    = "actions/checkout@93cb6efe18208431cddfb8368fd83d5badbf9bfd # v5.0.1"
	setupPython = "actions/setup-python@a26af69be951a213d495a4c3e4e4022e16d87065 # v5.6.0"
	setupGo     = "actions/setup-go@4dc6199c7b1a012772edbd06daecab0f50c9053c # v6.1.0"
)

// workflow is the GitHub workflow: every push and pull request is built and
// gated; what goes to production waits for the environment's approval.
func (c *choice) workflow(at Place) string {
	var p page
	staging, production := c.channels[0], c.channels[1]
	p.line("# Ships what %s describes: staging on %s, production on %s.", line(at.config()), line(staging.on), line(production.on))
	p.line("# ai-ship init wrote this first version. The environment `production` (Settings, Environments) is where")
	p.line("# you name who has to approve. For a run that cannot be changed afterwards, pin ai-ship by commit too.")
	p.line("name: %s", quoted(strings.TrimSpace("ship "+at.Below)))
	c.triggers(&p, at)
	p.line("permissions: {}")
	p.line("concurrency: {group: \"${{ github.workflow }}-${{ github.ref }}\"}")
	p.line("jobs:")
	c.job(&p, at, "ship", condition(production.on, true))
	c.job(&p, at, "production", condition(production.on, false))
	p.line("  # With sign: and verify: in the config, and production: {after: staging}, this replaces the steps of production:")
	p.line("  # the image that was in staging, and no other, gets the tag.")
	p.line("  #    - uses: org/ai-ship@v1")
	p.line("  #      with: {command: promote, to: production, config: %s}", quoted(at.config()))
	return p.String()
}

func (c *choice) triggers(p *page, at Place) {
	var branches, tags []string
	add := func(on string) {
		if b, ok := strings.CutPrefix(on, "branch:"); ok {
			branches = append(branches, b)
		}
		if t, ok := strings.CutPrefix(on, "tag:"); ok {
			tags = append(tags, t)
		}
	}
	for _, ch := range c.channels {
		add(ch.on)
	}
	p.line("on:")
	p.line("  push:")
	p.line("    branches: %s", list(branches))
	if len(tags) > 0 {
		p.line("    tags: %s", list(tags))
	}
	if at.Below != "" && len(tags) == 0 {
		p.paths(at)
	}
	p.line("  pull_request:   # built, scanned and gated; no tag moves")
	if at.Below != "" {
		p.paths(at)
	}
}

// paths are what a project below the top is made of. A tag has no paths, and with
// some it would start nothing.
func (p *page) paths(at Place) {
	p.line("    paths: %s", list([]string{at.Below + "/**", at.WorkflowFile()}))
}

// condition is when a job runs: on the event that moves production, or on all others.
func condition(on string, not bool) string {
	ref := "refs/heads/" + strings.TrimPrefix(on, "branch:")
	if t, ok := strings.CutPrefix(on, "tag:"); ok {
		prefix := "startsWith(github.ref, 'refs/tags/" + strings.TrimSuffix(t, "*") + "')"
		if not {
			return "${{ !" + prefix + " }}"
		}
		return prefix
	}
	if not {
		return "github.ref != '" + ref + "'"
	}
	return "github.ref == '" + ref + "'"
}

func (c *choice) job(p *page, at Place, name, when string) {
	p.line("  %s:", name)
	p.line("    if: %s", when)
	p.line("    runs-on: ubuntu-latest")
	if name == "production" {
		p.line("    environment: production   # waits here for its approval")
	}
	p.line("    permissions:")
	p.line("      contents: read")
	p.line("      packages: write   # to push to ghcr.io")
	p.line("      # id-token: write          # to sign without a key")
	p.line("      # security-events: write   # to upload findings to code scanning")
	p.line("    steps:")
	p.line("      - uses: %s", checkout)
	p.line("        with: {persist-credentials: false, fetch-depth: 0}   # the history, for versions from tags")
	if c.python {
		p.line("      - uses: %s", setupPython)
		p.line("        with: {python-version: %q}", c.pythonVersion)
	}
	if c.golang {
		p.line("      - uses: %s", setupGo)
		p.line("        with: {go-version: stable}")
	}
	for _, build := range c.builds {
		p.line("      - run: %s", quoted(build))
		p.below(at)
	}
	c.tests(p, at)
	p.line("      - uses: org/ai-ship@v1")
	p.line("        with:")
	p.line("          config: %s", quoted(at.config()))
	if host, _, _ := strings.Cut(c.image.value, "/"); host != "ghcr.io" {
		p.line("          username: ${{ secrets.REGISTRY_USERNAME }}   # of %s", line(host))
		p.line("          password: ${{ secrets.REGISTRY_PASSWORD }}")
	}
}

// below has a step run in the project's folder.
func (p *page) below(at Place) {
	if at.Below != "" {
		p.line("        working-directory: %s", quoted(at.Below))
	}
}

// tests is the step that only the project knows.
func (c *choice) tests(p *page, at Place) {
	if len(c.reports) > 0 {
		p.line("      # The gates read %s. Unless these are committed, put what writes them here:", some(globs(c.reports)))
	} else {
		p.line("      # Tests that write reports belong here; the gates read them:")
	}
	if c.golang {
		p.line("      # - run: go test ./...")
	} else {
		p.line("      # - run: pytest --junitxml=reports/tests.xml")
	}
	if at.Below != "" {
		p.line("      #   working-directory: %s", quoted(at.Below))
	}
}

// gitlab is the pipeline for GitLab: the component, with its inputs.
func (c *choice) gitlab(at Place) string {
	var p page
	p.line("# Ships what %s describes. ai-ship init wrote this first version.", line(at.config()))
	p.line("# The job logs in to the project's own registry; for another one set DOCKER_AUTH_CONFIG in Settings, CI/CD.")
	p.line("stages: [test, ship]")
	p.line("")
	p.line("# The component is not published yet; until it is, GitLab refuses this include.")
	p.line("include:")
	p.line("  - component: $CI_SERVER_FQDN/org/ai-ship/ai-ship@1")
	p.line("    inputs:")
	p.line("      stage: ship")
	p.line("      config: %s", quoted(at.config()))
	p.line("")
	p.line("# What ai-ship takes is made here and handed on: what is built, and the reports that the gates read.")
	p.line("prepare:")
	p.line("  stage: test")
	switch {
	case c.python:
		p.line("  image: %s", quoted("python:"+c.pythonVersion+"-slim"))
	case c.golang:
		p.line("  image: golang")
	default:
		p.line("  image: alpine")
	}
	p.line("  script:")
	if at.Below != "" {
		p.line("    - %s", quoted("cd "+shell(at.Below)))
	}
	for _, build := range c.builds {
		p.line("    - %s", quoted(build))
	}
	if len(c.builds) == 0 {
		p.line("    - echo nothing to build")
	}
	if c.golang {
		p.line("    # - go test ./...")
	} else {
		p.line("    # - pytest --junitxml=reports/tests.xml")
	}
	p.line("  artifacts:")
	p.line("    paths: %s", list(c.artifacts(at)))
	p.line("")
	p.line("# To sign without a key, GitLab wants the token declared in this very file (gitlab.com only):")
	p.line("# ai-ship:")
	p.line("#   id_tokens: {SIGSTORE_ID_TOKEN: {aud: sigstore}}")
	return p.String()
}

// artifacts are the folders that the next job needs.
func (c *choice) artifacts(at Place) []string {
	folders := []string{path.Join(at.Below, "build"), path.Join(at.Below, "reports")}
	for _, report := range c.reports {
		folder := path.Join(at.Below, path.Dir(report))
		if path.Dir(report) == "." {
			folder = path.Join(at.Below, report)
		}
		if !slices.Contains(folders, folder) {
			folders = append(folders, folder)
		}
	}
	return folders
}

// shell quotes a word for a POSIX shell unless it needs none.
func shell(word string) string {
	if regexp.MustCompile(`^[A-Za-z0-9._/+-]+$`).MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
