package rule

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/cel-go/cel"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/plain"
)

const (
	maxMessage = 400 // characters of an error's message
	maxSnippet = 100 // characters of a line that Source shows
)

const advice = `operators are && || ! == != < <= > >= + - * / and a ? b : c; a number with a unit is written quantity("100ms") or quantity("10%")`

// Error is what is wrong with a rule's text, and where.
type Error struct {
	Line    int    // from 1
	Column  int    // from 1, in characters
	Message string // what was found and what was expected; one line, printable

	line string // the text of the line
}

// Error returns line L, column C: message. It is one line.
func (e *Error) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
}

// Source returns the line that is wrong and, below it, a caret under the place.
func (e *Error) Source() string {
	runes := []rune(plain.Text(strings.TrimRight(e.line, " \t\r")))
	caret, from := min(e.Column-1, len(runes)), 0
	if len(runes) > maxSnippet {
		from = min(max(0, caret-maxSnippet/2), len(runes)-maxSnippet)
		runes = runes[from : from+maxSnippet]
	}
	return string(runes) + "\n" + strings.Repeat(" ", caret-from) + "^"
}

// newError places message in text. Line counts from 1, column from 0.
func newError(text string, line, column int, message string) *Error {
	lines := strings.Split(text, "\n")
	line = min(max(line, 1), len(lines))
	e := &Error{Line: line, Column: max(column, 0) + 1, line: lines[line-1]}
	return e.with(message)
}

// with returns a copy of e that says message.
func (e *Error) with(message string) *Error {
	runes := []rune(plain.Text(message))
	if len(runes) > maxMessage {
		runes = append(runes[:maxMessage], '…')
	}
	return &Error{Line: e.Line, Column: e.Column, Message: string(runes), line: e.line}
}

// wrap returns a copy of e that says what err does, with its hints.
func (e *Error) wrap(err error) error {
	var result error = e.with(err.Error())
	for _, advice := range slices.Backward(hint.Of(err)) {
		result = hint.Wrap(result, advice)
	}
	return result
}

// bounded refuses text that is not worth parsing.
func bounded(text string) error {
	switch {
	case len(text) > maxText:
		return newError("", 1, 0, fmt.Sprintf("the rule has %d bytes; at most %d are read", len(text), maxText))
	case !utf8.ValidString(text):
		return newError("", 1, 0, "the rule is not UTF-8 text")
	case strings.TrimSpace(text) == "":
		return newError("", 1, 0, "the rule is empty; expected an expression such as metrics.accuracy >= 0.95")
	}
	return nil
}

// syntaxError returns the first of the parser's errors, in words that need no
// knowledge of its grammar.
func syntaxError(text string, errs []*cel.Error) error {
	first := slices.MinFunc(errs, func(a, b *cel.Error) int {
		return cmp.Or(cmp.Compare(a.Location.Line(), b.Location.Line()), cmp.Compare(a.Location.Column(), b.Location.Column()))
	})
	line, column := first.Location.Line(), first.Location.Column()
	switch message := first.Message; {
	case strings.Contains(message, "recursion"):
		return newError(text, 1, 0, fmt.Sprintf("the rule nests, or chains + - * /, more than %d deep", maxDepth))
	case strings.Contains(message, "error recovery"):
		return hint.Wrap(newError(text, 1, 0, "the rule cannot be read"), advice)
	case strings.HasSuffix(message, "literal"):
		return newError(text, line, column, "this constant cannot be read; expected a number such as 0.95")
	case !strings.HasPrefix(message, "Syntax error"):
		return hint.Wrap(newError(text, line, column, message), advice)
	}
	err := newError(text, line, column, "unexpected end of the line")
	if word := wordAt(err.line, column); word != "" {
		err.Message = fmt.Sprintf("unexpected %q", word)
	}
	return hint.Wrap(err, advice)
}

// wordAt returns the word, or else the sign, that stands at a column; nothing
// at the line's end.
func wordAt(line string, column int) string {
	runes := []rune(line)
	if column < 0 || column >= len(runes) {
		return ""
	}
	end := column
	for end < len(runes) && end-column < maxSnippet/2 &&
		(unicode.IsLetter(runes[end]) || unicode.IsDigit(runes[end]) || runes[end] == '_') {
		end++
	}
	return string(runes[column:max(end, column+1)])
}
