package report

import (
	"regexp"
	"strings"

	"github.com/org/ai-ship/pkg/plain"
)

// maxText bounds one piece of untrusted text in runes. Whole values stand in
// the JSON document.
const maxText = 500

// maxSentence bounds a gate's reason, which lists what was found and ends in
// what would have passed.
const maxSentence = 2000

// maxRead bounds how much of it is looked at, in bytes.
const maxRead = 16 << 10

// clean makes text one line that is safe to print: no control or invisible
// characters (they move the cursor, or turn the reading order), and nothing
// that GitHub's runner takes for a command: it reads :: at a line's start and
// ##[ anywhere.
func clean(text string) string { return cleanTo(text, maxText) }

// cleanTo is clean for a text of at most limit runes.
func cleanTo(text string, limit int) string {
	text = strings.Join(strings.Fields(printable(text)), " ")
	return cut(defuse(cut(text, limit)), limit)
}

// cleanLines is clean for text whose lines and columns matter, such as a
// caret below a line of a file. It returns at most limit lines and
// an ellipsis.
func cleanLines(text string, limit int) []string {
	lines := strings.SplitN(strings.TrimRight(text, "\r\n"), "\n", limit+1)
	if len(lines) > limit {
		lines[limit] = "…"
	}
	for i, line := range lines {
		lines[i] = cut(defuse(cut(strings.TrimRight(printable(line), " "), maxText)), maxText)
	}
	return lines
}

func printable(text string) string {
	return plain.Text(text[:min(len(text), maxRead)])
}

// defuse keeps pytest's file.py::test as it is: a command starts a line, and
// a line starts at a word.
func defuse(text string) string {
	text = strings.ReplaceAll(text, "##[", "## [")
	for strings.HasPrefix(text, "::") || strings.Contains(text, " ::") {
		text = strings.ReplaceAll(text, " ::", " : :")
		if rest, ok := strings.CutPrefix(text, "::"); ok {
			text = ": :" + rest
		}
	}
	return text
}

// reference matches what GitHub would take for an issue. It looks at the rendered
// text, where no backslash is left.
var reference = regexp.MustCompile(`(\\#|\b(?i:gh)-)([0-9])`)

// mention matches an @ that GitHub would take for somebody's name.
var mention = regexp.MustCompile(`(^|[^0-9A-Za-z_])@`)

// literal writes what Markdown would read as markup so that it is read as text.
var literal = strings.NewReplacer( //nolint:gochecknoglobals // immutable, and costly to make
	"&", "&amp;", "<", "&lt;", ">", "&gt;", "|", "&#124;", "`", "&#96;",
	"://", "&#58;//", "::", "&#58;&#58;", "www.", "www&#46;",
	`\`, `\\`, "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "~", `\~`, "$", `\$`, "#", `\#`, "!", `\!`,
)

// escape makes untrusted text literal in GitHub's and GitLab's Markdown, table
// cells included. It is for text within a line; the caller writes what stands
// before it.
func escape(text string) string { return markup(clean(text)) }

// markup is escape for text that is clean.
func markup(text string) string {
	text = literal.Replace(text)
	// A colon at either end would make :: with one of the caller's.
	if rest, ok := strings.CutPrefix(text, ":"); ok {
		text = "&#58;" + rest
	}
	if rest, ok := strings.CutSuffix(text, ":"); ok {
		text = rest + "&#58;"
	}
	// An empty comment keeps the sign and breaks the mention.
	text = mention.ReplaceAllString(text, "${1}@<!-- -->")
	return reference.ReplaceAllString(text, "${1}<!-- -->${2}")
}

// plainCode is what may stand in a code span as it is; short digests end in …
var plainCode = regexp.MustCompile(`^[0-9A-Za-z./@+=,_-]+(:[0-9A-Za-z./@+=,_-]+)*…?$`)

// code is a code span for references, digests and paths, and escaped text for
// what does not look like one.
func code(text string) string {
	if text == "" {
		return ""
	}
	if len(text) > maxText || !plainCode.MatchString(text) {
		return escape(text)
	}
	return "`" + text + "`"
}
