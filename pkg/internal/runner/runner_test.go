package runner_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/internal/runner"
)

// bash runs a script as a step.
func bash(t *testing.T, script string, change func(*runner.Step)) runner.Result {
	t.Helper()
	s := runner.Step{Workspace: t.TempDir(), Temp: t.TempDir()}
	if change != nil {
		change(&s)
	}
	r, err := runner.Run(t.Context(), []string{"bash", "-c", script}, s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestFileCommands(t *testing.T) {
	r := bash(t, `
printf 'a=1\n\nb=x=y<<z\nc<<E\none\n\ntwo\nE\nd<<E\nE\nhy-phen=yes' >> "$GITHUB_OUTPUT"
echo 'K=v' >> "$GITHUB_ENV"; echo 's=t' >> "$GITHUB_STATE"; echo /bin/own >> "$GITHUB_PATH"
echo '# hello' >> "$GITHUB_STEP_SUMMARY"; echo oci://x >> "$GITHUB_ARTIFACTS"
`, nil)
	if r.Failed || r.Errors != nil {
		t.Fatalf("failed: %q", r.Errors)
	}
	want := map[string]string{"a": "1", "b": "x=y<<z", "c": "one\n\ntwo", "d": "", "hy-phen": "yes"}
	if diff := cmp.Diff(want, r.Outputs); diff != "" {
		t.Error(diff)
	}
	if r.Env["K"] != "v" || r.State["s"] != "t" || !slices.Equal(r.Path, []string{"/bin/own"}) || r.Summary != "# hello\n" || !slices.Equal(r.Artifacts, []string{"oci://x"}) {
		t.Errorf("found %+v", r)
	}
}

func TestFileCommandErrors(t *testing.T) {
	for script, want := range map[string]string{
		`echo nothing >> "$GITHUB_OUTPUT"`:                    `invalid format "nothing"`,
		`echo =x >> "$GITHUB_OUTPUT"`:                         "the name is empty",
		`echo 'a<<' >> "$GITHUB_OUTPUT"`:                      "name or delimiter is empty",
		`printf 'a<<E\nx\n' >> "$GITHUB_OUTPUT"`:              `matching delimiter not found "E"`,
		`printf 'a<<E\nx E' >> "$GITHUB_OUTPUT"`:              `marker "E" is missing a new line`,
		`head -c 1048577 /dev/zero >> "$GITHUB_STEP_SUMMARY"`: "supports content up to 1048576",
		`echo '::set-env name=x::y'`:                          "`set-env` command is disabled",
		`echo '::add-mask:: '`:                                "empty string",
	} {
		r := bash(t, script, nil)
		if len(r.Errors) != 1 || !strings.Contains(r.Errors[0], want) {
			t.Errorf("%s: errors %q, want one with %q", script, r.Errors, want)
		}
		if r.Outputs["a"] != "" || r.Summary != "" {
			t.Errorf("%s: set outputs %q, summary of %d bytes", script, r.Outputs, len(r.Summary))
		}
	}
}

func TestCommands(t *testing.T) {
	r := bash(t, `
echo '::set-output name=old::a%0Ab%253A'
echo '  ::save-state name=s::t'
echo 'prefix ##[set-output name=older]x%5D%3B'
echo '::error file=a%2Cb,line=3,title=x%3A y::bad%0Athing'
echo 'no ::set-output name=n::command'
echo '::unknown::x'
printf 'x\r::set-output name=cr::1\n\xe2\x80\xa8::set-output name=ls::1\n'
echo '::group::Build'; echo '::endgroup::'
echo '::stop-commands::T0KEN'; echo '::set-output name=stopped::1'; echo '::t0ken::'; echo '::set-output name=resumed::1'
for i in $(seq 12); do echo "::warning::$i" >&2; done
echo '::add-mask::s3cret'; echo 'it is s3cret' ; echo s3cret >> "$GITHUB_STEP_SUMMARY"
exit 3`, nil)
	want := map[string]string{"old": "a\nb%3A", "older": "x];", "cr": "1", "ls": "1", "resumed": "1"}
	if diff := cmp.Diff(want, r.Outputs); diff != "" {
		t.Error(diff)
	}
	a := r.Annotations[0]
	if a.Level == "warning" { // of the other stream
		a = r.Annotations[10]
	}
	if diff := cmp.Diff(runner.Annotation{Level: "error", Message: "bad\nthing", Properties: map[string]string{"file": "a,b", "line": "3", "title": "x: y"}}, a); diff != "" {
		t.Error(diff)
	}
	if len(r.Annotations) != 11 || r.Dropped != 2 || r.Exit != 3 || !r.Failed || r.Open != 0 || !slices.Equal(r.Groups, []string{"Build"}) {
		t.Errorf("found %d annotations, %d dropped, exit %d, groups %q, %d open", len(r.Annotations), r.Dropped, r.Exit, r.Groups, r.Open)
	}
	if r.Summary != "***\n" || !slices.Contains(r.Log, "it is ***") || !slices.Contains(r.Log, "no ::set-output name=n::command") {
		t.Errorf("summary %q, log %q", r.Summary, r.Log)
	}
}

// TestPayloadsBite holds 40 payloads at least to be dangerous: they inject
// something where a program prints them, or writes them as an output, as they
// are. The rest looks like it and is kept.
func TestPayloadsBite(t *testing.T) {
	bit := 0
	for _, payload := range runner.Payloads() {
		if strings.Contains(payload, "\x00") {
			continue // no argument can hold it
		}
		r := bash(t, `printf '%s\n' "$P"; printf 'x=%s\n' "$P" >> "$GITHUB_OUTPUT"; echo "::error title=$P::x"
printf 'y<<EOF\n%s\nEOF\n' "$P" >> "$GITHUB_ENV"; printf 'z<<_GitHubActionsFileCommandDelimeter_\n%s\n_GitHubActionsFileCommandDelimeter_\n' "$P" >> "$GITHUB_STATE"
`, func(s *runner.Step) { s.Env = map[string]string{"P": payload} })
		injected := slices.DeleteFunc(r.Injected([]string{"x"}, nil), func(s string) bool { return s == `variable "y"` || s == `state "z"` })
		if len(injected) > 0 {
			bit++
		}
	}
	if bit < 40 {
		t.Errorf("%d of %d payloads inject something, want 40", bit, len(runner.Payloads()))
	}
}

func TestAction(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "action.yml")
	if err := os.WriteFile(file, []byte(`name: x
inputs:
  ignore-unfixed: {description: d, default: 'false'}
  github-token: {description: d, default: '${{ github.token }}'}
  tags: {description: d}
outputs: {digest: {description: d}}
runs:
  using: docker
  image: Dockerfile
  env:
    IGNORE: ${{ inputs.ignore-unfixed }}
    TOKEN: ${{inputs.github-token}}
    TAKEN: theirs
    TAGS: ${{ inputs.tags }}
  args: ["run", "--tags=${{ inputs.tags }}", ""]
`), 0o644); err != nil {
		t.Fatal(err)
	}
	a, err := runner.ReadAction(file)
	if err != nil {
		t.Fatal(err)
	}
	entrypoint := filepath.Join(dir, "entrypoint.sh")
	if err := os.WriteFile(entrypoint, []byte("#!/usr/bin/env bash\nenv -0 | tr '\\0' '\\1' > env; printf '%s|' \"$@\" > args\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	s := runner.Step{Workspace: dir, Temp: t.TempDir(), Env: map[string]string{"TAKEN": "step's"}}
	if _, err := a.Run(t.Context(), entrypoint, s, map[string]string{"Ignore-Unfixed": "true", "tags": "a\nb\n"}, map[string]string{"github.token": "ghs_x"}); err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	if got := read("args"); got != "run|--tags=a\nb\n||" {
		t.Errorf("arguments are %q", got)
	}
	env := strings.Split(read("env"), "\x01")
	for _, want := range []string{
		"INPUT_IGNORE-UNFIXED=true", "IGNORE=true", "TOKEN=ghs_x", "INPUT_GITHUB-TOKEN=ghs_x", "TAKEN=step's", "TAGS=a\nb\n", "INPUT_TAGS=a\nb\n",
		"GITHUB_ACTIONS=true", "HOME=" + s.Temp + "/_github_home",
	} {
		if !slices.Contains(env, want) {
			t.Errorf("the environment has no %q: %q", want, env)
		}
	}
	if _, _, err := a.Resolve(nil, nil); err == nil || !strings.Contains(err.Error(), `"github.token"`) {
		t.Errorf("error is %v, want one about github.token", err)
	}
}
