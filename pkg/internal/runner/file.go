package runner

import (
	"fmt"
	"os"
	"strings"
)

// maxSummary is the size in bytes above which the runner shows no summary.
const maxSummary = 1 << 20

// pairs reads a file of names and values: GITHUB_OUTPUT, GITHUB_ENV or GITHUB_STATE.
func pairs(file string) (map[string]string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	all := make(map[string]string)
	rest := string(data)
	for rest != "" {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		if line == "" {
			continue
		}
		equals, here := strings.Index(line, "="), strings.Index(line, "<<")
		switch {
		case equals >= 0 && (here < 0 || equals < here):
			if equals == 0 {
				return nil, fmt.Errorf("invalid format %q: the name is empty", line)
			}
			all[line[:equals]] = line[equals+1:]
		case here >= 0:
			name, delimiter := line[:here], line[here+2:]
			if name == "" || delimiter == "" {
				return nil, fmt.Errorf("invalid format %q: name or delimiter is empty", line)
			}
			value, after, err := heredoc(rest, delimiter)
			if err != nil {
				return nil, err
			}
			all[name], rest = value, after
		default:
			return nil, fmt.Errorf("invalid format %q", line)
		}
	}
	return all, nil
}

// heredoc reads lines up to one that is the delimiter.
func heredoc(text, delimiter string) (value, rest string, err error) {
	var lines []string
	for rest = text; ; {
		line, after, ended := strings.Cut(rest, "\n")
		switch {
		case line == delimiter:
			return strings.Join(lines, "\n"), after, nil
		case !ended && line != "":
			return "", "", fmt.Errorf("marker %q is missing a new line", delimiter)
		case !ended:
			return "", "", fmt.Errorf("matching delimiter not found %q", delimiter)
		}
		lines, rest = append(lines, line), after
	}
}

// paths reads GITHUB_PATH.
func paths(file string) ([]string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return strings.FieldsFunc(string(data), func(r rune) bool { return r == '\n' || r == '\r' }), nil
}
