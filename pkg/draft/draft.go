package draft

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/survey"
)

// ErrNothing is that a folder holds nothing that an image could be made of.
var ErrNothing = errors.New("nothing to ship")

// Place is where a project stands.
type Place struct {
	Folder   string   // its name
	Remote   string   // https URL of the repository's page; "" for none
	Below    string   // its path from the repository's top, slash-separated; "" at the top, or in none
	Commit   bool     // there is a commit to take versions from
	Branches []string // short names
}

// Draft is what a project begins with.
type Draft struct {
	Config   string
	Workflow string // for GitHub
	GitLab   string
	// Found says in sentences what the files are made of.
	Found []string
	// Builds are commands that make what the image takes, to be run before it.
	Builds []string
	// Todo are sentences on what only a person can decide.
	Todo []string
}

// The paths of the files: of the config from the project, of the others from the
// repository's top.
const (
	ConfigFile = "ai-ship.yaml"
	GitLabFile = ".gitlab-ci.yml"
)

// WorkflowFile is the path of the workflow. Projects that share a repository
// each have their own.
func (p Place) WorkflowFile() string {
	if p.Below == "" {
		return ".github/workflows/ship.yml"
	}
	return ".github/workflows/ship-" + word(strings.ReplaceAll(p.Below, "/", "-")) + ".yml"
}

// config is the config's path from the repository's top.
func (p Place) config() string { return path.Join(p.Below, ConfigFile) }

// New drafts the files. ErrNothing says that there is neither a program nor a
// model.
func New(s survey.Survey, at Place) (Draft, error) {
	c := choose(s, at)
	c.fit()
	if len(c.app)+len(c.models) == 0 {
		return Draft{}, nothing(s)
	}
	d := Draft{Found: c.found, Builds: c.builds, Todo: c.todo}
	for _, left := range s.Left {
		d.Todo = append(d.Todo, "look yourself: "+line(left))
	}
	d.Config = c.config()
	d.Workflow = c.workflow(at)
	d.GitLab = c.gitlab(at)
	return d, nil
}

func nothing(s survey.Survey) error {
	switch {
	case s.Files == 0:
		return hint.Wrap(fmt.Errorf("%w: the folder is empty", ErrNothing), "run ai-ship init in the folder of a project: a server (Python or Go), a Dockerfile, or model files")
	case len(s.Notebooks) > 0:
		return hint.Wrap(fmt.Errorf("%w: found notebooks (%s), and neither a server nor a model file", ErrNothing, some(s.Notebooks)),
			"save the trained model from the notebook (safetensors, ONNX or GGUF), put what answers requests into a file such as app.py, and run ai-ship init again")
	}
	return hint.Wrap(fmt.Errorf("%w: found %d files, and among them neither a server, a static binary, a Dockerfile nor a model file", ErrNothing, s.Files),
		"run ai-ship init in the folder that holds them, or write ai-ship.yaml by hand: docs/config.md")
}

// some are the first names of a list.
func some(names []string) string {
	const most = 3
	if len(names) <= most {
		return line(strings.Join(names, ", "))
	}
	return line(fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most))
}
