package modelfile

import (
	"regexp"
	"strings"

	"github.com/org/ai-ship/pkg/scan"
)

const (
	maxTemplate = 1 << 20 // bytes; real ones have some thousand
	maxJoined   = 256     // bytes of texts that stand together
)

// template looks at a chat template, which is a program in Jinja that runs when
// a conversation is formatted, outside of a sandbox in some loaders
// (CVE-2024-34359 in llama-cpp-python, CVE-2026-5760 in SGLang). offset is where
// the text starts in the content.
//
// Only what stands in {{ }} and {% %} counts. An attribute of Python's machinery
// is found by its underscores wherever it stands, in a text too, for [ ] and |attr
// take it from there; so is one that is put together from pieces or escapes.
func template(in *input, text string, offset int64) {
	if len(text) > maxTemplate {
		in.unscanned("a chat template of %d bytes, the limit is %d", len(text), maxTemplate)
		text = text[:maxTemplate]
	}
	t := &jinja{in: in, text: text, offset: offset, flow: flow{
		macros: map[string][]string{}, texts: map[string]bool{}, computed: map[string]bool{},
	}}
	for t.block() {
	}
	t.flow.judge(t)
}

// jinja is a template that is read block by block.
type jinja struct {
	in     *input
	text   string
	i      int
	offset int64
	flow   flow
}

// word is a token of Jinja: a name, a text (its value), or a sign.
type word struct {
	kind byte // 'n', 't', '0' for a number, or the sign
	text string
	at   int
}

func (t *jinja) risk(at int, severity scan.Severity, calls, why string) {
	off := int64(-1)
	if t.offset >= 0 {
		off = t.offset + int64(at)
	}
	t.in.risk(Risk{
		Rule: "chat-template", Severity: severity, Offset: off, Calls: calls, Why: why,
		Convert: "Ship the chat template of the model's publisher, or one without this expression.",
	})
}

// block goes to the next {{ or {% and looks at what is in it; false at the end.
func (t *jinja) block() bool {
	for {
		n := strings.IndexByte(t.text[t.i:], '{')
		if n < 0 || t.i+n+1 >= len(t.text) {
			return false
		}
		t.i += n + 2
		switch t.text[t.i-1] {
		case '#':
			end := strings.Index(t.text[t.i:], "#}")
			if end < 0 {
				t.in.unscanned("a chat template whose comment has no end")
				return false
			}
			t.i += end + 2
		case '{', '%':
			all := t.words(t.text[t.i-1])
			t.judge(all)
			t.flow.note(all)
			t.raw(all)
			return t.in.spend(1)
		default:
			t.i--
		}
	}
}

// words reads the tokens up to the block's end.
func (t *jinja) words(open byte) []word {
	end := "}}"
	if open == '%' {
		end = "%}"
	}
	const most = 100_000
	var all []word
	depth := 0
	for t.i < len(t.text) && len(all) < most {
		c := t.text[t.i]
		at := t.i
		switch {
		case depth == 0 && strings.HasPrefix(t.text[t.i:], end):
			t.i += 2
			return all
		case c == '"' || c == '\'':
			all = append(all, word{'t', t.quoted(c), at})
			continue
		case isNameByte(c):
			for t.i < len(t.text) && isNameByte(t.text[t.i]) {
				t.i++
			}
			kind := byte('n')
			if c >= '0' && c <= '9' {
				kind = '0'
			}
			all = append(all, word{kind, folded(t.text[at:t.i]), at})
			continue
		case c == '{' || c == '(' || c == '[':
			depth++
		case (c == '}' || c == ')' || c == ']') && depth > 0:
			depth--
		}
		if t.i++; c > ' ' {
			all = append(all, word{c, "", at})
		}
	}
	if len(all) == most || t.i >= len(t.text) {
		t.in.unscanned("a chat template whose block has no end")
	}
	return all
}

// isNameByte counts every byte beyond ASCII: Jinja, like Python, takes letters
// of all scripts.
func isNameByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// quoted reads a text and resolves its escapes.
func (t *jinja) quoted(quote byte) string {
	start := t.i + 1
	for t.i++; t.i < len(t.text); t.i++ {
		switch t.text[t.i] {
		case '\\':
			t.i++
		case quote:
			t.i++
			return unescaped(t.text[start : t.i-1])
		}
	}
	t.i = len(t.text)
	return unescaped(t.text[start:])
}

// around are the words beside the one at i; none is the zero word.
func around(all []word, i int) (before, after word) {
	if i > 0 {
		before = all[i-1]
	}
	if i+1 < len(all) {
		after = all[i+1]
	}
	return before, after
}

// judge reports what a block should not do.
func (t *jinja) judge(all []word) {
	joined := "" // texts that stand together by + ~ or nothing
	for i, w := range all {
		before, after := around(all, i)
		switch w.kind {
		case 't':
			joined += w.text
			joined = joined[max(0, len(joined)-maxJoined):]
			if before.kind == '(' && i > 1 && all[i-2].text == "map" && folded(w.text) == "attr" {
				t.risk(w.at, scan.High, "|map(attr)", whyAttribute)
			}
			t.written(w, w.text)
			t.written(w, joined)
		case 'n':
			joined = ""
			t.name(w, before, after, i == 0 || i == 1 && (before.kind == '-' || before.kind == '+'))
		case '+', '~':
		default:
			joined = ""
		}
	}
}

const (
	whyAttribute = "The template reaches for Python's internals, by which an unsandboxed template runs any code."
	whyName      = "The template uses what gives it access to Python's modules or to the system."
	whyHalf      = "The template holds a text with double underscores, of which a name of Python's internals may be made."
	whyLoad      = "The template loads another template, whose content is not in this file."
)

// name judges a name by what stands around it.
func (t *jinja) name(w, before, after word, first bool) {
	name := w.text
	isAttribute := before.kind == '.'
	switch {
	case strings.HasPrefix(name, "__"), isAttribute && strings.HasPrefix(name, "_"):
		t.risk(w.at, scan.High, name, whyAttribute)
	case first && oneOf(name, "include import from extends"):
		t.risk(w.at, scan.High, name, whyLoad)
	case before.kind == '|' && name == "attr":
		t.risk(w.at, scan.High, "|attr", whyAttribute)
	case before.kind == '|' && oneOf(name, "getattr _getattr setattr eval exec"):
		t.risk(w.at, scan.High, "|"+name, whyAttribute)
	case !isAttribute && oneOf(name, "lipsum cycler joiner get_flashed_messages url_for"):
		t.risk(w.at, scan.High, name, whyName)
	case !isAttribute && oneOf(name, "request config os subprocess sys builtins importlib") && (after.kind == '.' || after.kind == '['):
		t.risk(w.at, scan.High, name, whyName)
	case isAttribute && oneOf(name, "mro func_globals gi_frame f_globals f_builtins gi_code cr_frame ag_frame tb_frame"):
		t.risk(w.at, scan.High, "."+name, whyName)
	case isAttribute && after.kind == '(' && oneOf(name, "popen system check_output Popen format_map"):
		t.risk(w.at, scan.High, "."+name+"()", whyName)
	case !isAttribute && after.kind == '(' && oneOf(name, "popen Popen eval exec execfile open compile getattr setattr globals vars __import__"):
		t.risk(w.at, scan.High, name+"()", whyName)
	case !isAttribute && name == "self" && after.kind == '[':
		t.risk(w.at, scan.High, "self[]", whyAttribute)
	}
}

// endRaw is as Jinja's lexer has it: one sign, and any space.
var endRaw = regexp.MustCompile(`\{%[-+]?[\s\v\x1c-\x1f\x{85}\p{Z}]*endraw[\s\v\x1c-\x1f\x{85}\p{Z}]*[-+]?%\}`)

// raw goes behind a raw block, in which nothing is Jinja.
func (t *jinja) raw(all []word) {
	name := ""
	for _, w := range all {
		name += w.text
	}
	if name != "raw" || len(all) > 3 {
		return
	}
	at := endRaw.FindStringIndex(t.text[t.i:])
	if at == nil {
		t.i = len(t.text)
		t.in.unscanned("a chat template whose raw block has no end")
		return
	}
	t.i += at[1]
}

// written judges a text: [ ] and filters take attributes' names from texts.
func (t *jinja) written(w word, text string) {
	text = folded(text)
	for i := strings.Index(text, "__"); i >= 0; {
		rest := strings.TrimLeft(text[i:], "_")
		end := 0
		for end < len(rest) && isNameByte(rest[end]) {
			end++
		}
		name := strings.TrimRight(rest[:end], "_")
		switch before := i > 0 && isNameByte(text[i-1]); {
		case isMachinery(strings.ToLower(name)):
			t.risk(w.at, scan.High, "__"+rest[:end], whyAttribute)
		case !before || end == 0: // perhaps one half of a name
			t.risk(w.at, scan.Medium, "__"+rest[:end], whyHalf)
		}
		next := strings.Index(rest[end:], "__")
		if next < 0 {
			return
		}
		i = len(text) - len(rest) + end + next
	}
}

// isMachinery reports whether a name is one of Python's internals without its
// underscores, or one that is followed by another.
func isMachinery(name string) bool {
	name, _, _ = strings.Cut(name, "__")
	return oneOf(name, "class globals subclasses import builtins base bases mro init getattribute getattr dict code closure self func "+
		"reduce reduce_ex getitem call loader spec module")
}
