package runner

import (
	"context"
	"fmt"
	"maps"
	"os"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
)

// Action is what an action.yml says about a container action.
type Action struct {
	Inputs map[string]struct {
		Default  string `yaml:"default"`
		Required bool   `yaml:"required"` // which the runner does not look at
	} `yaml:"inputs"`
	Outputs map[string]struct {
		Description string `yaml:"description"`
	} `yaml:"outputs"`
	Runs struct {
		Using string            `yaml:"using"`
		Image string            `yaml:"image"`
		Env   map[string]string `yaml:"env"`
		Args  []string          `yaml:"args"`
	} `yaml:"runs"`
}

// ReadAction reads an action.yml.
func ReadAction(file string) (a Action, err error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return a, err
	}
	if err := yaml.Unmarshal(data, &a); err != nil {
		return a, fmt.Errorf("reading action %q: %w", file, err)
	}
	if a.Runs.Using != "docker" {
		return a, fmt.Errorf("reading action %q: found runs.using %q, expected docker", file, a.Runs.Using)
	}
	return a, nil
}

// Run runs the action's entrypoint, which is an executable here, with inputs
// given by a workflow's with:. Contexts are what expressions may name, such as
// github.token.
func (a Action) Run(ctx context.Context, entrypoint string, s Step, with, contexts map[string]string) (Result, error) {
	args, env, err := a.Resolve(with, contexts)
	if err != nil {
		return Result{}, err
	}
	maps.Copy(env, s.Env)
	s.Env = env
	return Run(ctx, append([]string{entrypoint}, args...), s)
}

// Resolve returns the arguments and the environment that the inputs become.
// Inputs that the action does not declare are handed on all the same.
func (a Action) Resolve(with, contexts map[string]string) (args []string, env map[string]string, err error) {
	names := make(map[string]string) // by the form that is compared: the runner's inputs know no case
	values := maps.Clone(contexts)
	if values == nil {
		values = make(map[string]string)
	}
	env = make(map[string]string)
	for name, declared := range a.Inputs {
		names[strings.ToLower(name)] = name
		if values["inputs."+strings.ToLower(name)], err = expand(declared.Default, contexts); err != nil {
			return nil, nil, fmt.Errorf("input %s: %w", name, err)
		}
	}
	for name, value := range with {
		names[strings.ToLower(name)] = name
		values["inputs."+strings.ToLower(name)] = value
	}
	for lower, name := range names {
		env["INPUT_"+strings.ToUpper(strings.ReplaceAll(name, " ", "_"))] = values["inputs."+lower]
	}
	for name, text := range a.Runs.Env {
		if _, taken := env[name]; taken {
			continue // the runner keeps what is there
		}
		if env[name], err = expand(text, values); err != nil {
			return nil, nil, fmt.Errorf("runs.env.%s: %w", name, err)
		}
	}
	for i, text := range a.Runs.Args {
		arg, err := expand(text, values)
		if err != nil {
			return nil, nil, fmt.Errorf("runs.args[%d]: %w", i, err)
		}
		args = append(args, arg)
	}
	if a.Runs.Args == nil { // an input of that name is the command line, split as a shell would
		args = strings.Fields(values["inputs.args"])
	}
	return args, env, nil
}

var expression = regexp.MustCompile(`\$\{\{\s*(.*?)\s*\}\}`)

// expand replaces the expressions in a text by what the contexts say.
func expand(text string, contexts map[string]string) (string, error) {
	var unknown error
	text = expression.ReplaceAllStringFunc(text, func(found string) string {
		name := strings.ToLower(expression.FindStringSubmatch(found)[1])
		value, ok := contexts[name]
		if !ok && unknown == nil {
			unknown = fmt.Errorf("found expression %q, which no context has", name)
		}
		return value
	})
	return text, unknown
}
