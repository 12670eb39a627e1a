package modelfile

import (
	"io"
	"strings"
	"testing"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/scan"
)

func allHostile() []hostile {
	all := append(everyHostile(), hostileGraphs()...)
	return append(all, hostileTexts()...)
}

// TestDefaultPolicyOnEveryHostileFile counts the hostile files of all tables. The
// default policy (pickle: deny, fail-on: high) refuses most; of the rest each is
// reported, for what it does is not to run code.
func TestDefaultPolicyOnEveryHostileFile(t *testing.T) {
	const least, leastRefused = 600, 550
	all, refused, reported := allHostile(), 0, 0
	names := map[string]bool{}
	for _, h := range all {
		if names[h.name] {
			t.Errorf("two files are called %q", h.name)
		}
		names[h.name] = true
		r := inspectString(t, h.path, h.content)
		findings := scan.Findings{Ran: true}
		r.add(&findings)
		outcome := gate.Passed
		for _, result := range gate.Evaluate(gate.Policy{Scan: &gate.Scan{Models: gate.Models{FailOn: scan.High}}}, gate.Evidence{Findings: findings}).Results {
			if result.Outcome == gate.Refused {
				outcome = gate.Refused
			}
		}
		switch {
		case outcome == gate.Refused:
			refused++
		case len(r.Risks) > 0:
			reported++
			t.Logf("reported only: %s: %s", h.name, r.Risks[0].Rule)
		default:
			t.Errorf("%s: neither refused nor reported", h.name)
		}
	}
	t.Logf("%d hostile files: %d refused by the default policy, %d reported", len(all), refused, reported)
	if len(all) < least || refused < leastRefused || refused+reported != len(all) {
		t.Errorf("%d hostile files, %d refused, %d reported; want at least %d, of which %d refused, and nothing else", len(all), refused, reported, least, leastRefused)
	}
}

type held struct{ *strings.Reader }

func (held) Close() error { return nil }

func target(files map[string]string) scan.Target {
	var t scan.Target
	for name, content := range files {
		t.Files = append(t.Files, scan.File{Path: name, Kind: "model", Size: int64(len(content)), Open: func() (scan.Content, error) {
			return held{strings.NewReader(content)}, nil
		}})
	}
	return t
}

var _ io.ReaderAt = held{}

// TestFilesBesideAModel: external data is a regular file of our layers, or the model
// is refused. Links of the file system stand in no target's files, so that data
// behind one, or below a folder that is one, is not there (CVE-2026-27489,
// CVE-2026-34447).
func TestFilesBesideAModel(t *testing.T) {
	model := func(file string) string {
		return onnxModel(pb(5, outsideTensor("location", file, "offset", "0", "length", "8")))
	}
	for name, c := range map[string]struct {
		files   map[string]string
		refused bool
	}{
		"beside":             {map[string]string{"m/a.onnx": model("a.data"), "m/a.data": "12345678"}, false},
		"below":              {map[string]string{"m/a.onnx": model("./w/a.data"), "m/w/a.data": "12345678"}, false},
		"a link":             {map[string]string{"m/a.onnx": model("link"), "m/a.data": "12345678"}, true},
		"a folder is a link": {map[string]string{"m/a.onnx": model("link/a.data"), "m/w/a.data": "12345678"}, true},
		"missing":            {map[string]string{"m/a.onnx": model("a.data")}, true},
		"of another folder":  {map[string]string{"m/a.onnx": model("a.data"), "a.data": "12345678"}, true},
	} {
		findings, err := Scanner{}.Scan(t.Context(), target(c.files))
		if err != nil {
			t.Fatal(err)
		}
		refused := false
		for _, f := range findings.Models {
			refused = refused || f.ID == "onnx-external-path" && f.Severity == scan.High
		}
		if refused != c.refused {
			t.Errorf("%s: %+v", name, findings.Models)
		}
	}
}
