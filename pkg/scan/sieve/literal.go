package sieve

import (
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	shortest  = 3  // bytes of a literal that is looked for
	maxSet    = 64 // literals of a set
	unlimited = -1 // length of what has no longest match
)

// factor is a set of literals, in lower case, of which every match holds one,
// and how many bytes of the match can stand before and behind its start.
type factor struct {
	literals      []string
	before, after int // unlimited, or bytes
}

// factors are what every match of re holds.
func factors(re *syntax.Regexp) []factor {
	switch re.Op {
	case syntax.OpCapture:
		return factors(re.Sub[0])
	case syntax.OpConcat:
		return concat(re.Sub)
	case syntax.OpPlus:
		return around(factors(re.Sub[0]), unlimited, unlimited)
	case syntax.OpRepeat:
		if re.Min == 0 {
			return nil
		}
		n := longest(re)
		return around(factors(re.Sub[0]), n, n)
	case syntax.OpAlternate:
		return alternate(re)
	}
	if set := exact(re); set != nil {
		return keep(nil, set, 0, longest(re))
	}
	return nil
}

// concat joins neighbours whose texts are few, and takes the others' factors.
func concat(subs []*syntax.Regexp) (all []factor) {
	run, start := []string{""}, 0
	lengths := func(subs []*syntax.Regexp) (n int) {
		for _, s := range subs {
			n = sum(n, longest(s))
		}
		return n
	}
	flush := func(next int) {
		all = keep(all, run, lengths(subs[:start]), lengths(subs[start:]))
		run, start = []string{""}, next
	}
	for i, s := range subs {
		set := exact(s)
		if set == nil {
			if lead := first(s); lead != nil && len(run)*len(lead) <= maxSet {
				run = product(run, lead)
			}
			flush(i)
			all = append(all, around(factors(s), lengths(subs[:i]), lengths(subs[i+1:]))...)
			start = i + 1
			continue
		}
		if len(run)*len(set) > maxSet {
			flush(i)
		}
		run = product(run, set)
	}
	flush(len(subs))
	return all
}

// alternate has a factor if every branch has one.
func alternate(re *syntax.Regexp) []factor {
	var set []string
	for _, s := range re.Sub {
		own := factors(s)
		if len(own) == 0 {
			return nil
		}
		set = append(set, slices.MaxFunc(own, func(a, b factor) int { return least(a.literals) - least(b.literals) }).literals...)
	}
	n := longest(re)
	return keep(nil, set, n, n)
}

// keep adds a factor, if its literals are long enough to look for.
func keep(all []factor, set []string, before, after int) []factor {
	if least(set) < shortest {
		return all
	}
	slices.Sort(set)
	set = slices.Compact(set)
	short := slices.DeleteFunc(slices.Clone(set), func(l string) bool {
		return slices.ContainsFunc(set, func(other string) bool { return other != l && strings.Contains(l, other) })
	})
	// What stands before a literal inside of another one that was dropped.
	slack := 0
	for _, l := range set {
		slack = max(slack, len(l))
	}
	return append(all, factor{short, sum(before, slack), after})
}

func around(all []factor, before, after int) []factor {
	for i := range all {
		all[i].before, all[i].after = sum(all[i].before, before), sum(all[i].after, after)
	}
	return all
}

// exact is every text that re matches, in lower case and without what it asks
// of the surroundings; nil when these are too many, or not all ASCII.
func exact(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return []string{""}
	case syntax.OpLiteral:
		text := strings.ToLower(string(re.Rune))
		if slices.ContainsFunc(re.Rune, func(r rune) bool { return r > unicode.MaxASCII }) {
			return nil
		}
		return []string{text}
	case syntax.OpCharClass:
		return class(re.Rune)
	case syntax.OpCapture:
		return exact(re.Sub[0])
	case syntax.OpQuest:
		if set := exact(re.Sub[0]); set != nil && len(set) < maxSet {
			return append([]string{""}, set...)
		}
	case syntax.OpAlternate:
		return unite(re.Sub)
	case syntax.OpConcat:
		set := []string{""}
		for _, s := range re.Sub {
			next := exact(s)
			if next == nil || len(set)*len(next) > maxSet {
				return nil
			}
			set = product(set, next)
		}
		return set
	}
	return nil
}

// first is how the texts of a repetition begin.
func first(re *syntax.Regexp) []string {
	if re.Op == syntax.OpPlus || re.Op == syntax.OpRepeat && re.Min > 0 {
		return exact(re.Sub[0])
	}
	return nil
}

func unite(subs []*syntax.Regexp) (set []string) {
	for _, s := range subs {
		next := exact(s)
		if next == nil || len(set)+len(next) > maxSet {
			return nil
		}
		set = append(set, next...)
	}
	return set
}

// class is the characters of a class of a few. Those of other scripts that are
// ASCII letters in another case do not count: see foreign.
func class(ranges []rune) (set []string) {
	for i := 0; i < len(ranges); i += 2 {
		if ranges[i] == ranges[i+1] && (ranges[i] == kelvin || ranges[i] == longS) {
			continue
		}
		if ranges[i+1] > unicode.MaxASCII {
			return nil
		}
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			set = append(set, string(unicode.ToLower(r)))
		}
	}
	slices.Sort(set)
	if set = slices.Compact(set); len(set) > 16 { // a digit of a hexadecimal number
		return nil
	}
	return set
}

func product(a, b []string) (all []string) {
	for _, x := range a {
		for _, y := range b {
			all = append(all, x+y)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func least(set []string) int {
	if len(set) == 0 {
		return 0
	}
	return len(slices.MinFunc(set, func(a, b string) int { return len(a) - len(b) }))
}

// longest is the most bytes that a match of re has.
func longest(re *syntax.Regexp) (n int) {
	switch re.Op {
	case syntax.OpLiteral:
		return len(re.Rune) * utf8.UTFMax
	case syntax.OpCharClass:
		if len(re.Rune) == 0 {
			return 0
		}
		return utf8.RuneLen(re.Rune[len(re.Rune)-1])
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return utf8.UTFMax
	case syntax.OpStar, syntax.OpPlus:
		return unlimited
	case syntax.OpRepeat:
		one := longest(re.Sub[0])
		if re.Max < 0 || one == unlimited {
			return unlimited
		}
		return re.Max * one
	case syntax.OpAlternate:
		for _, s := range re.Sub {
			one := longest(s)
			if one == unlimited {
				return unlimited
			}
			n = max(n, one)
		}
		return n
	}
	for _, s := range re.Sub { // a sequence, a group, an option
		n = sum(n, longest(s))
	}
	return n
}

func sum(a, b int) int {
	if a == unlimited || b == unlimited {
		return unlimited
	}
	return a + b
}
