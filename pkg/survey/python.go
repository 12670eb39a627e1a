package survey

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"
)

var (
	asgiApp    = regexp.MustCompile(`(?m)^(\w+)(?:\s*:\s*[\w.]+)?\s*=\s*(?:\w+\.)?(?:FastAPI|Starlette|Litestar)\(`)
	wsgiApp    = regexp.MustCompile(`(?m)^(\w+)(?:\s*:\s*[\w.]+)?\s*=\s*(?:\w+\.)?Flask\(`)
	imported   = regexp.MustCompile(`(?m)^\s*(?:from|import)[ \t]+(\w+)`)
	listens    = regexp.MustCompile(`uvicorn\.run\(|serve_forever\(|web\.run_app\(|\.add_insecure_port\(|\.run\([^)\n]*(?:host|port)\s*=|serve\.run\(`)
	minor      = regexp.MustCompile(`\b3\.(\d{1,2})`)
	required   = regexp.MustCompile(`(?m)^\s*"?([A-Za-z0-9][A-Za-z0-9._-]*)`)
	separators = regexp.MustCompile(`[-_.]+`)
	// requires reads both spellings: that of PEP 621 and Poetry's.
	requires = regexp.MustCompile(`(?m)^(?:requires-python|python)\s*=\s*"([^"]+)"`)
)

// python is what the usual files say.
func (l *looker) python() Python {
	var p Python
	for _, from := range []struct{ name, text string }{
		{".python-version", l.text(".python-version")},
		{"runtime.txt", l.text("runtime.txt")},
		{"pyproject.toml", firstGroup(requires, l.text("pyproject.toml"))},
	} {
		if m := minor.FindStringSubmatch(from.text); m != nil {
			p.Version, p.From = "3."+m[1], from.name
			break
		}
	}
	for _, name := range []string{"requirements.txt", "uv.lock", "poetry.lock", "pyproject.toml"} {
		declares := name != "pyproject.toml" || strings.Contains(l.text(name), "dependencies")
		if l.has(name) && declares {
			p.Requirements = name
			break
		}
	}
	p.Needs = l.needs()
	for _, f := range l.named(".py") {
		switch dir, name := path.Split(f); {
		case isTest(f):
		case dir == "" && name != "setup.py" && name != "conftest.py":
			p.Modules = append(p.Modules, f)
		case name == "__init__.py" && strings.Count(dir, "/") == 1:
			p.Packages = append(p.Packages, strings.TrimSuffix(dir, "/"))
		}
	}
	return p
}

func firstGroup(pattern *regexp.Regexp, text string) string {
	if m := pattern.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

// needs are the packages that are required, and what the sources import.
func (l *looker) needs() []string {
	var names []string
	add := func(pattern *regexp.Regexp, text string) {
		for _, m := range pattern.FindAllStringSubmatch(text, -1) {
			names = append(names, strings.ToLower(separators.ReplaceAllString(m[1], "-")))
		}
	}
	add(required, l.text("requirements.txt"))
	add(required, l.text("pyproject.toml"))
	for _, f := range l.named(".py") {
		if !isTest(f) {
			add(imported, l.text(f))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// isTest reports whether a file is there to test, or to show, the project.
func isTest(name string) bool {
	for dir := range strings.SplitSeq(path.Dir(name), "/") {
		if slices.Contains([]string{"test", "tests", "examples", "docs", "benchmarks", "notebooks"}, dir) {
			return true
		}
	}
	base := path.Base(name)
	return strings.HasPrefix(base, "test_") || strings.HasSuffix(base, "_test.py") || strings.HasSuffix(base, "_test.go") || base == "conftest.py" || base == "locustfile.py"
}

// pythonServers are the files that answer requests, likeliest first: the one
// that is nearest to the top, and is called as servers are.
func (l *looker) pythonServers() []Server {
	var servers []Server
	for _, f := range l.named(".py") {
		if s, ok := serverOf(f, l.text(f)); ok && !isTest(f) {
			servers = append(servers, s)
		}
	}
	usual := []string{"main.py", "app.py", "server.py", "serve.py", "api.py"}
	rank := func(s Server) int {
		if i := slices.Index(usual, path.Base(s.Path)); i >= 0 {
			return i
		}
		return len(usual)
	}
	slices.SortStableFunc(servers, func(a, b Server) int {
		return cmp.Or(
			cmp.Compare(weight(a.Kind), weight(b.Kind)),
			cmp.Compare(strings.Count(a.Path, "/"), strings.Count(b.Path, "/")),
			cmp.Compare(rank(a), rank(b)),
		)
	})
	return servers
}

// weight puts what a framework vouches for before what only looks so.
func weight(k Kind) int {
	if k == Script {
		return 1
	}
	return 0
}

func serverOf(name, text string) (Server, bool) {
	if app := firstGroup(asgiApp, text); app != "" {
		return Server{ASGI, name, app}, true
	}
	if app := firstGroup(wsgiApp, text); app != "" {
		return Server{WSGI, name, app}, true
	}
	imports := imported.FindAllStringSubmatch(text, -1)
	uses := func(module string) bool {
		return slices.ContainsFunc(imports, func(m []string) bool { return m[1] == module })
	}
	switch {
	case uses("gradio") && strings.Contains(text, ".launch("):
		return Server{Kind: Gradio, Path: name}, true
	case uses("streamlit"):
		return Server{Kind: Streamlit, Path: name}, true
	case listens.MatchString(text):
		return Server{Kind: Script, Path: name}, true
	}
	return Server{}, false
}
