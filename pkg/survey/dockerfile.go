package survey

import (
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// Dockerfile is what the last stage of a Dockerfile says about the image that
// runs.
type Dockerfile struct {
	From       string // image, with the arguments' defaults in it; "" where it cannot be known
	Workdir    string // "" where it is the base's
	Command    []string
	Entrypoint []string
	Ports      []string
	Env        map[string]string
	Copies     []Copy
	Runs       int // RUN instructions, which only a Docker build executes
}

// Copy is a COPY from the project.
type Copy struct{ From, To string }

var (
	argument = regexp.MustCompile(`\$\{?(\w+)(?::-([^}]*))?\}?`)
	portable = regexp.MustCompile(`^[0-9]{1,5}(/(tcp|udp|sctp))?$`)
)

// dockerfile reads the project's Dockerfile.
func (l *looker) dockerfile() *Dockerfile {
	text := l.text("Dockerfile")
	if text == "" {
		return nil
	}
	parsed, err := parser.Parse(strings.NewReader(text))
	if err != nil {
		l.leave("Dockerfile cannot be parsed: %v", err)
		return nil
	}
	r := stages{arguments: map[string]string{}, named: map[string]*Dockerfile{}}
	for _, n := range parsed.AST.Children {
		r.instruction(strings.ToUpper(n.Value), words(n), n)
	}
	return r.last
}

// stages reads a Dockerfile from top to bottom.
type stages struct {
	arguments map[string]string
	named     map[string]*Dockerfile
	last      *Dockerfile
}

// words are an instruction's arguments.
func words(n *parser.Node) []string {
	var list []string
	for w := n.Next; w != nil; w = w.Next {
		list = append(list, w.Value)
	}
	return list
}

func (s *stages) instruction(name string, args []string, n *parser.Node) {
	if len(args) == 0 {
		return
	}
	switch d := s.last; {
	case name == "ARG":
		for _, a := range args {
			key, value, _ := strings.Cut(a, "=")
			s.arguments[key] = s.fill(strings.Trim(value, `"'`))
		}
	case name == "FROM":
		s.from(args)
	case d == nil:
	case name == "WORKDIR":
		d.Workdir = path.Join("/", d.Workdir, s.fill(args[0]))
		if strings.HasPrefix(args[0], "/") {
			d.Workdir = path.Clean(s.fill(args[0]))
		}
	case name == "CMD":
		d.Command = command(args, n)
	case name == "ENTRYPOINT":
		d.Entrypoint, d.Command = command(args, n), nil
	case name == "RUN":
		d.Runs++
	case name == "EXPOSE":
		for _, p := range args {
			if p = s.fill(p); portable.MatchString(p) {
				d.Ports = append(d.Ports, strings.TrimSuffix(p, "/tcp"))
			}
		}
	case name == "ENV":
		for i := 0; i+1 < len(args); i += 3 { // name, value, separator
			d.Env[args[i]] = s.fill(strings.Trim(args[i+1], `"'`))
		}
	case name == "COPY", name == "ADD":
		d.copies(args, n.Flags)
	}
}

// from begins a stage, perhaps on one before.
func (s *stages) from(args []string) {
	image := s.fill(args[0])
	d := &Dockerfile{From: image, Env: map[string]string{}}
	if base := s.named[image]; base != nil {
		*d = *base
		d.Ports, d.Copies = slices.Clone(base.Ports), slices.Clone(base.Copies)
	}
	if strings.Contains(image, "$") {
		d.From = ""
	}
	if len(args) == 3 && strings.EqualFold(args[1], "as") {
		s.named[args[2]] = d
	}
	s.last = d
}

func (s *stages) fill(text string) string {
	return argument.ReplaceAllStringFunc(text, func(whole string) string {
		m := argument.FindStringSubmatch(whole)
		if value := s.arguments[m[1]]; value != "" {
			return value
		}
		if m[2] != "" {
			return m[2]
		}
		return whole
	})
}

// command is an argument vector; the shell's form is for a shell.
func command(args []string, n *parser.Node) []string {
	if n.Attributes["json"] {
		return args
	}
	return []string{"/bin/sh", "-c", strings.Join(args, " ")}
}

// copies keeps what comes from the project.
func (d *Dockerfile) copies(args, flags []string) {
	if slices.ContainsFunc(flags, func(f string) bool { return strings.HasPrefix(f, "--from") }) {
		return
	}
	if len(args) == 1 { // the JSON form
		var list []string
		if json.Unmarshal([]byte(args[0]), &list) == nil {
			args = list
		}
	}
	if len(args) < 2 {
		return
	}
	to := args[len(args)-1]
	if !strings.HasPrefix(to, "/") {
		to = path.Join("/", d.Workdir, to)
		if strings.HasSuffix(args[len(args)-1], "/") || args[len(args)-1] == "." {
			to += "/"
		}
	}
	for _, from := range args[:len(args)-1] {
		d.Copies = append(d.Copies, Copy{From: path.Clean(strings.TrimPrefix(from, "/")), To: to})
	}
}
