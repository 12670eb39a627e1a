package plain_test

import (
	"testing"
	"unicode"

	"github.com/org/ai-ship/pkg/plain"
)

func TestText(t *testing.T) {
	for text, want := range map[string]string{
		"":                    "",
		"weights ümlaut 重み":   "weights ümlaut 重み",
		"a\tb\nc\r\u2028d":    "a b c  d",
		"\x1b[2Jgone\x00":     "\uFFFD[2Jgone\uFFFD",
		"\u202Eright-to-left": "\uFFFDright-to-left",
		"bad \xff byte":       "bad \uFFFD byte",
	} {
		if got := plain.Text(text); got != want {
			t.Errorf("Text(%q) = %q, want %q", text, got, want)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("\x1b]8;;x\x07")
	f.Fuzz(func(t *testing.T, text string) {
		for _, r := range plain.Text(text) {
			if r != ' ' && !unicode.IsPrint(r) && r != unicode.ReplacementChar {
				t.Errorf("Text(%q) holds %U", text, r)
			}
		}
	})
}
