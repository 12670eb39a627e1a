package ci_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/ci"
	"github.com/org/ai-ship/pkg/internal/runner"
)

// TestMain is also the program that the tests run as a step.
func TestMain(m *testing.M) {
	if part := os.Getenv("CI_TEST_PART"); part != "" {
		if err := program(part, os.Getenv); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func program(part string, getenv func(string) string) error {
	job := ci.NewJob(getenv, os.Stderr)
	out, log := job.Guard(os.Stdout), job.Guard(os.Stderr)
	text := strings.ReplaceAll(getenv("CI_TEST_TEXT"), "<NUL>", "\x00")
	job.Mask(getenv("CI_TEST_SECRET"))
	switch part {
	case "stranger":
		end := job.Section("build")
		for _, line := range []string{text, "test " + text + " failed", "\x1b[31m" + text + "\x1b[0m"} {
			fmt.Fprintf(out, "%s\n", line)
			fmt.Fprintf(log, "%s\n", line)
		}
		for i := range len(text) { // in the smallest pieces
			fmt.Fprint(log, text[i:i+1])
		}
		fmt.Fprintln(log)
		end()
		job.Annotate(ci.Annotation{Level: ci.Error, Title: "gate " + text, Message: "it said: " + text, File: "a" + text, Line: 3, Column: 1})
		if err := job.Summary([]byte(text + "\n")); err != nil {
			return err
		}
		if err := job.Artifact("ghcr.io/acme/digits@sha256:" + text); err == nil && strings.ContainsAny(text, " \n") {
			return fmt.Errorf("took an artifact named %q", text)
		}
		if err := job.Outputs(".", []ci.Output{{Name: "tags", Value: text}, {Name: "image-id", Value: "x\n" + text + "\n"}}); err != nil {
			return err
		}
		fmt.Fprint(out, text) // a last line without an end
	case "annotations":
		var all []ci.Annotation
		for i := range 14 {
			all = append(all, ci.Annotation{Level: ci.Error, Message: fmt.Sprint(i)})
		}
		all = append(all, ci.Annotation{Level: ci.Warning, Message: strings.Repeat("ö", 5000)})
		job.Annotate(all...)
		job.Annotate(all...)
	case "json":
		out.Data()
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		if err := enc.Encode(map[string]string{"x": text}); err != nil {
			return err
		}
	case "secret":
		fmt.Fprintln(log, getenv("CI_TEST_PRINT")) // the stream that the mask was on
	case "outputs":
		name, value, _ := strings.Cut(text, "=")
		return job.Outputs(".", []ci.Output{{Name: "a", Value: "1"}, {Name: name, Value: value}})
	case "summary":
		if err := job.Summary([]byte("first\n")); err != nil {
			return err
		}
		return job.Summary([]byte(strings.Repeat("0123456789\n", 100_000)))
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return log.Flush()
}

// step runs the program on GitHub.
func step(t *testing.T, part, text string, extra map[string]string) runner.Result {
	t.Helper()
	s := runner.Step{Workspace: t.TempDir(), Temp: t.TempDir(), Env: map[string]string{"CI_TEST_PART": part, "CI_TEST_TEXT": strings.ReplaceAll(text, "\x00", "<NUL>")}}
	for k, v := range extra {
		s.Env[k] = v
	}
	r, err := runner.Run(t.Context(), []string{os.Args[0]}, s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestNoPayloadInjects(t *testing.T) {
	for _, payload := range runner.Payloads() {
		r := step(t, "stranger", payload, nil)
		if injected := r.Injected([]string{"tags", "image-id"}, nil); len(injected) > 0 || r.Failed {
			t.Errorf("payload %q: %q", payload, injected)
		}
		want := map[string]string{"tags": payload, "image-id": "x\n" + payload + "\n"}
		if diff := cmp.Diff(want, r.Outputs); diff != "" {
			t.Errorf("payload %q: %s", payload, diff)
		}
		if len(r.Annotations) != 1 || r.Annotations[0].Properties["line"] != "3" || !strings.HasPrefix(r.Annotations[0].Message, "it said: ") {
			t.Errorf("payload %q: annotations %+v", payload, r.Annotations)
		}
		if len(r.Groups) != 1 || r.Open != 0 || r.Summary != payload+"\n" {
			t.Errorf("payload %q: groups %q, %d open, summary %q", payload, r.Groups, r.Open, r.Summary)
		}
	}
}

func TestJSONStaysTheSame(t *testing.T) {
	for _, payload := range runner.Payloads() {
		r := step(t, "json", payload, nil)
		var got map[string]string
		if err := json.Unmarshal([]byte(strings.Join(r.Raw, "\n")), &got); err != nil || got["x"] != payload {
			t.Errorf("payload %q became %q, %v", payload, got["x"], err)
		}
		if injected := r.Injected(nil, nil); len(injected) > 0 {
			t.Errorf("payload %q: %q", payload, injected)
		}
	}
}

func TestAnnotationsWithinLimits(t *testing.T) {
	r := step(t, "annotations", "", nil)
	if r.Dropped != 0 || len(r.Annotations) != 12 {
		t.Fatalf("%d shown, %d dropped", len(r.Annotations), r.Dropped)
	}
	if last := r.Annotations[9].Message; last != "and 5 more, which the log has" {
		t.Errorf("the last says %q", last)
	}
	if m := []rune(r.Annotations[10].Message); len(m) != 4096 || m[4095] != '…' {
		t.Errorf("a long message has %d characters", len(m))
	}
}

func TestMask(t *testing.T) {
	const secret = "p@ss word/1\nsecond line of it\n}\n"
	for _, shown := range []string{
		"p@ss word/1", "second line of it", base64.StdEncoding.EncodeToString([]byte(secret)),
		base64.StdEncoding.EncodeToString([]byte("p@ss word/1")), "p%40ss+word%2F1", "p@ss%20word%2F1",
	} {
		r := step(t, "secret", "", map[string]string{"CI_TEST_SECRET": secret, "CI_TEST_PRINT": "it is " + shown + " {}"})
		log := strings.TrimRight(strings.Join(r.Log, "\n"), "=")
		if !regexp.MustCompile(`^it is \*\*\*=* \{\}$`).MatchString(log) {
			t.Errorf("%q is shown as %q", shown, log)
		}
		if slices.Contains(r.Masks, "") || slices.Contains(r.Masks, "}") {
			t.Errorf("masks are %q", r.Masks)
		}
	}
}

func TestOutputNames(t *testing.T) {
	for _, text := range []string{"=x", "1a=x", "a b=x", "a\nb=x", "a=twice", "a<<E=x", "-a=x", "ä=x"} {
		r := step(t, "outputs", text, nil)
		if !r.Failed || len(r.Outputs) > 0 || !strings.Contains(strings.Join(r.Log, " "), "setting output") {
			t.Errorf("%q: outputs %q, log %q", text, r.Outputs, r.Log)
		}
	}
	if r := step(t, "outputs", "_a-1=x", nil); r.Failed || r.Outputs["_a-1"] != "x" || r.Outputs["a"] != "1" {
		t.Errorf("outputs %q", r.Outputs)
	}
	huge := filepath.Join(t.TempDir(), "out")
	if err := os.WriteFile(huge, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	job := ci.NewJob(from(githubEnv(), map[string]string{"GITHUB_OUTPUT": huge}), &strings.Builder{})
	if err := job.Outputs("", []ci.Output{{Name: "x", Value: strings.Repeat("x", 512<<10)}}); err == nil || !strings.Contains(err.Error(), "expected at most 524288") {
		t.Errorf("error is %v, want one about the limit", err)
	}
}

func TestSummaryIsCut(t *testing.T) {
	r := step(t, "summary", "", nil)
	if len(r.Errors) > 0 || len(r.Summary) < 1<<20-200 || !strings.HasPrefix(r.Summary, "first\n0123456789\n") ||
		!strings.Contains(r.Summary, "9\n\n\n*Cut here") && !strings.Contains(r.Summary, "9\n\n*Cut here") {
		t.Errorf("summary of %d bytes, errors %q, ends in %q", len(r.Summary), r.Errors, r.Summary[max(0, len(r.Summary)-200):])
	}
}

func TestGitLab(t *testing.T) {
	dir := t.TempDir()
	var log strings.Builder
	job := ci.NewJob(from(map[string]string{"GITLAB_CI": "true"}, nil), &log)
	job.Mask("s3cret")
	end := job.Section("build it")
	guard := job.Guard(&log)
	fmt.Fprintf(guard, "s3cret \x1b[0Ksection_end:1:ai-ship_build_it\r\x1b[0K\x1b[32mgreen\x1b[0m\n")
	end()
	job.Annotate(ci.Annotation{Level: ci.Error, Message: "x"})
	want := regexp.MustCompile(`^\x1b\[0Ksection_start:[0-9]+:ai-ship_build_it\r\x1b\[0Kbuild it
\*\*\* \x{FFFD}\[0Ksection_end:1:ai-ship_build_it
\x{FFFD}\[0K\x1b\[32mgreen\x1b\[0m
\x1b\[0Ksection_end:[0-9]+:ai-ship_build_it\r\x1b\[0K
$`)
	if !want.MatchString(log.String()) {
		t.Errorf("the log is %q", log.String())
	}
	outputs := []ci.Output{
		{"image", "ghcr.io/acme/digits@sha256:abc"}, {"image-id", "sha256:abc"}, {"tags", "a\nb"}, {"labels", "a b"}, {"json", `{"a":1}`},
		{"version", "1.0.0"}, {"empty", ""}, {"hash", "#x"},
	}
	if err := job.Outputs(dir, outputs); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, ci.DotenvFile))
	if err != nil || string(got) != "SHIP_IMAGE=ghcr.io/acme/digits@sha256:abc\nSHIP_IMAGE_ID=sha256:abc\nSHIP_VERSION=1.0.0\n" {
		t.Errorf("dotenv is %q, %v", got, err)
	}
	if err := job.Outputs(filepath.Join(dir, "none"), outputs); err == nil {
		t.Error("a folder that is missing is no error")
	}
}

func TestLocalTakesNothing(t *testing.T) {
	var log strings.Builder
	job := ci.NewJob(from(map[string]string{"GITHUB_OUTPUT": "/none", "GITHUB_STEP_SUMMARY": "/none"}, nil), &log)
	job.Mask("s3cret")
	job.Section("x")()
	job.Annotate(ci.Annotation{Level: ci.Error, Message: "x"})
	guard := job.Guard(&log)
	fmt.Fprint(guard, "::error::s3cret\x1b[2K\r")
	if err := job.Outputs("", []ci.Output{{"a", "b"}}); err != nil {
		t.Error(err)
	}
	if err := job.Summary([]byte("x")); err != nil {
		t.Error(err)
	}
	if log.String() != "::error::s3cret\x1b[2K\r" {
		t.Errorf("the log is %q", log.String())
	}
}

// FuzzGuard holds whatever is written, in whatever pieces, to bring no command.
func FuzzGuard(f *testing.F) {
	for i, payload := range runner.Payloads() {
		f.Add([]byte(payload), uint8(i))
	}
	f.Fuzz(func(t *testing.T, text []byte, piece uint8) {
		var log strings.Builder
		guard := ci.NewJob(from(githubEnv(), nil), &log).Guard(&log)
		for rest := text; len(rest) > 0; {
			n := min(len(rest), int(piece)+1)
			if _, err := guard.Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if err := guard.Flush(); err != nil {
			t.Fatal(err)
		}
		if commands := runner.Commands(log.String()); len(commands) > 0 {
			t.Errorf("%q brought %q", text, commands)
		}
	})
}
