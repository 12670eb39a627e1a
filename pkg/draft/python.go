package draft

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/org/ai-ship/pkg/survey"
)

func (c *choice) pythonBase() {
	c.python = true
	c.base = noted{"python:" + c.pythonVersion + "-slim", ""}
}

// pythonServer is a server, or a process that a Procfile names.
func (c *choice) pythonServer(s survey.Survey, server *survey.Server) {
	c.pythonBase()
	if s.Python.From != "" {
		c.base.why = "the version of " + s.Python.From
	} else {
		c.base.why = "no file says which version; .python-version does"
	}
	c.pythonApp(s, server, appDir)
	c.wheels(s)
	if s.Process != "" {
		c.say("the web process of the Procfile")
		c.shell = regexp.MustCompile(`^(gunicorn|uvicorn|streamlit|flask|hypercorn)\b`).ReplaceAllString(s.Process, "python -m $1")
		c.env = append(c.env, pair{"PORT", "8000", "what the Procfile listens on"})
		c.listen("8000")
		return
	}
	c.say("a server in %s (%s)", server.Path, frameworkOf(server.Kind))
	c.start(*server, s)
}

func frameworkOf(k survey.Kind) string {
	switch k {
	case survey.ASGI:
		return "ASGI: FastAPI or the like"
	case survey.WSGI:
		return "Flask"
	case survey.Gradio:
		return "Gradio"
	case survey.Streamlit:
		return "Streamlit"
	}
	return "it listens by itself"
}

// start is the command of a Python server. Modules are started by python -m,
// since pip writes no programs that run elsewhere.
func (c *choice) start(server survey.Server, s survey.Survey) {
	file := inImage(server.Path, s)
	app := module(file) + ":" + server.App
	switch server.Kind {
	case survey.ASGI:
		c.command = []string{"python", "-m", "uvicorn", app, "--host", "0.0.0.0", "--port", "8000"}
		c.missing(s, "uvicorn")
		c.listen("8000")
	case survey.WSGI:
		c.command = []string{"python", "-m", "flask", "--app", app, "run", "--host", "0.0.0.0", "--port", "8000"}
		if slices.Contains(s.Python.Needs, "gunicorn") {
			c.command = []string{"python", "-m", "gunicorn", "--bind", "0.0.0.0:8000", app}
		} else {
			c.todo = append(c.todo, "flask run is for development: add gunicorn to the requirements, and command: [python, -m, gunicorn, --bind, \"0.0.0.0:8000\", \""+app+"\"]")
		}
		c.listen("8000")
	case survey.Gradio:
		c.command = []string{"python", appDir + "/" + file}
		c.env = append(c.env, pair{"GRADIO_SERVER_NAME", "0.0.0.0", "else it listens inside the container only"})
		c.listen("7860")
	case survey.Streamlit:
		c.command = []string{"python", "-m", "streamlit", "run", appDir + "/" + file, "--server.address", "0.0.0.0", "--server.port", "8501", "--server.headless", "true"}
		c.listen("8501")
	default:
		c.command = []string{"python", appDir + "/" + file}
		c.listen("8000")
	}
}

func (c *choice) missing(s survey.Survey, name string) {
	if !slices.Contains(s.Python.Needs, name) {
		c.todo = append(c.todo, "add "+name+" to the requirements; command: starts the server with it")
	}
}

// inImage is where a source lies below /app.
func inImage(file string, s survey.Survey) string {
	top, rest, below := strings.Cut(file, "/")
	if below && !asPackage(top, s) {
		return rest
	}
	return file
}

// asPackage reports whether a top-level folder is imported by its name.
func asPackage(top string, s survey.Survey) bool {
	return slices.Contains(s.Python.Packages, top) || slices.Contains(s.Python.Needs, strings.ToLower(strings.ReplaceAll(top, "_", "-")))
}

// module is a file as python -m names it.
func module(file string) string {
	name := strings.ReplaceAll(strings.TrimSuffix(file, ".py"), "/", ".")
	return strings.TrimSuffix(name, ".__init__")
}

// pythonApp places the sources: the server's folder, and what lies beside it and
// is imported.
func (c *choice) pythonApp(s survey.Survey, server *survey.Server, to string) {
	add := func(from, to string) {
		if !slices.ContainsFunc(c.app, func(p put) bool { return p.from == from }) {
			c.app = append(c.app, put{from: from, to: to})
		}
	}
	if server != nil {
		if top, _, below := strings.Cut(server.Path, "/"); below {
			if asPackage(top, s) {
				add(top, path.Join(to, top))
			} else {
				add(top, to)
			}
		}
	}
	if len(s.Python.Modules) > 0 {
		add("*.py", to)
	}
	for _, name := range slices.Concat(s.Python.Packages, s.Folders) {
		add(name, path.Join(to, name))
	}
}

// wheels places what the project requires. ai-ship runs no pip, so somebody
// else has to have run it.
func (c *choice) wheels(s survey.Survey) {
	if s.Python.Requirements == "" {
		return
	}
	install := "pip install --target " + survey.Wheels + " -r requirements.txt"
	switch s.Python.Requirements {
	case "uv.lock":
		install = "uv export --frozen --no-dev --no-emit-project --format requirements-txt -o build/requirements.txt && pip install --target " + survey.Wheels + " -r build/requirements.txt"
	case "poetry.lock":
		install = "poetry export -o build/requirements.txt && pip install --target " + survey.Wheels + " -r build/requirements.txt"
	case "pyproject.toml":
		install = "pip install --target " + survey.Wheels + " ."
	}
	c.builds = append(c.builds, install)
	c.app = append(c.app, put{survey.Wheels, wheelsDir, install + ", with Python " + c.pythonVersion + " on Linux"})
	c.env = append(c.env, pair{"PYTHONPATH", wheelsDir, ""})
}

// docker takes over what a Dockerfile says. What it runs while it builds,
// ai-ship does not run.
func (c *choice) docker(s survey.Survey, server *survey.Server) {
	d := s.Dockerfile
	c.say("a Dockerfile on %s", d.From)
	c.python = s.Python.Requirements != "" || server != nil
	c.base = noted{d.From, "as in the Dockerfile"}
	if m := regexp.MustCompile(`python:(3\.\d+)`).FindStringSubmatch(d.From); m != nil {
		c.pythonVersion = m[1]
	}
	if d.Workdir != "" && d.Workdir != appDir && path.IsAbs(d.Workdir) && !strings.Contains(d.Workdir, "$") {
		c.workdir = d.Workdir
	}
	for _, copied := range d.Copies {
		c.copied(s, copied)
	}
	if len(c.app) == 0 && c.python {
		c.pythonApp(s, server, appDir)
	}
	c.wheels(s)
	c.command, c.entry, c.ports = d.Command, d.Entrypoint, d.Ports
	if len(c.command) == 3 && c.command[0] == "/bin/sh" {
		c.shell, c.command = c.command[2], nil
	}
	if len(c.command) > 0 && slices.Contains([]string{"gunicorn", "uvicorn", "streamlit", "flask"}, c.command[0]) {
		c.command = slices.Concat([]string{"python", "-m"}, c.command)
	}
	for _, name := range sortedKeys(d.Env) {
		if i := slices.IndexFunc(c.env, func(p pair) bool { return p.name == name }); i >= 0 {
			c.env[i].value += ":" + d.Env[name]
			continue
		}
		if value := d.Env[name]; variable.MatchString(name) && !strings.Contains(value, "$") && name != "PATH" {
			c.env = append(c.env, pair{name, value, ""})
		}
	}
	if d.Runs > 0 {
		c.todo = append(c.todo, "the Dockerfile has RUN lines, which ai-ship does not run: what they install must be in base:, or in files that app: names")
	}
}

var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// copied is one COPY line.
func (c *choice) copied(s survey.Survey, copied survey.Copy) {
	to := copied.To
	switch base := path.Base(copied.From); {
	case strings.Contains(copied.From+to, "$"), strings.HasPrefix(copied.From, ".."), strings.Contains(copied.From, "://"):
		c.todo = append(c.todo, "add to app: what the Dockerfile copies from "+line(copied.From))
	case slices.Contains([]string{"requirements.txt", "pyproject.toml", "uv.lock", "poetry.lock"}, base):
	case slices.ContainsFunc(s.Models, func(m survey.Model) bool {
		return m.Path == copied.From || copied.From != "." && strings.HasPrefix(m.Path, copied.From+"/")
	}):
		c.models = append(c.models, put{from: copied.From, to: to})
	case copied.From == "." && c.python:
		c.pythonApp(s, nil, strings.TrimSuffix(to, "/"))
	default:
		c.app = append(c.app, put{from: copied.From, to: to})
	}
}
