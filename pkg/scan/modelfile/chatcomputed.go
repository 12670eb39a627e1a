package modelfile

import (
	"slices"

	"github.com/org/ai-ship/pkg/scan"
)

// Jinja takes x[name] and x|map(attribute=name) for attributes of x. A name that is
// put together when the template runs shows in no text, so that what is put
// together is followed from where it is made to where it is taken for a name.

const whyComputed = "The template puts a name together and takes it for that of an attribute, which may be any of Python's internals."

// flow is what a template assigns, and where it takes values for names.
type flow struct {
	assigned []assignment
	taken    [][]word
	macros   map[string][]string // parameters; of loops and call blocks their names
	calls    []call
	texts    map[string]bool // names that may hold a text of the template
	computed map[string]bool // and those that may hold one that was put together
}

// assignment gives the value of an expression to names. The value of a block is
// whatever it prints.
type assignment struct {
	to    []string
	from  []word
	block bool
}

// call is one of a macro, perhaps.
type call struct {
	name string
	args []word
}

// note reads one block.
func (f *flow) note(all []word) {
	for len(all) > 0 && (all[0].kind == '-' || all[0].kind == '+') {
		all = all[1:]
	}
	if len(all) > 1 && all[0].kind == 'n' {
		switch all[0].text {
		case "set", "with":
			f.set(all[1:])
		case "for":
			if in := slices.IndexFunc(all, func(w word) bool { return w.kind == 'n' && w.text == "in" }); in > 0 {
				f.assigned = append(f.assigned, assignment{to: namesOf(all[1:in]), from: all[in+1:]})
				f.macros["loop"] = append(f.macros["loop"], namesOf(all[1:in])...)
			}
		case "macro":
			f.macros[all[1].text] = namesOf(all[2:])
		case "call":
			f.macros["caller"] = append(f.macros["caller"], namesOf(enclosed(all[1:]))...)
		}
	}
	for i, w := range all {
		switch {
		case w.kind == '[' && i > 0 && isValue(all[i-1]):
			f.taken = append(f.taken, enclosed(all[i:]))
		case w.kind == '(' && i > 1 && all[i-1].kind == 'n' && all[i-2].kind == '|' && byName(all[i-1].text):
			f.taken = append(f.taken, enclosed(all[i:]))
		case w.kind == '(' && i > 0 && all[i-1].kind == 'n':
			f.call(all, i)
		}
	}
}

// call reads one whose bracket is at i: of a macro, or one that changes a list or dict.
func (f *flow) call(all []word, i int) {
	name, args := all[i-1].text, enclosed(all[i:])
	switch {
	case i < 2 || all[i-2].kind != '.':
		f.calls = append(f.calls, call{name, args})
	case i > 2 && oneOf(name, "append insert extend update setdefault add"):
		f.assigned = append(f.assigned, assignment{to: namesOf(all[i-3 : i-2]), from: args})
	}
}

// set reads "a, b = expression", or the start of a block that ends with endset.
func (f *flow) set(all []word) {
	is := slices.IndexFunc(all, func(w word) bool { return w.kind == '=' })
	if is < 0 {
		f.assigned = append(f.assigned, assignment{to: namesOf(all), block: true})
		return
	}
	to, start := namesOf(all[:is]), is+1
	for i := start; i+1 < len(all); i++ { // with a = …, b = …
		if all[i].kind == 'n' && all[i+1].kind == '=' && all[i-1].kind == ',' {
			f.assigned = append(f.assigned, assignment{to: to, from: all[start:i]})
			to, start = namesOf(all[i:i+1]), i+2
		}
	}
	f.assigned = append(f.assigned, assignment{to: to, from: all[start:]})
}

// byName are filters whose argument names an attribute, or another filter.
func byName(filter string) bool {
	return oneOf(filter, "map selectattr rejectattr groupby sort sum unique min max")
}

func namesOf(all []word) []string {
	var names []string
	for _, w := range all {
		if w.kind == 'n' {
			names = append(names, w.text)
		}
	}
	return names
}

// isValue reports whether a bracket behind w takes something from it.
func isValue(w word) bool {
	return w.kind == ')' || w.kind == ']' || w.kind == '}' || w.kind == 't' ||
		w.kind == 'n' && !oneOf(w.text, "in not and or if elif else is set for return")
}

const maxExpression = 256 // words of an expression that is looked at more than once

// enclosed is what stands between the bracket at the start of all and its other half.
func enclosed(all []word) []word {
	depth := 0
	for i := range all[:min(len(all), maxExpression)] {
		switch all[i].kind {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth--; depth == 0 {
				return all[1:i]
			}
		}
	}
	return []word{{kind: '~', at: all[0].at}} // too long: as if it were put together
}

// judge reports what is put together and taken for a name.
func (f *flow) judge(t *jinja) {
	for _, c := range f.calls {
		if to := f.macros[c.name]; len(to) > 0 {
			f.assigned = append(f.assigned, assignment{to: to, from: c.args})
		}
	}
	const rounds = 8 // of names that are given on
	for range rounds {
		changed := false
		for _, a := range f.assigned {
			for _, name := range a.to {
				if !f.texts[name] && (a.block || f.isText(a.from)) {
					f.texts[name], changed = true, true
				}
				if !f.computed[name] && (a.block || f.isComputed(a.from)) {
					f.computed[name], changed = true, true
				}
			}
		}
		if !changed {
			break
		}
	}
	for _, inner := range f.taken {
		if len(inner) > 0 && f.isComputed(inner) {
			t.risk(inner[0].at, scan.High, "[a name that is put together]", whyComputed)
		}
	}
}

// isText reports whether an expression may be a text that the template brings.
func (f *flow) isText(all []word) bool {
	return slices.ContainsFunc(all, func(w word) bool {
		return w.kind == 't' || w.kind == 'n' && (w.text == "string" || f.texts[w.text])
	})
}

// isComputed reports whether an expression puts a text together.
func (f *flow) isComputed(all []word) bool {
	for i, w := range all {
		before, after := around(all, i)
		name := w.text
		switch {
		case w.kind == '~',
			w.kind == 'n' && (f.computed[name] || oneOf(name, "varargs kwargs")),
			w.kind == 't' && (after.kind == '.' || after.kind == '['),
			(w.kind == 't' || w.kind == 'n' && f.texts[name]) && (joins(before) || joins(after)),
			w.kind == 'n' && before.kind == '|' && !keeps(name),
			w.kind == 'n' && after.kind == '(' && before.kind != '|' && !keeps(name),
			(w.kind == ')' || w.kind == ']') && after.kind == '(':
			return true
		}
	}
	return false
}

func joins(w word) bool { return w.kind == '+' || w.kind == '*' || w.kind == '%' }

// keeps are filters and functions that make no new text.
func keeps(name string) bool {
	return oneOf(name, "length count int float abs round items dictsort list sort unique keys values first last tojson default d lower trim string "+
		"selectattr rejectattr select reject get index startswith endswith range namespace dict in not and or if else is")
}
