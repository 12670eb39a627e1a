//go:build linux

package e2e

import (
	"archive/tar"
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	golangName = "ai-ship-e2e/golang"
	actionName = "ai-ship-e2e/action"
	jobName    = "ai-ship-e2e/job"
	// coldStart is how long the action's container may take to its first line.
	coldStart = time.Second
)

// TestAction builds the Dockerfile's image, holds it to what the action promises,
// and has it ship the example.
func TestAction(t *testing.T) {
	e := needEngine(t)
	buildAction(t, e)
	t.Run("its own gates", func(t *testing.T) { gateAction(t, e) })
	t.Run("nothing else runs", func(t *testing.T) { runsNothingElse(t, e) })
	t.Run("cold start", func(t *testing.T) { startsCold(t, e) })
	t.Run("any user", func(t *testing.T) { runsAsAnybody(t, e) })
	t.Run("pipeline", func(t *testing.T) { runsThePipeline(t, e) })
}

// TestEntrypoint runs entrypoint.sh with a program named ai-ship that prints
// what it was given.
func TestEntrypoint(t *testing.T) {
	bash, dir := need(t, "bash"), t.TempDir()
	probe := writeFile(t, filepath.Join(dir, "ai-ship"), "#!"+bash+`
printf '[%s]' "$@"
while IFS= read -r -d '' variable; do case $variable in INPUT_*) printf ' %s' "$variable" ;; esac; done </proc/self/environ
`)
	if err := os.Chmod(probe, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		args []string
		env  []string
		want string
	}{
		{"nothing", nil, nil, "[run][--]"},
		{"arguments win", []string{"scan", "a b"}, []string{"AI_SHIP_COMMAND=promote"}, "[scan][a b]"},
		{"inputs that were not given", nil, []string{"AI_SHIP_COMMAND=", "AI_SHIP_IMAGE_REF="}, "[run][--]"},
		{"promote", nil, []string{"AI_SHIP_COMMAND=promote", "AI_SHIP_IMAGE_REF=sha256:1", "AI_SHIP_CHANNEL=c"}, "[promote][--][sha256:1]"},
		{"rollback", nil, []string{"AI_SHIP_COMMAND=rollback", "AI_SHIP_CHANNEL=production"}, "[rollback][--][production]"},
		{"an image that looks like flags and commands", nil, []string{"AI_SHIP_COMMAND=verify", "AI_SHIP_IMAGE_REF=--key $(id) `id` *; id"}, "[verify][--][--key $(id) `id` *; id]"},
		{"a hyphen", nil, []string{"INPUT_DRY-RUN=true"}, "[run][--] INPUT_DRY-RUN=true"},
		{"lines", nil, []string{"INPUT_REASON=a\nb"}, "[run][--] INPUT_REASON=a\nb"},
	} {
		t.Run(test.name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), filepath.Join(shared.repo, "entrypoint.sh"), test.args...)
			cmd.Env = append([]string{"PATH=" + dir}, test.env...)
			if got, err := cmd.CombinedOutput(); err != nil || string(got) != test.want {
				t.Errorf("%v, got %q, want %q", err, got, test.want)
			}
		})
	}
}

// buildAction builds the Dockerfile on a base that is made here: none can be
// taken from a registry. Compiling the engines once more would take CI some
// minutes, so the stage that compiles is replaced by the program that these
// tests use, unless AI_SHIP_E2E_DOCKERFILE is full.
func buildAction(t *testing.T, e *engine) {
	t.Helper()
	full := os.Getenv("AI_SHIP_E2E_DOCKERFILE") == "full"
	golang(t, e, full)
	begun := time.Now()
	context, how := shared.repo, "whole"
	text, err := os.ReadFile(filepath.Join(shared.repo, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	stages := regexp.MustCompile(`(?m)^FROM `).Split(string(text), -1)
	if len(stages) != 5 || !strings.Contains(stages[1], " AS go\n") || !strings.HasPrefix(stages[2], "go AS build\n") {
		t.Fatalf("the Dockerfile's stages are %q, expected go, build and two more", stages)
	}
	stages[1] = golangName + " AS go\n"
	if !full {
		context, how = t.TempDir(), "but for compiling"
		stages[2] = "scratch AS build\nCOPY ai-ship /out/usr/local/bin/\n"
		must(t, "cp", shared.program("ai-ship"), filepath.Join(shared.repo, "entrypoint.sh"), context)
	}
	file := writeFile(t, filepath.Join(t.TempDir(), "Dockerfile"), strings.Join(stages, "FROM "))
	e.build(t, context, actionName, "--file", file)
	figure(t, "the Dockerfile, %s: built in %s", how, time.Since(begun).Round(time.Second))
}

// golang makes the image that the Dockerfile starts from: Debian, the CA
// certificates and, if it is to compile, this machine's Go.
func golang(t *testing.T, e *engine, compiles bool) {
	t.Helper()
	d := needDebian(t)
	e.run(t, "load", "--quiet", "--input", d.saved)
	e.forget(t, debianName)
	dir := t.TempDir()
	text := "FROM " + debianName + "\nRUN apt-get -q update && apt-get -qy --no-install-recommends install ca-certificates\n"
	if compiles {
		// The machine's certificates: it may be behind a proxy.
		must(t, "cp", "-rL", must(t, "go", "env", "GOROOT"), filepath.Join(dir, "go"))
		must(t, "cp", "/etc/ssl/certs/ca-certificates.crt", dir)
		text += "COPY ca-certificates.crt /etc/ssl/certs/\nCOPY go /usr/local/go\nENV PATH=/usr/local/go/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
	}
	writeFile(t, filepath.Join(dir, "Dockerfile"), text)
	e.build(t, dir, golangName)
}

// build makes an image from the Dockerfile in dir, with the builder that every
// engine has.
func (e *engine) build(t *testing.T, dir, tag string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), e.docker, append(e.args("build", "--quiet", "--network", "host", "--tag", tag), append(args, dir)...)...)
	cmd.Env = append(os.Environ(), "DOCKER_BUILDKIT=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", tag, err, said)
	}
	e.forget(t, tag)
}

// inside are the arguments that run the action's image on a project as GitHub's
// runner does, but for reading only.
func (e *engine) inside(p project, more ...string) []string {
	return append([]string{"run", "--rm", "--network", "host", "--volume", p.dir + ":/github/workspace:ro", "--workdir", "/github/workspace"}, more...)
}

// commit makes the project a repository with one commit.
func commit(t *testing.T, p project) {
	t.Helper()
	for _, args := range [][]string{
		{"init", "--quiet", "--initial-branch", "develop"}, {"remote", "add", "origin", "https://github.com/acme/digits"},
		{"add", "--all"}, {"-c", "user.name=e2e", "-c", "user.email=e2e@example.com", "commit", "--quiet", "--message", "first"},
	} {
		must(t, "git", append([]string{"-C", p.dir}, args...)...)
	}
}

// gateAction holds the image to the gates of the project's own ai-ship.yaml, as
// a release does.
func gateAction(t *testing.T, e *engine) {
	skopeo := need(t, "skopeo")
	p := project{dir: t.TempDir()}
	for _, name := range []string{"ai-ship.yaml", ".trivyignore.yaml", ".dockerignore", "LICENSE"} {
		must(t, "cp", filepath.Join(shared.repo, name), p.dir)
	}
	saved := filepath.Join(t.TempDir(), "saved.tar")
	e.run(t, "save", "--output", saved, actionName)
	must(t, skopeo, "copy", "--quiet", "docker-archive:"+saved, "oci:"+p.path("image")+":release")
	p.write(t, "bin/.keep", "")
	must(t, "mv", p.path("image"), p.path("bin/image"))
	r := p.ship(t, "--dry-run", "--version", "1.2.3")
	for _, g := range r.report.Gates {
		if g.Name == "size" {
			figure(t, "the action's image: %.1f MB compressed, of at most 90", g.Value/1e6)
			return
		}
	}
	t.Errorf("no gate on size: %+v", r.report.Gates)
}

// runsNothingElse lists what can be executed in the image.
func runsNothingElse(t *testing.T, e *engine) {
	id := e.run(t, "create", actionName)
	e.remove(t, id)
	file := filepath.Join(t.TempDir(), "root.tar")
	e.run(t, "export", "--output", file, id)
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var programs []string
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		// The engine itself makes some empty files in every container.
		if h.Mode&0o111 != 0 && h.Size > 0 && h.Typeflag == tar.TypeReg && !strings.Contains(h.Name, ".so") {
			programs = append(programs, h.Name)
		}
	}
	slices.Sort(programs)
	if diff := cmp.Diff([]string{"bin/bash", "entrypoint.sh", "usr/local/bin/ai-ship"}, programs); diff != "" {
		t.Error(diff)
	}
}

// startsCold takes the best of a few: other tests may run at the same time.
func startsCold(t *testing.T, e *engine) {
	p := newDigits(t)
	var times []time.Duration
	for range 5 {
		cmd := exec.CommandContext(t.Context(), e.docker, e.args(e.inside(p, "--env", "AI_SHIP_DRY_RUN=true", "--env", "AI_SHIP_OUT=/tmp/out",
			"--env", "AI_SHIP_SCAN_DB=/db.tar.gz", "--volume", shared.database()+":/db.tar.gz:ro", actionName)...)...)
		var said strings.Builder
		cmd.Stderr = &said
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		times = append(times, time.Since(begun))
		_, drained := io.Copy(io.Discard, out)
		if err := errors.Join(err, drained, cmd.Wait()); err != nil {
			t.Fatalf("after %q: %v\n%s", line, err, said.String())
		}
	}
	slices.Sort(times)
	figure(t, "the action's first line: after %s, the median of five %s", times[0].Round(time.Millisecond), times[2].Round(time.Millisecond))
	if times[0] > coldStart {
		t.Errorf("the first line came after %s, want at most %s", times[0], coldStart)
	}
}

// runsAsAnybody has somebody else than its owner read a workspace.
func runsAsAnybody(t *testing.T, e *engine) {
	p := newDigits(t)
	commit(t, p)
	out := e.run(t, e.inside(p, "--user", "1234:5678", "--volume", shared.database()+":/db.tar.gz:ro",
		actionName, "run", "--dry-run", "--out", "/tmp/out", "--scan-db", "/db.tar.gz")...)
	if sha := must(t, "git", "-C", p.dir, "rev-parse", "--short=7", "HEAD"); !strings.Contains(out, "sha-"+sha) {
		t.Errorf("the plan has no tag of the commit %s:\n%s", sha, out)
	}
}

// runsThePipeline runs the workflow of examples/ with act, which does what
// GitHub's runner does: develop to staging, then main to production.
func runsThePipeline(t *testing.T, e *engine) {
	act := need(t, "act")
	actions := startRegistry(t, account{})
	robot := account{"robot", "correct horse"}
	r := startRegistry(t, robot)
	jobImage(t, e)
	workflow := pipeline{engine: e, act: act, action: tagged(t, e, actions), user: robot, home: t.TempDir()}
	p := newExample(t, r)
	t.Setenv("DOCKER_CONFIG", dockerConfig(t, r.host, robot)) // of crane alone

	said := workflow.push(t, p)
	staging := r.digest(t, digitsRepo, "staging")
	if !strings.Contains(said, "digest="+staging) {
		t.Errorf("no output names staging's digest %s:\n%s", staging, said)
	}
	if _, err := output(t.Context(), shared.program("crane"), "digest", r.ref(digitsRepo, "production")); err == nil {
		t.Error("a push to develop moved production")
	}

	p.write(t, "NOTICE", "Another commit.\n")
	must(t, "git", "-C", p.dir, "checkout", "--quiet", "-b", "main")
	must(t, "git", "-C", p.dir, "-c", "user.name=e2e", "-c", "user.email=e2e@example.com", "commit", "--quiet", "--all", "--message", "second")
	said = workflow.push(t, p)
	production := r.digest(t, digitsRepo, "production")
	if production == staging || production != r.digest(t, digitsRepo, "staging") || !strings.Contains(said, "digest="+production) {
		t.Errorf("production points to %s, develop's image is %s, main's %s:\n%s", production, staging, r.digest(t, digitsRepo, "staging"), said)
	}
	if strings.Contains(said, robot.password) {
		t.Error("the registry's password is in the log")
	}
}

// pipeline is what runs workflows.
type pipeline struct {
	engine *engine
	act    string // the program
	action string // folder that stands for org/ai-ship@v1
	user   account
	home   string
}

// jobImage makes the image that stands for a machine of GitHub's, which has Go:
// this one's, put there with what it has compiled.
func jobImage(t *testing.T, e *engine) {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "Dockerfile"), "FROM "+debianName+"\nENV PATH=/usr/local/go/bin:/usr/bin:/bin GOCACHE=/gocache GOMODCACHE=/gomodcache GOPROXY=off GOEXPERIMENT="+os.Getenv("GOEXPERIMENT")+"\n")
	e.build(t, dir, jobName)
}

// tagged is the action as a release tags it, with its image in a registry.
func tagged(t *testing.T, e *engine, r registry) string {
	t.Helper()
	image := r.ref("org/ai-ship", "e2e")
	e.run(t, "tag", actionName, image)
	e.forget(t, image)
	e.run(t, "push", "--quiet", image)
	dir := t.TempDir()
	must(t, "cp", filepath.Join(shared.repo, "action.yml"), dir)
	must(t, filepath.Join(shared.repo, ".github/pin-image"), r.ref("org/ai-ship", r.digest(t, "org/ai-ship", "e2e")), filepath.Join(dir, "action.yml"))
	return dir
}

// newExample is a repository as examples/digits/README.md makes it. Its image is
// of a registry here, its key a file, as there is no GitHub to vouch for a job,
// and its database of vulnerabilities is the tests'.
func newExample(t *testing.T, r registry) project {
	t.Helper()
	p := project{dir: t.TempDir()}
	copyDir(t, filepath.Join(shared.repo, "testdata/digits"), p.dir)
	must(t, "rm", "-rf", p.path("build"), p.path("reports"), p.path(".ai-ship"), p.path("ai-ship-out")) // of make demo
	must(t, "cp", "-rT", filepath.Join(shared.repo, "examples/digits"), p.dir)
	must(t, "cp", filepath.Join(shared.repo, "go.sum"), shared.database(), p.dir)
	required := must(t, "go", "list", "-C", shared.repo, "-m", "github.com/google/go-cmp")
	p.write(t, "go.mod", "module github.com/org/ai-ship/testdata/digits\n\ngo 1.26\n\nrequire "+required+"\n")
	must(t, shared.program("ai-ship"), "keygen", "--out", p.path("cosign"))
	config := must(t, "cat", p.path("ai-ship.yaml"))
	config, _, found := strings.Cut(config, "sign:")
	if !found || !strings.Contains(config, "ghcr.io/") {
		t.Fatal("the example's config has no sign section, or another image")
	}
	config = strings.Replace(config, "ghcr.io", r.host, 1)
	p.write(t, "ai-ship.yaml", config+"sign: {key: cosign.key}\nscan: {db: "+filepath.Base(shared.database())+"}\n")
	commit(t, p)
	return p
}

// push runs the workflow for a push of the branch that is checked out.
func (w pipeline) push(t *testing.T, p project) string {
	t.Helper()
	options := fmt.Sprintf("-v %s:/usr/local/go:ro -v %s:/gocache -v %s:/gomodcache:ro",
		must(t, "go", "env", "GOROOT"), must(t, "go", "env", "GOCACHE"), must(t, "go", "env", "GOMODCACHE"))
	cmd := exec.CommandContext(t.Context(), w.act, "push", "--rm", "--platform", "ubuntu-latest="+jobName, "--pull=false", "--container-daemon-socket", "-",
		"--local-repository", "org/ai-ship@v1="+w.action, "--actor", w.user.user, "--secret", "GITHUB_TOKEN", "--container-options", options)
	cmd.Dir = p.dir
	writeFile(t, filepath.Join(w.home, ".config/act/actrc"), "")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.home, "GITHUB_TOKEN=" + w.user.password}
	if w.engine.host != "" {
		cmd.Env = append(cmd.Env, "DOCKER_HOST="+w.engine.host)
	}
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("act: %v\n%s", err, said)
	}
	return string(said)
}
