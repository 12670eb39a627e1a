package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/org/ai-ship/pkg/report"
)

// TestActionPassesEveryFlag holds action.yml to the command line: what its
// commands take can be given as an input, and what it passes is taken.
func TestActionPassesEveryFlag(t *testing.T) {
	// What is no flag, and flags that a workflow has no use for.
	taken := []string{"AI_SHIP_COMMAND", "AI_SHIP_IMAGE_REF", usernameVar, passwordVar, tokenVar}
	useless := []string{"AI_SHIP_HELP", "AI_SHIP_JSON", "AI_SHIP_LIST"}
	root, finish := Process{}.root()
	defer finish()
	for _, c := range root.Commands() {
		if !slices.Contains([]string{"run", "plan", "scan", "gate", "verify", "promote", "rollback", "history"}, c.Name()) {
			continue
		}
		names(c, func(variable string) {
			if !slices.Contains(useless, variable) && !slices.Contains(taken, variable) {
				taken = append(taken, variable)
			}
		})
	}
	action := readAction(t)
	var passed []string
	used := make(map[string]bool)
	for variable, value := range action.Runs.Env {
		passed = append(passed, variable)
		input := regexp.MustCompile(`^\$\{\{ inputs\.([a-z-]+) \}\}$`).FindStringSubmatch(value)
		if input == nil || used[input[1]] {
			t.Errorf("%s: found %q, expected an input of its own", variable, value)
			continue
		}
		used[input[1]] = true
	}
	slices.Sort(taken)
	slices.Sort(passed)
	if diff := cmp.Diff(taken, passed); diff != "" {
		t.Errorf("variables that the commands take (-) and that action.yml passes (+):\n%s", diff)
	}
	for name, input := range action.Inputs {
		if !used[name] {
			t.Errorf("input %s is not passed", name)
		}
		oneLine(t, name, input.Description)
	}
	for name, output := range action.Outputs {
		oneLine(t, name, output.Description)
	}
	set, err := outputs(output{written: true}, report.Report{})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range set {
		if _, known := action.Outputs[o.Name]; !known {
			t.Errorf("output %s is not in action.yml", o.Name)
		}
	}
	if len(set) != len(action.Outputs) {
		t.Errorf("action.yml has %d outputs, ai-ship sets %d", len(action.Outputs), len(set))
	}
}

// TestWorkflowsKnowTheAction holds the workflows, the example's too, to the inputs
// and outputs of action.yml: actionlint knows those of ./ alone.
func TestWorkflowsKnowTheAction(t *testing.T) {
	a := readAction(t)
	steps := 0
	for _, pattern := range []string{"../../.github/workflows/*.yml", "../../examples/*/.github/workflows/*.yml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, found no workflow", pattern, err)
		}
		for _, file := range files {
			steps += holdWorkflow(t, a, file)
		}
	}
	if steps < 4 {
		t.Errorf("found %d steps with the action, expected those of the workflows and of the example", steps)
	}
}

// holdWorkflow returns how many steps of a workflow are the action.
func holdWorkflow(t *testing.T, a action, file string) (steps int) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var workflow struct {
		Jobs map[string]struct {
			Steps []struct {
				ID, Uses string
				With     map[string]any
			}
		}
	}
	if err := yaml.Unmarshal(data, &workflow); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	for name, job := range workflow.Jobs {
		for _, step := range job.Steps {
			if step.Uses != "./" && !strings.HasPrefix(step.Uses, "org/ai-ship@") {
				continue
			}
			steps++
			for input := range step.With {
				if _, known := a.Inputs[input]; !known {
					t.Errorf("%s: job %s gives the action an input %s that it does not have", file, name, input)
				}
			}
			if step.ID == "" {
				continue
			}
			for _, use := range regexp.MustCompile(`steps\.`+step.ID+`\.outputs\.([a-z-]+)`).FindAllStringSubmatch(string(data), -1) {
				if _, known := a.Outputs[use[1]]; !known {
					t.Errorf("%s: job %s takes an output %s that the action does not have", file, name, use[1])
				}
			}
		}
	}
	return steps
}

// TestOneGo holds the Dockerfile to the Go that everything else is built with.
func TestOneGo(t *testing.T) {
	read := func(file, pattern string) string {
		data, err := os.ReadFile("../../" + file)
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(pattern).FindSubmatch(data)
		if found == nil {
			t.Fatalf("%s has no %s", file, pattern)
		}
		return string(found[1])
	}
	makefile, dockerfile := read("Makefile", `GOTOOLCHAIN := go(\S+)`), read("Dockerfile", `FROM golang:([0-9.]+)-\S+@sha256:[0-9a-f]{64} AS go`)
	if makefile != dockerfile {
		t.Errorf("the Dockerfile builds with Go %s, the Makefile with %s", dockerfile, makefile)
	}
}

// names visits the variables of a command's flags.
func names(c *cobra.Command, visit func(string)) {
	all := func(f *pflag.Flag) { visit("AI_SHIP_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))) }
	c.Flags().VisitAll(all)
	c.InheritedFlags().VisitAll(all)
}

func oneLine(t *testing.T, name, description string) {
	t.Helper()
	const width = 100 // characters
	if n := len([]rune(description)); n == 0 || n > width || strings.ContainsAny(description, "\r\n") {
		t.Errorf("%s: the description %q does not fit a line of %d characters", name, description, width)
	}
}

type action struct {
	Inputs, Outputs map[string]struct{ Description, Default string }
	Runs            struct {
		Using, Image string
		Env          map[string]string
	}
}

func readAction(t *testing.T) action {
	t.Helper()
	data, err := os.ReadFile("../../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	var a action
	if err := yaml.Unmarshal(data, &a); err != nil {
		t.Fatal(err)
	}
	return a
}
