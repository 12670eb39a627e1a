// Package plain makes untrusted text safe to print on a line: names of files,
// tests and layers may hold characters that move the cursor or turn the
// reading order.
package plain

import (
	"strings"
	"unicode"
)

// Text is text with every kind of white space as a blank and every control or
// invisible character as U+FFFD. Columns stay where they are.
func Text(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
