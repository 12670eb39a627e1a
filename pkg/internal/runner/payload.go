package runner

import (
	"fmt"
	"slices"
	"strings"
)

// mark stands in whatever a payload would bring about.
const mark = "pwned"

// Payloads are texts that a stranger may choose, each of which would be a
// command, an output, a variable or the end of a mask where a program takes no
// care. What they would bring about names pwned.
func Payloads() []string {
	var all []string
	for _, start := range []string{
		"", "\n", "\r", "\r\n", "x\n", "x\r", "\n \t", " ", "\t", "\u2028", "\u2029", "\u0085", "\v", "\f", "\u00a0", "\u3000",
		"\ufeff", "\u200b", "\x00", "\x1b[31m", "\x1b[2K\r", "\x1b]0;x\a", "\x1b", "\b\b", "%0A", "%0D%0A", "]\n", ",\n",
	} {
		all = append(all, start+"::set-output name=pwned::pwned")
	}
	return append(all,
		"##[set-output name=pwned]pwned",
		"x ##[add-mask]pwned",
		"\ufeff##[set-output name=pwned]pwned",
		"\n::add-mask::pwned",
		"\n::stop-commands::pwned",
		"\n::error file=pwned,line=1::pwned",
		"\n::SET-OUTPUT name=pwned::pwned",
		"\n::save-state name=pwned::pwned",
		"\n::set-env name=pwned::pwned",
		"\n::add-path::/pwned",
		"\n::add-matcher::/pwned.json",
		"\n::group::pwned",
		"\n::endgroup::pwned",
		"\n::echo::on pwned",
		"::::set-output name=pwned::pwned",
		":\n::set-output name=pwned::pwned",
		"x\npwned=pwned\npwned<<E\npwned\nE",
		"EOF\npwned=pwned",
		"_GitHubActionsFileCommandDelimeter_\npwned=pwned",
		"title=x,file=pwned::pwned",
		"x,file=pwned,line=1",
		"x::pwned\n::set-output name=pwned::pwned",
	)
}

// Injected lists all that a payload brought about in a step that should set no
// other outputs, and hide no other secrets, than those named.
func (r Result) Injected(outputs, masks []string) []string {
	var found []string
	note := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	for name := range r.Outputs {
		if !slices.Contains(outputs, name) {
			note("output %q", name)
		}
	}
	for name := range r.Env {
		note("variable %q", name)
	}
	for name := range r.State {
		note("state %q", name)
	}
	for _, path := range r.Path {
		note("path %q", path)
	}
	for _, mask := range r.Masks {
		if !slices.Contains(masks, mask) {
			note("mask %q", mask)
		}
	}
	for _, c := range r.Commands {
		switch c.Name {
		case "add-mask":
		case "error", "warning", "notice":
			if strings.HasPrefix(c.Data, mark) || c.Properties["file"] == mark {
				note("annotation %q", c.Line)
			}
		case "group", "endgroup":
			if strings.Contains(c.Data, mark) {
				note("group %q", c.Line)
			}
		default:
			note("command %q", c.Line)
		}
	}
	for _, problem := range r.Errors {
		note("error of the runner: %s", problem)
	}
	return found
}
