package survey_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/survey"
)

// look surveys a folder with these files.
func look(t *testing.T, files map[string]string, prepare ...func(dir string)) survey.Survey {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range prepare {
		p(dir)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	s, err := survey.Look(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const fastapi = "from fastapi import FastAPI\napp = FastAPI()\n"

func TestServers(t *testing.T) {
	for _, tc := range []struct {
		name  string
		files map[string]string
		want  []survey.Server
	}{
		{"FastAPI, annotated", map[string]string{"x.py": "import fastapi\napi: fastapi.FastAPI = fastapi.FastAPI()\n"}, []survey.Server{{survey.ASGI, "x.py", "api"}}},
		{"the nearest to the top, then by name", map[string]string{"src/deep/app.py": fastapi, "zebra.py": fastapi, "server.py": fastapi},
			[]survey.Server{{survey.ASGI, "server.py", "app"}, {survey.ASGI, "zebra.py", "app"}, {survey.ASGI, "src/deep/app.py", "app"}}},
		{"a framework before a script", map[string]string{"run.py": "import uvicorn\nuvicorn.run('api.main:app')\n", "api/main.py": fastapi},
			[]survey.Server{{survey.ASGI, "api/main.py", "app"}, {Kind: survey.Script, Path: "run.py"}}},
		{"Gradio needs its launch", map[string]string{"a.py": "import gradio as gr\n", "b.py": "import gradio as gr\ngr.Blocks().launch()\n"}, []survey.Server{{Kind: survey.Gradio, Path: "b.py"}}},
		{"tests and examples are none", map[string]string{"tests/app.py": fastapi, "test_app.py": fastapi, "examples/app.py": fastapi}, nil},
		{"virtual environments are passed over", map[string]string{"env/pyvenv.cfg": "", "env/lib/app.py": fastapi, ".venv/app.py": fastapi, "node_modules/app.py": fastapi, survey.Wheels + "/app.py": fastapi}, nil},
		{"an application in a function is none", map[string]string{"a.py": "def make():\n    app = FastAPI()\n"}, nil},
		{"Go, split over files", map[string]string{"cmd/a/main.go": "package main\nfunc main() { serve() }", "cmd/a/serve.go": "package main\nfunc serve() { http.ListenAndServe(\"\", nil) }", "lib/s.go": "package lib\nvar _ = http.Server{}"},
			[]survey.Server{{Kind: survey.Go, Path: "cmd/a"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, look(t, tc.files).Servers); diff != "" {
				t.Errorf("servers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPythonVersion(t *testing.T) {
	for _, tc := range []struct{ file, text, want string }{
		{".python-version", "3.11.9\n", "3.11"},
		{"runtime.txt", "python-3.10.4", "3.10"},
		{"pyproject.toml", "[project]\nrequires-python = \">=3.12,<3.14\"\n", "3.12"},
		{"pyproject.toml", "[tool.poetry.dependencies]\npython = \"^3.9\"\n", "3.9"},
		{"pyproject.toml", "[project]\nname = \"x\"\n", ""},
		{".python-version", "pypy", ""},
	} {
		if got := look(t, map[string]string{tc.file: tc.text}).Python.Version; got != tc.want {
			t.Errorf("%s %q is %q, want %q", tc.file, tc.text, got, tc.want)
		}
	}
}

func TestDockerfile(t *testing.T) {
	s := look(t, map[string]string{"Dockerfile": `ARG BASE=python:3.12
FROM ${BASE}-slim AS deps
WORKDIR /srv
ENV A=1 B="two words"
RUN true
FROM deps
WORKDIR app
COPY --chown=1:1 src lib ./
COPY --from=deps /x /y
COPY ["a b", "/data/"]
EXPOSE 80/tcp 53/udp $PORT
ENTRYPOINT ["python"]
CMD serve now
`})
	want := &survey.Dockerfile{
		From: "python:3.12-slim", Workdir: "/srv/app", Entrypoint: []string{"python"}, Command: []string{"/bin/sh", "-c", "serve now"},
		Ports: []string{"80", "53/udp"}, Env: map[string]string{"A": "1", "B": "two words"}, Runs: 1,
		Copies: []survey.Copy{{"src", "/srv/app/"}, {"lib", "/srv/app/"}, {"a b", "/data/"}},
	}
	if diff := cmp.Diff(want, s.Dockerfile); diff != "" {
		t.Errorf("the last stage (-want +got):\n%s", diff)
	}
	for _, text := range []string{"FROM ${NOWHERE}", "FROM python\nFROM $X"} {
		if s := look(t, map[string]string{"Dockerfile": text}); s.Dockerfile == nil || s.Dockerfile.From != "" {
			t.Errorf("%q: %+v, want a base that is not known", text, s.Dockerfile)
		}
	}
	if s := look(t, map[string]string{"Dockerfile": "RUN"}); s.Dockerfile != nil {
		t.Errorf("found %+v in a Dockerfile without FROM", s.Dockerfile)
	}
}

// What a link points to is not the folder's, wherever that is.
func TestLinksAreNotFollowed(t *testing.T) {
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "app.py"), []byte(fastapi), 0o644); err != nil {
		t.Fatal(err)
	}
	s := look(t, nil, func(dir string) {
		for name, target := range map[string]string{"app.py": filepath.Join(outside, "app.py"), "src": outside, "Dockerfile": "/etc/passwd"} {
			if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	})
	if s.Files != 0 || len(s.Servers) > 0 || s.Dockerfile != nil {
		t.Errorf("followed a link: %+v", s)
	}
}

func TestLimits(t *testing.T) {
	deep := strings.Repeat("d/", 12) + "app.py"
	s := look(t, map[string]string{deep: fastapi, "large.py": fastapi + strings.Repeat("#", 300<<10)})
	if len(s.Servers) > 0 {
		t.Errorf("read beyond the limits: %v", s.Servers)
	}
	if !slices.ContainsFunc(s.Left, func(left string) bool { return strings.Contains(left, "deeper than 8 folders") }) {
		t.Errorf("said %q, and not that it stopped at a depth", s.Left)
	}
	many := make(map[string]string)
	for i := range 20_100 {
		many[fmt.Sprintf("f%05d", i)] = ""
	}
	if s := look(t, many); s.Files > 20_000 || len(s.Left) == 0 {
		t.Errorf("saw %d files, and said %q", s.Files, s.Left)
	}
}

func TestReportsAreThoseThatCanBeRead(t *testing.T) {
	s := look(t, map[string]string{
		"reports/good.json":   `{"accuracy": 0.9}`,
		"reports/broken.json": `{"accuracy": `,
		"reports/text.json":   `{"name": "x"}`,
		"package.json":        `{"version": 1}`,
		"junit.xml":           `<testsuite><testcase classname="a" name="b" time="1"/></testsuite>`,
	})
	var got []string
	for _, r := range s.Reports {
		got = append(got, r.Path)
	}
	if want := []string{"junit.xml", "reports/good.json"}; !slices.Equal(got, want) {
		t.Errorf("reports %q, want %q", got, want)
	}
	if len(s.Left) != 2 || !strings.Contains(s.Left[0], "reports/broken.json") {
		t.Errorf("left out %q, want the two that cannot be read", s.Left)
	}
}

func TestEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if _, err := survey.Look(ctx, root); !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v, want %v", err, context.Canceled)
	}
}
