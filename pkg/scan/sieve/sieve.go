package sieve

import (
	"bytes"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// Characters that are ASCII letters in another case. A text with one of them
// goes through whole.
const (
	kelvin  = '\u212a' // k
	longS   = '\u017f' // s
	dottedI = '\u0130' // i
)

// Rule is one of the expressions.
type Rule struct {
	*regexp.Regexp
	// Words are literals of which a text must hold one, whatever their case,
	// before the expression is tried. None asks for nothing.
	Words []string
}

// margin is what an expression sees around a match: one character.
const margin = 4

// Sieve knows a list of expressions. It may be used by several goroutines.
type Sieve struct {
	all   []expression
	first [1 << 16 / 64]uint64 // of each hash of three bytes whether a literal starts so
	at    map[uint32][]start
	sets  int // factors of all expressions
}

type expression struct {
	re   *regexp.Regexp
	sets []int // numbers of its factors
}

// start is a literal, by its first three bytes.
type start struct {
	literal       string
	set           int
	owner         int
	before, after int  // bytes of a match around the literal's start
	within        bool // the expression decides by these
}

// New takes rules. It fails on one whose syntax is none.
func New(all []Rule) (*Sieve, error) {
	s := &Sieve{at: map[uint32][]start{}}
	for i, r := range all {
		tree, err := syntax.Parse(r.String(), syntax.Perl)
		if err != nil {
			return nil, fmt.Errorf("parsing an expression: %w", err)
		}
		var words []string
		for _, w := range r.Words {
			words = append(words, strings.ToLower(w))
		}
		s.add(i, r.Regexp, keep(factors(tree), words, unlimited, unlimited))
	}
	return s, nil
}

func (s *Sieve) add(owner int, re *regexp.Regexp, all []factor) {
	e := expression{re: re}
	decides := narrowest(all)
	for i, f := range all {
		e.sets = append(e.sets, s.sets)
		for _, l := range f.literals {
			v := uint32(l[0])<<16 | uint32(l[1])<<8 | uint32(l[2])
			h := hash(v)
			s.first[h>>6] |= 1 << (h & 63)
			s.at[v] = append(s.at[v], start{l, s.sets, owner, f.before, f.after, i == decides})
		}
		s.sets++
	}
	s.all = append(s.all, e)
}

// narrowest is the number of the factor whose surroundings are looked at: of
// those with limits the one with the longest literals, -1 if none has.
func narrowest(all []factor) int {
	best := -1
	for i, f := range all {
		if f.before == unlimited || f.after == unlimited {
			continue
		}
		if best < 0 || least(f.literals) > least(all[best].literals) {
			best = i
		}
	}
	return best
}

func hash(v uint32) uint32 { return v * 0x9E3779B1 >> 16 }

// Possible returns the numbers, in their order, of the expressions that may
// match in text.
func (s *Sieve) Possible(text []byte) (numbers []int) {
	if !foreign(text) {
		seen := s.seen(text)
		for i, e := range s.all {
			if e.possible(seen) {
				numbers = append(numbers, i)
			}
		}
		return numbers
	}
	for i := range s.all {
		numbers = append(numbers, i)
	}
	return numbers
}

func (e expression) possible(seen []bool) bool {
	for _, n := range e.sets {
		if seen == nil || !seen[n] {
			return false
		}
	}
	return true
}

func foreign(text []byte) bool {
	return bytes.Contains(text, []byte(string(kelvin))) || bytes.Contains(text, []byte(string(longS))) || bytes.Contains(text, []byte(string(dottedI)))
}

// seen says which sets have a literal in text, nil for none.
func (s *Sieve) seen(text []byte) (seen []bool) {
	if len(text) < shortest {
		return nil
	}
	v := uint32(lower[text[0]])<<8 | uint32(lower[text[1]])
	for i := 2; i < len(text); i++ {
		v = (v<<8 | uint32(lower[text[i]])) & 0xffffff
		h := hash(v)
		if s.first[h>>6]>>(h&63)&1 == 0 {
			continue
		}
		for _, at := range s.at[v] {
			if seen != nil && seen[at.set] || !s.holds(at, text, i-2) {
				continue
			}
			if seen == nil {
				seen = make([]bool, s.sets)
			}
			seen[at.set] = true
		}
	}
	return seen
}

// holds says whether a literal starts at text[i:], and the expression, if it
// can be told from the surroundings, matches there.
func (s *Sieve) holds(at start, text []byte, i int) bool {
	if len(text)-i < len(at.literal) {
		return false
	}
	for j := shortest; j < len(at.literal); j++ {
		if lower[text[i+j]] != at.literal[j] {
			return false
		}
	}
	if !at.within {
		return true
	}
	from, to := max(0, i-at.before-margin), min(len(text), i+at.after+margin)
	return s.all[at.owner].re.Match(text[from:to])
}

// lower is ASCII in lower case; other bytes are as they were.
var lower = func() (table [256]byte) { //nolint:gochecknoglobals // a constant
	for i := range table {
		table[i] = byte(i)
		if 'A' <= i && i <= 'Z' {
			table[i] += 'a' - 'A'
		}
	}
	return table
}()
