package survey

import (
	"context"
	"fmt"
	"os"

	"github.com/org/ai-ship/pkg/testreport"
)

// Survey is what a folder holds. Paths are slash-separated and relative to it;
// lists are sorted unless their field says otherwise.
type Survey struct {
	Python     Python
	Servers    []Server    // likeliest first
	Binaries   []string    // static Linux executables
	Dockerfile *Dockerfile // nil: there is none that can be read
	Process    string      // command of the Procfile's web line; "" for none
	Models     []Model
	Reports    []testreport.Report
	Notebooks  []string
	Folders    []string // beside the sources, read by servers: templates, static
	Variables  []string // MODEL_PATH and the like, where a source reads them
	Files      int      // files that were seen
	Left       []string // sentences on what was not looked at
}

// Python is what the folder says about its interpreter and its packages.
type Python struct {
	Version      string   // such as 3.11; "" where nothing says it
	From         string   // the file that says it
	Requirements string   // requirements.txt, uv.lock, poetry.lock or pyproject.toml; "" for none
	Needs        []string // names of packages that are required or imported, normalised as PEP 503 does
	Packages     []string // top-level folders with an __init__.py
	Modules      []string // top-level .py files that are no tests
}

// Kind is how a server is started.
type Kind string

// The kinds of servers.
const (
	ASGI      Kind = "asgi" // FastAPI, Starlette, Litestar
	WSGI      Kind = "wsgi" // Flask
	Gradio    Kind = "gradio"
	Streamlit Kind = "streamlit"
	Script    Kind = "script" // a Python file that listens by itself
	Go        Kind = "go"     // a main package
)

// Server is a program that answers requests.
type Server struct {
	Kind Kind
	Path string // of the Python file, or the folder of the Go package ("." for the project's)
	App  string // name of the ASGI or WSGI application in the file
}

// Look surveys a folder. The root stays the caller's. The error is ctx's, or
// that the folder cannot be listed.
func Look(ctx context.Context, root *os.Root) (Survey, error) {
	l := &looker{root: root, texts: make(map[string]string)}
	if err := l.walk(ctx); err != nil {
		return Survey{}, fmt.Errorf("looking at the folder: %w", err)
	}
	s := Survey{Files: len(l.files), Notebooks: l.named(".ipynb"), Process: l.procfile(), Dockerfile: l.dockerfile()}
	s.Python = l.python()
	l.golang = l.goServers()
	s.Servers = append(l.pythonServers(), l.golang...)
	s.Binaries = l.binaries(ctx)
	s.Folders, s.Variables = l.resources(), l.variables()
	var err error
	if s.Models, err = l.models(ctx); err != nil {
		return Survey{}, err
	}
	s.Reports = l.reports(ctx, s.Models)
	s.Left = l.left
	return s, ctx.Err()
}
