package leftover

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func found(t *testing.T, s *searcher, data []byte, p place) []hit {
	t.Helper()
	hits, n, err := s.search(t.Context(), bytes.NewReader(data), p)
	if err != nil || n != int64(len(data)) {
		t.Fatalf("%d bytes of %d, error %v", n, len(data), err)
	}
	return hits
}

// brief is a hit that can be compared.
type brief struct {
	ID       string
	From, To int64
	Line     int
	Shown    string
}

func briefs(hits []hit) []brief {
	var all []brief
	for _, h := range hits {
		all = append(all, brief{h.rule.id, h.from, h.to, h.line, h.shown})
	}
	return all
}

func planted(r *rand.Rand) string {
	b := []byte("hf_")
	for range 34 {
		b = append(b, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[r.IntN(52)])
	}
	return string(b)
}

func TestTokensAcrossWindows(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	small := newSearcher(64)
	line := strings.Repeat("x", 99) + "\n"
	for at := 8000; at < 9000; at += 37 {
		text := strings.Repeat(line, 120)
		secret := planted(r)
		text = text[:at] + " " + secret + " " + text[at:]
		hits := found(t, small, []byte(text), place{scope: inText})
		want := []brief{{"huggingface-token", int64(at + 1), int64(at + 38), at/100 + 1, secret[:4]}}
		if diff := cmp.Diff(want, briefs(hits)); diff != "" {
			t.Fatalf("at %d: %s", at, diff)
		}
	}
}

func TestStarts(t *testing.T) {
	secret := planted(rand.New(rand.NewPCG(3, 4)))
	for before, want := range map[string]bool{
		"": true, "=": true, `"line\n`: true, `\t`: true, "token%3D": true, "\x1b[31m": true, `\u001b[0;1m`: true, "/": true,
		"x": false, "_": false, "9": false, `\\x`: false, "[31m": false, "%zz": false, "m": false,
	} {
		hits := found(t, newSearcher(window), []byte(before+secret), place{scope: inText})
		if got := len(hits) == 1; got != want {
			t.Errorf("behind %q: found %v, expected %v", before, got, want)
		}
	}
}

func TestRepeatsOfOneRuleEnd(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var b strings.Builder
	for range 100 {
		b.WriteString(planted(r) + "\n")
	}
	b.WriteString("glpat-" + planted(r)[3:])
	hits := found(t, newSearcher(window), []byte(b.String()), place{scope: inText})
	if len(hits) != maxHits+1 || hits[maxHits].rule.id != "gitlab-token" || hits[maxHits].line != 101 {
		t.Errorf("%d matches: %+v", len(hits), briefs(hits))
	}
}

func TestLongTokensAreCut(t *testing.T) {
	head := "eyJhbGciOiJSUzI1NiJ9."
	r := rand.New(rand.NewPCG(7, 8))
	claims := "eyJzdWIiOiJzdmMtYWNtZSIsInNjb3BlIjoicHVsbCBwdXNoIn0"
	for len(claims) < 2*maxMatch {
		claims += planted(r)[3:]
	}
	hits := found(t, newSearcher(window), []byte(head+claims+".c2lnbmF0dXJl"), place{scope: inText})
	if len(hits) != 1 || hits[0].rule.id != "jwt" {
		t.Errorf("matches: %+v", briefs(hits))
	}
}

// broken fails after its text.
type broken struct{ *strings.Reader }

func (b broken) Read(p []byte) (int, error) {
	if b.Len() == 0 {
		return 0, errBroken
	}
	return b.Reader.Read(p)
}

var errBroken = errors.New("broken")

func TestSearchEnds(t *testing.T) {
	s := newSearcher(window)
	if _, _, err := s.search(t.Context(), broken{strings.NewReader("text")}, place{scope: inText}); !errors.Is(err, errBroken) {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := s.search(ctx, strings.NewReader("text"), place{scope: inText}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestRulesAreWellMade(t *testing.T) {
	all := rules()
	for _, r := range all {
		if r.id == "" || r.title == "" || r.severity == 0 || len(r.anchors) == 0 || r.scope == 0 {
			t.Errorf("rule %+v", r)
		}
		for _, a := range r.anchors {
			if len(a) < 3 || len(a) > 64 {
				t.Errorf("rule %s: anchor %q", r.id, a)
			}
		}
	}
	if s := chars("a-c_-"); !s['a'] || !s['b'] || !s['c'] || !s['_'] || !s['-'] || s['d'] || s['`'] {
		t.Error("set of a-c_-")
	}
}

// FuzzSearch requires that what is found does not depend on how the content is
// read, lies inside of it, and is shown in four characters at most.
func FuzzSearch(f *testing.F) {
	r := rand.New(rand.NewPCG(9, 10))
	for _, seed := range []string{
		planted(r), "A_TOKEN=" + planted(r)[3:], `{"auth": "` + planted(r) + `"}`, "password " + planted(r), "https://u:" + planted(r) + "@h/",
		"-----BEGIN PRIVATE KEY-----\\n" + planted(r) + planted(r) + "\\n", "eyJhbGciOiJIUzI1NiJ9.eyJhIjoxLCJiIjoyLCJjIjozLCJkIjo0fQ.c2lnbmF0dXJlc2lnbmF0dXJl",
		"api_key: str | None = b'x' + --token \x1b[0m", "abc8Q~" + planted(r)[3:], "\"outputs\": [{", "x?sig=" + planted(r) + "%3D", "PuTTY-User-Key-File-3: x\nPrivate-Lines: 1\n" + planted(r), "password", "private_key_id", "sk-" + planted(r)[3:] + "T3BlbkFJ" + planted(r)[3:],
	} {
		for scope := range 8 {
			f.Add([]byte(seed), uint8(scope), "app/run.ipynb")
		}
		f.Add([]byte(seed), uint8(inText|inVars), "root/.netrc")
		f.Add([]byte(seed), uint8(inText), "root/.docker/config.json")
	}
	whole, parts := newSearcher(window), newSearcher(1)
	f.Fuzz(func(t *testing.T, data []byte, in uint8, path string) {
		p := place{path: path, lower: strings.ToLower(path), scope: scope(in & 7), plain: in&8 != 0}
		hits := found(t, whole, data, p)
		if diff := cmp.Diff(briefs(hits), briefs(found(t, parts, data, p))); diff != "" {
			t.Errorf("read in parts: %s", diff)
		}
		for _, h := range hits {
			if h.from < 0 || h.to < h.from || h.to > int64(len(data)) || len(h.shown) > maxRead || h.line < 1 {
				t.Errorf("match %+v in %d bytes", h, len(data))
			}
		}
	})
}
