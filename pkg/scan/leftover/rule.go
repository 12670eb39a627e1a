package leftover

import (
	"slices"

	"github.com/org/ai-ship/pkg/scan"
)

// scope is the kinds of content that a rule is made for.
type scope uint8

const (
	inText   scope = 1 << iota // files that are text
	inBinary                   // files that are not
	inVars                     // environment, history, commands and .env files: what NAME=value holds is meant as it stands
)

// place is where a content comes from.
type place struct {
	path      string // as findings show it
	lower     string // path in lower case, "" outside of files
	scope     scope
	plain     bool // values need no quotes to be values
	installed bool // part of an installed package: documentation is full of examples
	bundled   bool // and of its tests or examples
}

// view is what a rule sees of a content.
type view struct {
	place
	anchor string
	before []byte // at most lookBehind bytes before the anchor
	text   []byte // from the anchor on, at most maxMatch bytes
}

// match is the secret itself, in bytes from the anchor's start.
type match struct {
	from, to int
	shown    int  // bytes of it that may be printed
	minor    bool // a default password: of low severity
}

// rule finds one kind of secret behind one of its anchors.
type rule struct {
	id       string // stable: configs and ignore files name it
	title    string // noun
	severity scan.Severity
	anchors  []string // case counts; three bytes at least
	scope    scope
	once     bool                    // one match says it all
	weak     bool                    // gives way to another rule's match in the same place
	file     func(lower string) bool // nil: every file
	find     func(view) (match, bool)
}

func (r *rule) applies(p place) bool {
	return r.scope&p.scope != 0 && (r.file == nil || r.file(p.lower))
}

// rules are all that look at contents.
func rules() []rule {
	return slices.Concat(tokens(), keys(), urls(), assignments(), fileContents())
}

// index finds the anchors of all rules in one pass: three bytes decide whether
// a place deserves a closer look.
type index struct {
	bits [1 << 16 / 64]uint64
	at   map[uint32][]entry
}

type entry struct {
	anchor string
	rule   *rule
}

func newIndex(all []rule) *index {
	x := &index{at: map[uint32][]entry{}}
	for i := range all {
		for _, a := range all[i].anchors {
			v := triple(a[0], a[1], a[2])
			h := hash(v)
			x.bits[h>>6] |= 1 << (h & 63)
			x.at[v] = append(x.at[v], entry{a, &all[i]})
		}
	}
	return x
}

func triple(a, b, c byte) uint32 { return uint32(a)<<16 | uint32(b)<<8 | uint32(c) }
func hash(v uint32) uint32       { return v * 0x9E3779B1 >> 16 }

// next is the first place in b[from:to] where an anchor may start, to when there
// is none.
func (x *index) next(b []byte, from, to int) int {
	end := min(to, len(b)-2)
	if from >= end {
		return to
	}
	v := triple(0, b[from], b[from+1])
	for i := from; i < end; i++ {
		v = (v<<8 | uint32(b[i+2])) & 0xffffff
		h := hash(v)
		if x.bits[h>>6]>>(h&63)&1 != 0 {
			return i
		}
	}
	return to
}
