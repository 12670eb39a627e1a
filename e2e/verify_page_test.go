//go:build linux

package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// passage is a block of commands in docs/verify.md with the comment above it,
// which says what is done with it: <!-- ci: PROGRAM KIND… -->.
type passage struct {
	line     int    // of the comment
	does     string // ci, fails, sign or mirror
	program  string // ai-ship, cosign2 or cosign3
	kinds    []string
	commands []string
	prints   []string // lines of the block below <!-- prints -->, with … for anything
}

var marker = regexp.MustCompile(`^<!-- (\w+)(?:: (\S+) (.+))? -->$`)

// page reads the marked blocks of docs/verify.md. Two comments make a block two
// passages.
func page(t *testing.T) []*passage {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(shared.repo, "docs", "verify.md"))
	if err != nil {
		t.Fatal(err)
	}
	var all, pending []*passage
	lines := strings.Split(string(text), "\n")
	for i := 0; i < len(lines); i++ {
		found := marker.FindStringSubmatch(lines[i])
		if found == nil {
			continue
		}
		if found[1] != "prints" {
			pending = append(pending, &passage{line: i + 1, does: found[1], program: found[2], kinds: strings.Fields(found[3])})
			if marker.MatchString(lines[i+1]) {
				continue
			}
		}
		if !strings.HasPrefix(lines[i+1], "```") {
			t.Fatalf("docs/verify.md:%d: no block follows", i+1)
		}
		end := i + 2 + slices.Index(lines[i+2:], "```")
		block := lines[i+2 : end]
		if found[1] == "prints" {
			all[len(all)-1].prints = block
		} else {
			for _, p := range pending {
				p.commands = logical(block)
			}
			all, pending = append(all, pending...), nil
		}
		i = end
	}
	return all
}

// logical are the lines of a shell's text, with those put together that end
// with a backslash.
func logical(lines []string) []string {
	return strings.Split(strings.ReplaceAll(strings.Join(lines, "\n"), "\\\n", ""), "\n")
}

// checks are the commands that verify, each with those before it that prepare.
func (p *passage) checks() []string {
	var all []string
	var before string
	for _, c := range p.commands {
		if strings.HasPrefix(c, "cosign verify") || strings.HasPrefix(c, "ai-ship verify") {
			all = append(all, before+c)
		} else {
			before += c + "\n"
		}
	}
	return all
}

// printed fails the test unless the lines are in the output, in their order.
func (p *passage) printed(t *testing.T, out string) {
	t.Helper()
	rest := strings.Split(out, "\n")
	for _, want := range p.prints {
		parts := strings.Split(strings.Join(strings.Fields(want), " "), "…")
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		line := regexp.MustCompile("^" + strings.Join(parts, ".*") + "$")
		at := slices.IndexFunc(rest, func(s string) bool { return line.MatchString(strings.Join(strings.Fields(s), " ")) })
		if at < 0 {
			t.Errorf("docs/verify.md:%d: %q is not in what %s printed:\n%s", p.line, want, p.program, out)
			return
		}
		rest = rest[at+1:]
	}
}
