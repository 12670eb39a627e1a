package runner

import (
	"bufio"
	"strings"
	"unicode"
)

// Command is a workflow command that was taken from the log.
type Command struct {
	Name       string // in small letters
	Properties map[string]string
	Data       string
	Line       string // as it was written
}

// known are the commands that the runner has registered.
func known(name string) bool {
	switch strings.ToLower(name) {
	case "stop-commands", "add-mask", "add-matcher", "remove-matcher", "debug", "notice", "warning", "error",
		"group", "endgroup", "echo", "set-env", "set-output", "save-state", "add-path":
		return true
	}
	return false
}

// parse reads a line in the style of today, or else in the one before it.
// Resume is the token that ends a pause, "" outside of one.
func parse(line, resume string) (Command, bool) {
	c, ok := today(line, resume)
	if !ok {
		c, ok = before(line, resume)
	}
	c.Line = line
	return c, ok
}

func registered(name, resume string) bool {
	return known(name) || resume != "" && strings.EqualFold(name, resume)
}

// ignorable is what a comparison by the rules of a language does not see.
func ignorable(r rune) bool {
	return unicode.IsSpace(r) || unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r)
}

// today reads ::name key=value,key=value::data.
func today(line, resume string) (c Command, ok bool) {
	rest, ok := strings.CutPrefix(strings.TrimLeftFunc(line, ignorable), "::")
	if !ok {
		return c, false
	}
	info, text, ok := strings.Cut(rest, "::")
	if !ok {
		return c, false
	}
	name, properties, _ := strings.Cut(info, " ")
	if !registered(name, resume) {
		return c, false
	}
	return Command{
		Name: strings.ToLower(name), Data: unescape(text, "%0D", "\r", "%0A", "\n", "%25", "%"),
		Properties: fields(strings.TrimSpace(properties), ",", "%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",", "%25", "%"),
	}, true
}

// before reads ##[name key=value;key=value]data, wherever it stands.
func before(line, resume string) (c Command, ok bool) {
	_, rest, ok := strings.Cut(line, "##[")
	if !ok {
		return c, false
	}
	info, text, ok := strings.Cut(rest, "]")
	if !ok {
		return c, false
	}
	name, properties, _ := strings.Cut(info, " ")
	if !registered(name, resume) {
		return c, false
	}
	escapes := []string{"%3B", ";", "%0D", "\r", "%0A", "\n", "%5D", "]", "%25", "%"}
	return Command{Name: strings.ToLower(name), Data: unescape(text, escapes...), Properties: fields(properties, ";", escapes...)}, true
}

func fields(text, separator string, escapes ...string) map[string]string {
	all := make(map[string]string)
	for _, part := range strings.Split(text, separator) {
		key, value, ok := strings.Cut(part, "=")
		if ok && key != "" && value != "" {
			all[key] = unescape(value, escapes...)
		}
	}
	return all
}

// unescape replaces one after the other, as the runner does.
func unescape(text string, pairs ...string) string {
	for i := 0; i < len(pairs); i += 2 {
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

// split finds lines as .NET's readers do: LF, CR and both end one. It is a bufio.SplitFunc.
func split(data []byte, atEOF bool) (advance int, token []byte, err error) {
	for i, b := range data {
		switch {
		case b == '\n':
			return i + 1, data[:i], nil
		case b == '\r' && i+1 < len(data) && data[i+1] == '\n':
			return i + 2, data[:i], nil
		case b == '\r' && (i+1 < len(data) || atEOF):
			return i + 1, data[:i], nil
		}
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

// Commands are those that the runner would take from a whole log.
func Commands(log string) (all []Command) {
	lines := bufio.NewScanner(strings.NewReader(log))
	lines.Buffer(nil, max(maxLine, len(log)+1))
	lines.Split(split)
	for lines.Scan() {
		if c, ok := parse(lines.Text(), ""); ok {
			all = append(all, c)
		}
	}
	return all
}
