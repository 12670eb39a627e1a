package runner

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Step is what the runner knows before it starts a program.
type Step struct {
	Workspace string            // folder; the program's working directory
	Temp      string            // folder of the runner, empty at first
	Env       map[string]string // of job and step; wins over an action's own
	Event     string            // JSON of the event; "" is {}
	Secrets   []string          // hidden from the beginning, as secrets.* are
	// Started is called with the process, such as to send it signals; may be nil.
	Started func(*os.Process)
}

// Annotation is one that the runner would show.
type Annotation struct {
	Level, Message string
	Properties     map[string]string // file, line, col, title and others
}

// Result is all that came of a step.
type Result struct {
	Exit        int // of the program
	Took        time.Duration
	Failed      bool     // by its exit code, a command or a file
	Log         []string // lines as shown: secrets hidden, commands taken out
	Raw         []string // lines as written
	Commands    []Command
	Groups      []string // titles, in order
	Open        int      // groups that nothing ended
	Masks       []string
	Annotations []Annotation // those shown
	Dropped     int          // annotations above the limit
	Outputs     map[string]string
	Env, State  map[string]string // added by the step
	Path        []string
	Summary     string   // as shown: secrets hidden; "" when it was too large
	Artifacts   []string // lines of GITHUB_ARTIFACTS
	Errors      []string // of the runner about the step
}

// maxAnnotations of a level are shown, each of maxMessage characters at most.
const (
	maxAnnotations = 10
	maxMessage     = 4096
	maxLine        = 64 << 20 // bytes
)

// Run runs a program as a step. An error is one of the test's; a program that
// fails is a Result.
func Run(ctx context.Context, command []string, s Step) (Result, error) {
	files, env, err := s.prepare()
	if err != nil {
		return Result{}, err
	}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir, cmd.Env = s.Workspace, env
	r := &reader{Result: Result{
		Outputs: map[string]string{}, Env: map[string]string{}, State: map[string]string{}, Masks: slices.Clone(s.Secrets),
	}}
	began := time.Now()
	if err := r.follow(cmd, s.Started); err != nil {
		return Result{}, err
	}
	r.Took = time.Since(began)
	r.Exit = cmd.ProcessState.ExitCode()
	r.Failed = r.Failed || r.Exit != 0
	r.files(files)
	return r.Result, nil
}

// fileCommands are the files that a step writes, by their variables.
func fileCommands() []string {
	return []string{"GITHUB_PATH", "GITHUB_ENV", "GITHUB_STEP_SUMMARY", "GITHUB_STATE", "GITHUB_OUTPUT", "GITHUB_ARTIFACTS"}
}

// prepare makes the files and the environment.
func (s Step) prepare() (files map[string]string, env []string, err error) {
	files = make(map[string]string)
	all := map[string]string{"PATH": os.Getenv("PATH")}
	maps.Copy(all, s.Env)
	home, workflow, commands := filepath.Join(s.Temp, "_github_home"), filepath.Join(s.Temp, "_github_workflow"), filepath.Join(s.Temp, "_runner_file_commands")
	for _, dir := range []string{home, workflow, commands} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, nil, err
		}
	}
	event := s.Event
	if event == "" {
		event = "{}"
	}
	all["GITHUB_EVENT_PATH"] = filepath.Join(workflow, "event.json")
	if err := os.WriteFile(all["GITHUB_EVENT_PATH"], []byte(event), 0o644); err != nil {
		return nil, nil, err
	}
	for _, variable := range fileCommands() {
		f, err := os.CreateTemp(commands, strings.ToLower(variable)+"_")
		if err != nil {
			return nil, nil, err
		}
		files[variable], all[variable] = f.Name(), f.Name()
		if err := f.Close(); err != nil {
			return nil, nil, err
		}
	}
	maps.Copy(all, map[string]string{
		"CI": "true", "GITHUB_ACTIONS": "true", "HOME": home, "GITHUB_WORKSPACE": s.Workspace,
		"RUNNER_TEMP": s.Temp, "RUNNER_OS": "Linux",
	})
	for name, value := range all {
		env = append(env, name+"="+value)
	}
	return files, env, nil
}

type reader struct {
	Result
	mu     sync.Mutex
	resume string // token that ends a pause; "" outside of one
}

// follow runs the program and reads both of its streams.
func (r *reader) follow(cmd *exec.Cmd, started func(*os.Process)) error {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	failures, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting the step: %w", err)
	}
	if started != nil {
		started(cmd.Process)
	}
	var all sync.WaitGroup
	for _, stream := range []io.Reader{out, failures} {
		all.Go(func() {
			lines := bufio.NewScanner(stream)
			lines.Buffer(nil, maxLine)
			lines.Split(split)
			for lines.Scan() {
				r.line(lines.Text())
			}
		})
	}
	all.Wait()
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		return fmt.Errorf("running the step: %w", err)
	}
	return nil
}

func (r *reader) line(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Raw = append(r.Raw, line)
	c, ok := parse(line, r.resume)
	if !ok || r.resume != "" && !strings.EqualFold(c.Name, r.resume) {
		r.Log = append(r.Log, r.hide(line))
		return
	}
	r.Commands = append(r.Commands, c)
	r.take(c)
}

// take does what a command asks for.
func (r *reader) take(c Command) {
	switch c.Name {
	case strings.ToLower(r.resume):
		r.resume = ""
	case "stop-commands":
		r.resume = c.Data
	case "add-mask":
		if strings.TrimSpace(c.Data) == "" {
			r.Errors = append(r.Errors, "can't add secret mask for empty string")
			return
		}
		r.Masks = append(r.Masks, c.Data)
	case "error", "warning", "notice":
		r.annotate(c)
	case "group":
		r.Groups, r.Open = append(r.Groups, c.Data), r.Open+1
		r.Log = append(r.Log, r.hide("##[group]"+c.Data))
	case "endgroup":
		r.Open--
		r.Log = append(r.Log, "##[endgroup]")
	case "set-output":
		r.Outputs[c.Properties["name"]] = c.Data
	case "save-state":
		r.State[c.Properties["name"]] = c.Data
	case "set-env", "add-path":
		r.fail(fmt.Sprintf("the `%s` command is disabled", c.Name))
	}
}

func (r *reader) fail(message string) {
	r.Failed = true
	r.Errors = append(r.Errors, message)
}

func (r *reader) annotate(c Command) {
	r.Log = append(r.Log, r.hide("##["+c.Name+"]"+c.Data))
	shown := 0
	for _, a := range r.Annotations {
		if a.Level == c.Name {
			shown++
		}
	}
	if shown == maxAnnotations {
		r.Dropped++
		return
	}
	message := []rune(r.hide(c.Data))
	r.Annotations = append(r.Annotations, Annotation{c.Name, string(message[:min(len(message), maxMessage)]), c.Properties})
}

// hide replaces the secrets that are known by now.
func (r *reader) hide(text string) string {
	masks := slices.Clone(r.Masks)
	slices.SortFunc(masks, func(a, b string) int { return len(b) - len(a) })
	for _, mask := range masks {
		text = strings.ReplaceAll(text, mask, "***")
	}
	return text
}

// files reads what the step wrote into its files.
func (r *reader) files(files map[string]string) {
	for _, read := range []struct {
		variable string
		into     map[string]string
	}{{"GITHUB_ENV", r.Env}, {"GITHUB_STATE", r.State}, {"GITHUB_OUTPUT", r.Outputs}} {
		all, err := pairs(files[read.variable])
		if err != nil {
			r.fail(fmt.Sprintf("unable to process file command %s: %v", read.variable, err))
		}
		maps.Copy(read.into, all)
	}
	for variable, into := range map[string]*[]string{"GITHUB_PATH": &r.Path, "GITHUB_ARTIFACTS": &r.Artifacts} {
		var err error
		if *into, err = paths(files[variable]); err != nil {
			r.fail(fmt.Sprintf("unable to process file command %s: %v", variable, err))
		}
	}
	summary, err := os.ReadFile(files["GITHUB_STEP_SUMMARY"])
	switch {
	case err != nil:
		r.fail(fmt.Sprintf("reading the summary: %v", err))
	case len(summary) > maxSummary:
		r.Errors = append(r.Errors, fmt.Sprintf("$GITHUB_STEP_SUMMARY supports content up to %d, got %d", maxSummary, len(summary)))
	default:
		r.Summary = r.hide(string(summary))
	}
}
