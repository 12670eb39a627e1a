package trivy

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/aquasecurity/trivy/pkg/fanal/analyzer"
	ftypes "github.com/aquasecurity/trivy/pkg/fanal/types"
	"github.com/aquasecurity/trivy/pkg/fanal/utils"
	xio "github.com/aquasecurity/trivy/pkg/x/io"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// planted are made-up secrets, put together here so that no scanner of this
// repository finds them.
func planted() []string {
	hex := "0123456789abcdef0123456789abcdef"
	return []string{
		"ghp_" + strings.Repeat("a1B2", 9), "hf_" + strings.Repeat("Ab", 17), "AKIA" + "Q3EGRVNXK5LPHZWT ",
		`aws_secret_access_key = "` + strings.Repeat("kWc8Z1dPq7", 4) + "\"\n",
		"-----BEGIN RSA PRIVATE KEY-----\n" + strings.Repeat("MIIEpAIBAAKCAQEA\n", 40) + "-----END RSA PRIVATE KEY-----",
		"facebook_id = '" + hex + "'", "Linear: \"" + hex + "\"", "global = 'live_" + hex + "abc'", "S" + "K" + hex,
		"\u212aey aws_\u212aey='" + strings.Repeat("x/9+", 10) + "' ", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abcdefghijk",
		"https://hooks.slack.com/services/" + strings.Repeat("T1b/", 11), "xox" + "b-1234567890-abcdefgh", "asana: '1234567890123456'",
	}
}

// corpus is texts and binary data with secrets at every kind of place, above
// all where trivy's pieces begin and end.
func corpus() map[string]string {
	files := map[string]string{"app/empty": "", "app/short": "hf_", "app/dir/__pycache__/none.cpython-311.pyc": "\x00\x01\x02\x03\x04\x05\x06\x07\x08ab"}
	r := rand.New(rand.NewPCG(3, 4))
	filler := func(n int) string {
		var b strings.Builder
		for b.Len() < n {
			b.WriteString([]string{"key ", "linear", "\n", "global ", "test_", "discord", "password", "=", "'", "sk", "é", "\r\n", "-----", "0123456789abcdef"}[r.IntN(14)])
		}
		return b.String()[:n]
	}
	for i, secret := range planted() {
		files[fmt.Sprintf("app/only%d.txt", i)] = secret
		files[fmt.Sprintf("app/tests_of/example%d.txt", i)] = secret
		files[fmt.Sprintf("app/two%d.py", i)] = filler(700) + secret + "\n" + filler(5000) + secret
		files[fmt.Sprintf("app/mod%d.pyc", i)] = "\xa7\r\r\n\x00\x00\x00" + filler(300) + "\x00\xffab\x00" + secret + "\x00" + filler(5<<10) + "\xff" + secret
		files[fmt.Sprintf("app/lib%d.so", i)] = "\x7fELF\x02\x01\x00" + secret
		if i > 1 && i != 4 { // a token, a short one, and one of several lines are enough
			continue
		}
		for _, border := range []int{overlap, piece - overlap, piece, 2*piece - overlap} {
			for _, shift := range []int{0, 1, len(secret) / 2, len(secret), len(secret) + 1} {
				files[fmt.Sprintf("app/border%d-%d-%d", i, border, shift)] = filler(border-min(border, shift)) + secret + filler(r.IntN(2*overlap))
			}
		}
	}
	for _, n := range []int{overlap - 1, overlap, overlap + 1, piece - 1, piece, piece + 1, 2*piece - overlap, 2*piece - overlap + 1} {
		text := filler(n)
		secret := planted()[0]
		files[fmt.Sprintf("app/size%d", n)] = text[:n-len(secret)] + secret
	}
	return files
}

// What is found is what trivy's own analyzer finds.
func TestSecretsAreTrivys(t *testing.T) {
	leave, err := enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = leave() }()
	r, err := newRules()
	if err != nil {
		t.Fatal(err)
	}
	files := corpus()
	want := map[string][]ftypes.SecretFinding{}
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	for name, data := range files {
		h := &tar.Header{Name: "./" + name, Mode: 0o644, Size: int64(len(data)), Typeflag: tar.TypeReg}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, data); err != nil {
			t.Fatal(err)
		}
		if found := trivys(t, r, name, data, h); len(found) > 0 {
			want["/"+name] = found
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	s := newSearch(r, 3)
	if _, err := io.Copy(s, &layer); err != nil {
		t.Fatal(err)
	}
	all, err := s.take()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]ftypes.SecretFinding{}
	for _, one := range all {
		got[one.FilePath] = one.Findings
	}
	options := []cmp.Option{
		cmpopts.IgnoreFields(ftypes.SecretFinding{}, "Match", "Code"), // see censor
		cmpopts.SortSlices(func(a, b ftypes.SecretFinding) bool {
			return fmt.Sprint(a.RuleID, a.Offset, a.EndLine) < fmt.Sprint(b.RuleID, b.Offset, b.EndLine)
		}),
	}
	if diff := cmp.Diff(want, got, options...); diff != "" {
		t.Errorf("secrets (-trivy +ours):\n%s", diff)
	}
	if len(want) < 60 {
		t.Errorf("trivy finds secrets in %d files of %d, expected more", len(want), len(files))
	}
}

func trivys(t *testing.T, r *rules, name, data string, h *tar.Header) []ftypes.SecretFinding {
	t.Helper()
	if !r.analyzer.Required(name, h.FileInfo()) {
		return nil
	}
	result, err := r.analyzer.Analyze(t.Context(), analyzer.AnalysisInput{
		FilePath: name, Info: h.FileInfo(), Content: xio.NopCloser(bytes.NewReader([]byte(data))),
	})
	if err != nil {
		t.Fatal(err)
	}
	if result == nil {
		return nil
	}
	return result.Secrets[0].Findings
}

// No rule of trivy's is left out of a text that it matches and that has one of
// the words that trivy asks for.
func TestSieveKnowsEveryRule(t *testing.T) {
	r, err := newRules()
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(5, 6))
	for i, rule := range r.scanner.Rules {
		tree, err := syntax.Parse(rule.Regex.String(), syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		matched := 0
		for range 50 {
			text := "x " + example(random, tree) + "\n" + rule.Keywords[random.IntN(len(rule.Keywords))]
			if !rule.Regex.MatchString(text) { // what it asks of the surroundings is not there
				continue
			}
			matched++
			if !slices.Contains(r.sieve.Possible([]byte(text)), i) {
				t.Errorf("%s matches %q and was left out", rule.ID, text)
			}
		}
		if matched == 0 {
			t.Errorf("%s: no example was made", rule.ID)
		}
	}
	for _, i := range r.sieve.Possible([]byte("import os\n\nclass Linear:\n\tglobal key, password = None\n")) {
		t.Logf("%s is tried on every text", r.scanner.Rules[i].ID)
	}
}

// example is a text that an expression matches.
func example(random *rand.Rand, re *syntax.Regexp) string {
	var b strings.Builder
	times := func(least, most int) {
		for range least + random.IntN(most-least+1) {
			b.WriteString(example(random, re.Sub[0]))
		}
	}
	switch re.Op {
	case syntax.OpLiteral:
		for _, c := range re.Rune {
			if re.Flags&syntax.FoldCase != 0 && random.IntN(2) == 0 {
				c = unicode.SimpleFold(c)
			}
			b.WriteRune(c)
		}
	case syntax.OpCharClass:
		pair := 2 * random.IntN(len(re.Rune)/2)
		b.WriteRune(re.Rune[pair] + random.Int32N(min(re.Rune[pair+1]-re.Rune[pair], 90)+1))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteRune(rune(' ' + random.IntN(500)))
	case syntax.OpStar:
		times(0, 3)
	case syntax.OpPlus:
		times(1, 4)
	case syntax.OpQuest:
		times(0, 1)
	case syntax.OpRepeat:
		most := re.Max
		if most < 0 {
			most = re.Min + 3
		}
		times(re.Min, most)
	case syntax.OpAlternate:
		return example(random, re.Sub[random.IntN(len(re.Sub))])
	default:
		for _, s := range re.Sub {
			b.WriteString(example(random, s))
		}
	}
	return b.String()
}

func FuzzPrintable(f *testing.F) {
	f.Add([]byte("abcd\x00abcde\x00abcdef"))
	f.Add([]byte("\xe9\xe9\xe9\xe9\xe9\xff\x80"))
	f.Fuzz(func(t *testing.T, data []byte) {
		want, err := utils.ExtractPrintableBytes(xio.NopCloser(bytes.NewReader(data)))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(&printable{from: bytes.NewReader(data)})
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("strings are %q, %v; trivy's are %q", got, err, want)
		}
	})
}

// A search that is given a part of an archive, or none, ends and says so.
func TestSearchOfACutArchive(t *testing.T) {
	r, err := newRules()
	if err != nil {
		t.Fatal(err)
	}
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	text := "token: " + planted()[0] + "\n" + strings.Repeat("x", 200<<10)
	if err := w.WriteHeader(&tar.Header{Name: "a.txt", Mode: 0o644, Size: int64(len(text)), Typeflag: tar.TypeReg}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{100, 512, 100 << 10} {
		s := newSearch(r, 1)
		if _, err := s.Write(layer.Bytes()[:n]); err != nil {
			t.Fatal(err)
		}
		if _, err := s.take(); err == nil {
			t.Errorf("of %d bytes nothing is missed", n)
		}
	}
	s := newSearch(r, 1)
	if all, err := s.take(); len(all) > 0 || err != nil {
		t.Errorf("of an empty archive: %v, %v", all, err)
	}
}
