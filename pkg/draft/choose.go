package draft

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/survey"
)

// choice is everything that the files say.
type choice struct {
	image, base       noted
	version           string // "" takes it from git
	app, models       []put
	command, entry    []string
	shell             string // a command for /bin/sh, in place of command
	workdir           string // "" for the default
	ports             []string
	env               []pair
	preset            string
	reports           []string
	offers            []gate.Offer
	more              int // offers that were left out
	channels          []channel
	risks             []string // sentences on models that the gates refuse
	found             []string
	builds            []string
	todo              []string
	python, golang    bool
	serves            bool // the base does, with no command
	pythonVersion     string
	identity, publish string // who signs in CI; the branch that goes to production
}

// noted is a value with the reason for it.
type noted struct{ value, why string }

// put places files in the image.
type put struct{ from, to, why string }

type pair struct{ name, value, why string }

type channel struct{ name, on, why string }

const (
	appDir    = "/app"
	modelDir  = "/models"
	wheelsDir = "/opt/python"
	// python is the version where nothing says another one.
	python = "3.12"
)

// choose decides what the image is made of.
func choose(s survey.Survey, at Place) *choice {
	c := &choice{image: imageOf(at), pythonVersion: s.Python.Version}
	if c.pythonVersion == "" {
		c.pythonVersion = python
	}
	if !at.Commit {
		c.version = "0.1.0"
	}
	if strings.Contains(c.image.why, "CHANGE") {
		c.todo = append(c.todo, "set image: in ai-ship.yaml to the repository that you push to")
	}
	c.program(s)
	c.weigh(s)
	c.judge(s)
	c.branch(at)
	return c
}

// imageOf is the repository at the registry that belongs to the remote.
func imageOf(at Place) noted {
	u, err := url.Parse(at.Remote)
	if err == nil && at.Remote != "" {
		name := strings.ToLower(path.Join("/", u.Path, at.Below))
		if m := regexp.MustCompile(`^(/[a-z0-9]+([._-]+[a-z0-9]+)*)+$`); m.MatchString(name) {
			switch u.Host {
			case "github.com":
				return noted{"ghcr.io" + name, "the registry of the remote origin"}
			case "gitlab.com":
				return noted{"registry.gitlab.com" + name, "the registry of the remote origin"}
			}
		}
	}
	why := "CHANGE THIS to the repository that you push to"
	if at.Remote != "" {
		why += ": no registry is known for " + line(at.Remote)
	}
	return noted{"ghcr.io/acme/" + word(at.Folder), why}
}

// word is a name as references and file names take it.
func word(name string) string {
	name = regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(name), "-")
	if name = strings.Trim(name, "-"); name == "" {
		return "service"
	}
	return name[:min(len(name), 60)]
}

// program decides what runs, by whatever says most about it.
func (c *choice) program(s survey.Survey) {
	var golang, python *survey.Server
	for i, server := range s.Servers {
		switch {
		case server.Kind == survey.Go && golang == nil:
			golang = &s.Servers[i]
		case server.Kind != survey.Go && python == nil:
			python = &s.Servers[i]
		}
	}
	docker := s.Dockerfile
	switch {
	case docker != nil && isReference(docker.From) && (len(docker.Copies) > 0 || golang == nil):
		c.docker(s, python)
	case python != nil || s.Process != "":
		c.pythonServer(s, python)
	case golang != nil:
		c.goServer(*golang, s)
	case len(s.Binaries) > 0:
		c.binary(s.Binaries)
	case c.modelServer(s):
	default:
		c.nobody(s)
	}
	if c.python {
		c.preset = presetOf(s.Python.Needs)
	}
}

// presetOf is the preset of the framework that the project needs.
func presetOf(needs []string) string {
	for _, f := range []struct{ name, preset string }{
		{"torch", "pytorch"}, {"tensorflow", "tensorflow"}, {"keras", "tensorflow"}, {"onnxruntime", "onnxruntime"}, {"onnxruntime-gpu", "onnxruntime"},
	} {
		if slices.Contains(needs, f.name) {
			return f.preset
		}
	}
	return ""
}

// goServer is a static binary on nothing.
func (c *choice) goServer(server survey.Server, s survey.Survey) {
	c.golang = true
	name := path.Base(server.Path)
	if server.Path == "." {
		name = "server"
	}
	from := "build/" + name
	built := "not built yet"
	if i := slices.IndexFunc(s.Binaries, func(b string) bool { return path.Base(b) == name }); i >= 0 {
		from, built = s.Binaries[i], "found"
	}
	source := "./" + strings.TrimPrefix(server.Path, ".")
	build := "CGO_ENABLED=0 GOOS=linux GOARCH=amd64 go build -o " + shell(from) + " " + shell(source)
	c.builds = append(c.builds, build)
	c.say("a Go server in %s (%s: %s)", server.Path, from, built)
	c.base = noted{"scratch", "a static binary needs nothing; gcr.io/distroless/static has CA certificates, for calls to other servers"}
	if d := s.Dockerfile; d != nil && isReference(d.From) {
		c.base = noted{d.From, "as in the Dockerfile"}
	}
	c.app = append(c.app, put{from, appDir, build})
	c.command = []string{appDir + "/" + path.Base(from)}
	c.listen("8000")
}

// binary is one that is there already.
func (c *choice) binary(all []string) {
	c.say("a static binary, %s", all[0])
	if len(all) > 1 {
		c.todo = append(c.todo, "check app: in ai-ship.yaml; there are other static binaries: "+some(all[1:]))
	}
	c.base = noted{"scratch", "a static binary needs nothing"}
	c.app = append(c.app, put{all[0], appDir, ""})
	c.command = []string{appDir + "/" + path.Base(all[0])}
	c.listen("8000")
}

func (c *choice) listen(port string) {
	c.ports = []string{port}
}

// modelServer takes a public server for models that come without a program.
func (c *choice) modelServer(s survey.Survey) bool {
	for _, m := range s.Models {
		switch m.Format {
		case "gguf":
			c.say("GGUF weights without a server, which llama.cpp serves")
			c.base = noted{"ghcr.io/ggml-org/llama.cpp:server", "llama.cpp's server; :server-cuda is for NVIDIA GPUs"}
			c.command = []string{"-m", modelDir + "/" + path.Base(m.Path), "--host", "0.0.0.0", "--port", "8080"}
			c.listen("8080")
			return true
		case "saved-model":
			name, _ := savedModel(m.Path)
			c.say("a SavedModel without a server, which TensorFlow Serving serves")
			c.base = noted{"tensorflow/serving:2.18.0", "TensorFlow Serving; take the version that you trained with"}
			c.env = append(c.env, pair{"MODEL_NAME", name, ""})
			c.serves = true
			c.listen("8501")
			return true
		}
	}
	return false
}

// savedModel is how TensorFlow Serving wants a SavedModel: a name, with a folder
// for each version below it.
func savedModel(file string) (name, version string) {
	dir := path.Dir(file)
	if regexp.MustCompile(`^[0-9]+$`).MatchString(path.Base(dir)) && strings.Contains(dir, "/") {
		return word(path.Base(path.Dir(dir))), path.Base(dir)
	}
	if dir == "." {
		return "model", "1"
	}
	return word(path.Base(dir)), "1"
}

// nobody is a project in which nothing was found that answers requests.
func (c *choice) nobody(s survey.Survey) {
	c.base = noted{"scratch", "nothing here answers requests: an image of the models alone"}
	if len(s.Python.Modules)+len(s.Python.Packages) > 0 && len(s.Models) > 0 {
		c.pythonBase()
		c.pythonApp(s, nil, appDir)
		c.wheels(s)
	}
	c.todo = append(c.todo, "nothing that answers requests was found: set command: in ai-ship.yaml, and base: to what it needs")
}
