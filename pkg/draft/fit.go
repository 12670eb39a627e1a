package draft

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-containerregistry/pkg/name"
)

// fit leaves out what a config cannot say: paths that lead out of the project,
// that hold what it would expand, or that nobody could type.
func (c *choice) fit() {
	for _, puts := range []*[]put{&c.app, &c.models} {
		*puts = slices.DeleteFunc(*puts, func(p put) bool {
			if inside(p.from) && strings.HasPrefix(p.to, "/") && inside(strings.Trim(p.to, "/")+"/x") {
				return false
			}
			c.todo = append(c.todo, "rename "+line(p.from)+", or add it by hand: no config can name it as it is")
			return true
		})
	}
	c.reports = slices.DeleteFunc(c.reports, func(name string) bool { return !inside(name) || strings.ContainsAny(name, `*?[]{}\`) })
	if !regexp.MustCompile(`^/[A-Za-z0-9._/-]+$`).MatchString(c.workdir) || slices.Contains(strings.Split(c.workdir, "/"), "..") {
		c.workdir = ""
	}
	c.env = slices.DeleteFunc(c.env, func(p pair) bool { return strings.Contains(p.value, "${") || !printable(p.value) })
	c.ports = slices.DeleteFunc(c.ports, func(p string) bool { return !port.MatchString(p) })
	for _, words := range []*[]string{&c.command, &c.entry} {
		if slices.ContainsFunc(*words, func(w string) bool { return w == "" || !printable(w) }) {
			*words = nil
		}
	}
	if !printable(c.shell) {
		c.shell = ""
	}
}

var port = regexp.MustCompile(`^([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3})(/(tcp|udp|sctp))?$`)

// inside reports whether a config can name a path of the project.
func inside(name string) bool {
	return name != "" && !path.IsAbs(name) && !slices.Contains(strings.Split(name, "/"), "..") && !strings.Contains(name, "${") && printable(name)
}

func printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

// isReference reports whether a base can be written so.
func isReference(base string) bool {
	_, err := name.ParseReference(base)
	return base == "scratch" || err == nil && !strings.Contains(base, "$")
}
