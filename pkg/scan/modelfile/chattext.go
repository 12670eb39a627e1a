package modelfile

import (
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// folded is a name as Python reads it: letters that look alike are one (NFKC).
func folded(name string) string { return norm.NFKC.String(name) }

// unescaped is the value of a text of Python's syntax, without its quotes.
func unescaped(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		digits, base := escapeDigits(s[i])
		if base == 8 {
			i--
		}
		switch c := s[i]; {
		case digits > 0:
		case c == 'n':
			b.WriteByte('\n')
			continue
		case c == 'N': // \N{LOW LINE}; every other name counts as one too
			if end := strings.IndexByte(s[i:], '}'); end > 0 {
				i += end
			}
			b.WriteByte('_')
			continue
		case c == '\n':
			continue
		default:
			b.WriteByte(s[i])
			continue
		}
		n := 0
		for n < digits && i+1+n < len(s) && isDigit(s[i+1+n], base) {
			n++
		}
		if v, err := strconv.ParseUint(s[i+1:i+1+n], base, 32); err == nil {
			b.WriteRune(rune(v)) //nolint:gosec // an invalid one becomes U+FFFD
		}
		i += n
	}
	return b.String()
}

// escapeDigits is how many digits follow a backslash and c, and their base; 0 for none.
// An octal number begins with c itself.
func escapeDigits(c byte) (digits, base int) {
	switch {
	case c == 'x':
		return 2, 16
	case c == 'u':
		return 4, 16
	case c == 'U':
		return 8, 16
	case isDigit(c, 8):
		return 3, 8
	}
	return 0, 0
}

// isDigit reports whether c is a digit of base 8 or 16.
func isDigit(c byte, base int) bool {
	if base == 8 {
		return c >= '0' && c <= '7'
	}
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
