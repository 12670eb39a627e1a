package config

import (
	"fmt"
	"strings"

	"github.com/org/ai-ship/pkg/plain"
)

const (
	maxShown   = 50  // errors that Errors.Error prints in full
	maxSnippet = 100 // characters of a source line that an error shows
	maxMessage = 500 // characters of a path, a message or a hint
	maxQuoted  = 80  // characters of a value in a message
)

// Error is one thing wrong with a config file.
type Error struct {
	File    string // as passed to Parse
	Line    int    // from 1
	Column  int    // from 1, in characters
	Path    string // the key it is about, such as gates.metrics[0].max; empty for the whole file
	Message string // what was found and what was expected
	Hint    string // what to do about it; may be empty

	snippet string // the source line, printable; empty after the errors that Errors.Error shows
	caret   int    // characters of the snippet before the place
}

// Error returns file:line:column: path: message, then the source line with a
// caret under the place, then the hint.
func (e Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: ", e.File, e.Line, e.Column)
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	b.WriteString(e.Message)
	if e.snippet != "" {
		number := fmt.Sprint(e.Line)
		fmt.Fprintf(&b, "\n%s | %s", number, e.snippet)
		fmt.Fprintf(&b, "\n%*s | %*s^", len(number), "", e.caret, "")
	}
	if e.Hint != "" {
		b.WriteString("\n  hint: " + e.Hint)
	}
	return b.String()
}

// Errors is everything wrong with a config file, sorted by position.
type Errors []Error

// Error prints the first 50 errors in full, then how many more there are.
func (e Errors) Error() string {
	shown := e[:min(len(e), maxShown)]
	parts := make([]string, 0, len(shown)+1)
	for _, err := range shown {
		parts = append(parts, err.Error())
	}
	if more := len(e) - len(shown); more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, "\n")
}

// Unwrap returns each Error, for errors.As.
func (e Errors) Unwrap() []error {
	errs := make([]error, len(e))
	for i, err := range e {
		errs[i] = err
	}
	return errs
}

// snippet returns a printable window of line that holds column (from 1), and
// how many characters stand before the column.
func snippet(line string, column int) (string, int) {
	runes := []rune(plain.Text(strings.TrimRight(line, " \t\r")))
	caret := min(column-1, len(runes))
	if len(runes) <= maxSnippet {
		return string(runes), caret
	}
	from := min(max(0, caret-maxSnippet/2), len(runes)-maxSnippet)
	return string(runes[from : from+maxSnippet]), caret - from
}

// printable returns s for an error: without controls and not too long.
func printable(s string) string { return plain.Text(shorten(s, maxMessage)) }

// clip shortens a value that a message quotes.
func clip(s string) string { return shorten(s, maxQuoted) }

// shorten cuts s after most characters.
func shorten(s string, most int) string {
	n := 0
	for i := range s {
		if n == most {
			return s[:i] + "…"
		}
		n++
	}
	return s
}
