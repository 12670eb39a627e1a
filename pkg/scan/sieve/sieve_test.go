package sieve

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFactors(t *testing.T) {
	for _, test := range []struct {
		expression string
		want       string // sets, and what a match has around them
	}{
		{`ghp_[0-9a-zA-Z]{36}`, "[ghp_] 4 52"},
		{`(?i)dropbox[a-z0-9_ ]{0,25}(=|:).{0,5}['"]`, "[dropbox] 7 125"},
		{`(AKIA|ASIA)[A-Z0-9]{16}`, "[akia asia] 4 32"},
		{`(sec(ret)?)?_?key\s*=`, "[key] 10 -1"},
		{`AWS_?KEY.*begin`, "[aws_key awskey] 7 -1; [begin] -1 20"},
		{`SK[0-1aA]{32}`, "[sk0 sk1 ska] 3 40"},
		{`ab[xy]+c`, "[abx aby] 3 -1"},
		{`ab[xy]*c`, ""},
		{`EZ[AT]K`, "[ezak eztk] 4 13"},
		{`(?:one|two words)+`, "[one two words] -1 -1"},
		{`(?:one|t.)`, ""},
		{`(?:one)?`, ""},
		{`(?:one){0,2}`, ""},
		{`^ab$`, ""},
		{`[^a]bcd\b`, "[bcd] 7 12"},
		{`größe`, ""},
	} {
		tree, err := syntax.Parse(test.expression, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range factors(tree) {
			got = append(got, fmt.Sprint(f.literals, f.before, f.after))
		}
		if diff := cmp.Diff(test.want, strings.Join(got, "; ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.expression, diff)
		}
	}
}

func expressions() []Rule {
	var all []Rule
	for _, e := range []string{
		`ghp_[0-9a-zA-Z]{4}`, `(?i)lob[a-z0-9_ .\-,]{0,25}(=|>|:=|:).{0,5}['"](live|test)_[a-f0-9]{3}['"]`,
		`(?i)-----\s*?BEGIN[ A-Z]*?KEY-----[\s]*?(?P<secret>[A-Za-z0-9]{3,})-----`, `([^0-9a-z]|^)hf_[a-z]{3}([^0-9a-z]|$)`,
		`(?i)kiss\b`, `SK[0-9a-f]{3}`, `a.c`, `(sec(ret)?)?_?key`, `(?s)one.two`, `\Aabc|xyz\z`, `q\d+z`, `(?i)[k-m]ey{2,3}`,
	} {
		all = append(all, Rule{Regexp: regexp.MustCompile(e)})
	}
	return all
}

// What matches is never left out.
func FuzzPossible(f *testing.F) {
	s, err := New(expressions())
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{
		"", "ab", "ghp_abcd", "xGHP_abcd ghp_12345", "global = 'live_abc'", "LOB x: \"TEST_ABC\"", "-----begin key-----\nabc-----",
		"hf_abc", "xhf_abc", "é hf_abc", "\u212aISS", "ki\u017f\u017f", "kiss", "kissé", "SKabc", "secretkey", "one\ntwo", "abc", "abcxyz", "\xff\xfeghp_\xff",
		strings.Repeat("lob ", 40) + "=\xff\xff\xff'live_123'",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		possible := s.Possible(text)
		for i, re := range expressions() {
			if re.Match(text) && !slices.Contains(possible, i) {
				t.Errorf("%s matches %q and was left out", re, text)
			}
		}
	})
}

func TestWords(t *testing.T) {
	s, err := New([]Rule{{regexp.MustCompile(`\d`), []string{"Key", "secret"}}, {regexp.MustCompile(`\d`), []string{"ab"}}, {regexp.MustCompile(`long\d`), []string{"key"}}})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string][]int{"": {1}, "KEY": {0, 1}, "a secret": {0, 1}, "key long": {0, 1}, "long1": {1}, "key long1": {0, 1, 2}, "\u0130": {0, 1, 2}} {
		if diff := cmp.Diff(want, s.Possible([]byte(text))); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

func TestPossibleLeavesOut(t *testing.T) {
	s, err := New(expressions()[:5])
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string][]int{
		"":                              nil,
		"a text about nothing, really":  nil,
		"global: blob, 'lobster'":       nil,
		"GHP_abcd":                      nil,
		"ghp_abcd":                      {0},
		"-----BEGIN, but no end":        nil,
		"-----BEGIN A KEY-----ab1-----": {2},
		"\u212a":                        {0, 1, 2, 3, 4},
	} {
		if diff := cmp.Diff(want, s.Possible([]byte(text))); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}
