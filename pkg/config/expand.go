package config

import (
	"fmt"
	"regexp"
	"strings"
)

// maxExpanded bounds a value after expansion, in bytes: a short file that
// names one long variable many times must not fill the memory.
const maxExpanded = 64 << 10

var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// expand replaces ${NAME} and ${NAME:-default} by what getenv says, and $$ by
// a dollar. Any other dollar stays as it is. An empty variable counts as
// unset. The message is empty unless s cannot be expanded.
func expand(s string, getenv func(string) string) (expanded, message, hint string) {
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(s, "$")
		b.WriteString(before)
		switch {
		case b.Len() > maxExpanded:
			return "", fmt.Sprintf("the value is longer than %d bytes", maxExpanded), ""
		case !ok:
			return b.String(), "", ""
		case strings.HasPrefix(after, "$"):
			b.WriteByte('$')
			s = after[1:]
			continue
		case !strings.HasPrefix(after, "{"):
			b.WriteByte('$')
			s = after
			continue
		}
		reference, rest, closed := strings.Cut(after[1:], "}")
		name, fallback, hasDefault := strings.Cut(reference, ":-")
		switch {
		case !closed:
			return "", "${ without a closing }", "write $$ for a literal dollar"
		case !variable.MatchString(name):
			return "", fmt.Sprintf("expected ${NAME} or ${NAME:-default}, found %q", clip("${"+reference+"}")), "write $$ for a literal dollar"
		case strings.Contains(fallback, "${"):
			return "", fmt.Sprintf("the default of ${%s} names another variable", name), "write the default out"
		}
		value := getenv(name)
		switch {
		case value == "" && !hasDefault:
			return "", fmt.Sprintf("environment variable %s is not set", name), fmt.Sprintf("set it, or write ${%s:-default}", name)
		case value == "":
			value = fallback
		}
		b.WriteString(value)
		s = rest
	}
}
