package modelfile

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/scan"
)

// tightBudget is a budget that bombs use up in no time.
func tightBudget() budget {
	return budget{inflated: 32 << 20, opcodes: 4 << 20, members: 1000, depth: 8, risks: 1000}
}

func inspectString(t testing.TB, path, content string) Report {
	t.Helper()
	r, err := inspectWithin(t.Context(), sourceOf(path, content), tightBudget())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func sourceOf(path, content string) Source {
	return Source{Path: path, Size: int64(len(content)), ReaderAt: strings.NewReader(content)}
}

// says reports whether r says want, as [hostile] has it.
func says(r Report, want string) bool {
	if reason, ok := strings.CutPrefix(want, "?"); ok {
		return strings.Contains(r.Unscanned, reason)
	}
	rule, calls, _ := strings.Cut(want, " ")
	for _, risk := range r.Risks {
		if risk.Rule == rule && strings.HasPrefix(risk.Calls, calls) {
			return true
		}
	}
	return false
}

func everyHostile() []hostile {
	all := append(hostileGlobals(), hostilePickles()...)
	all = append(all, hostileZips()...)
	all = append(all, hostileStreams()...)
	all = append(all, hostileBypasses()...)
	return append(all, hostileArrays()...)
}

func TestHostilePicklesAndArchives(t *testing.T) {
	const least = 75 // techniques
	all := everyHostile()
	if len(all) < least {
		t.Errorf("%d hostile files, want at least %d", len(all), least)
	}
	names := map[string]bool{}
	for _, h := range all {
		if names[h.name] {
			t.Errorf("two cases are called %q", h.name)
		}
		names[h.name] = true
		t.Run(h.name, func(t *testing.T) {
			r := inspectString(t, h.path, h.content)
			if !says(r, h.want) {
				t.Errorf("want %q, got risks %+v, unscanned %q", h.want, r.Risks, r.Unscanned)
			}
			for _, risk := range r.Risks {
				checkRisk(t, risk)
			}
		})
	}
}

func checkRisk(t *testing.T, r Risk) {
	t.Helper()
	if r.Rule == "" || r.Severity == scan.Unknown || r.Why == "" || r.Offset < -1 {
		t.Errorf("a risk without rule, severity, reason or offset: %+v", r)
	}
	for _, s := range []string{r.Calls, r.Member} {
		if len([]rune(s)) > 900 || strings.ContainsAny(s, "\n\r\x00\x1b") {
			t.Errorf("what is shown is too long or not printable: %q", s)
		}
	}
}

// TestHostileIsFoundUnderAnyName gives every file a name that promises nothing:
// content decides.
func TestHostileIsFoundUnderAnyName(t *testing.T) {
	for _, h := range everyHostile() {
		if strings.HasPrefix(h.want, "pickle-global") {
			if r := inspectString(t, "weights.dat", h.content); len(r.Risks) == 0 {
				t.Errorf("%s: nothing found under another name", h.name)
			}
		}
	}
}

// TestSamples reads what the real packages wrote; see testdata/models.
func TestSamples(t *testing.T) {
	type found struct {
		Format Format
		Worst  scan.Severity
	}
	formats := map[string]Format{".joblib": Joblib, ".npz": NumPyZip, ".npy": NumPy, ".pkl": Pickle, ".pt": PyTorch, ".pth": PyTorch, ".bin": PyTorch, ".ckpt": PyTorch}
	special := map[string]found{
		"sklearn.pkl": {Pickle, scan.Medium}, "pandas.pkl": {Pickle, scan.Medium}, "objects.npy": {NumPy, scan.Medium},
		"pipeline.joblib": {Joblib, scan.Medium}, "forest.joblib": {Joblib, scan.Medium}, "kinds.joblib": {Joblib, scan.Medium},
		"legacy.pt": {TorchLegacy, scan.Unknown}, "evil-legacy.pt": {TorchLegacy, scan.Critical},
		"whole.pt": {PyTorch, scan.Medium}, "script.pt": {TorchScript, scan.Low}, "evil-script.pt": {TorchScript, scan.High},
		"pickled.pkl":        {Pickle, scan.Critical}, // tensors by plain pickle are pickles in bytes
		"arrays.xz.joblib":   {Archive, scan.Unknown},
		"arrays.lzma.joblib": {Archive, scan.Unknown},
	}
	var files []string
	for _, folder := range []string{"pickle", "torch"} {
		found, err := filepath.Glob("../../../testdata/models/" + folder + "/*.*")
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) < 50 {
		t.Fatalf("%d samples, want 50 and more", len(files))
	}
	for _, file := range files {
		base := filepath.Base(file)
		if strings.HasSuffix(base, ".py") {
			continue
		}
		want, ok := special[base]
		if !ok {
			want.Format = formats[filepath.Ext(base)]
			if strings.HasPrefix(base, "evil") {
				want.Worst = scan.Critical
			}
		}
		b, err := os.ReadFile(file) //nolint:gosec // of this repository
		if err != nil {
			t.Fatal(err)
		}
		r := inspectString(t, base, string(b))
		got := found{Format: r.Card.Format}
		for _, risk := range r.Risks {
			got.Worst = max(got.Worst, risk.Severity)
			checkRisk(t, risk)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s%+v", base, diff, r.Risks)
		}
		if closed := want.Format == Archive; closed != (r.Unscanned != "") {
			t.Errorf("%s: unscanned is %q", base, r.Unscanned)
		}
	}
}

func TestCards(t *testing.T) {
	for file, want := range map[string]Card{
		"torch/state.pt":           {Format: PyTorch, Framework: "pytorch", Dtypes: []string{"float32"}, Parameters: 23},
		"torch/shared.pt":          {Format: PyTorch, Framework: "pytorch", Dtypes: []string{"float32", "int64", "bool"}, Parameters: 12},
		"torch/bfloat16.bin":       {Format: PyTorch, Framework: "pytorch", Dtypes: []string{"bfloat16"}, Parameters: 23},
		"pickle/arrays.npz":        {Format: NumPyZip, Dtypes: []string{"float64", "int64", "str", "bool"}, Parameters: 487},
		"pickle/arrays-5.joblib":   {Format: Joblib, Dtypes: []string{"float64", "int64", "str", "bool"}, Parameters: 487},
		"pickle/pipeline.joblib":   {Format: Joblib, Framework: "scikit-learn", Dtypes: []string{"float64", "int64", "int32"}, Parameters: 20},
		"pickle/several.npy":       {Format: NumPy, Framework: "numpy", Version: "1.0", Dtypes: []string{"float64", "int64"}, Parameters: 200},
		"pickle/arrays.lz4.joblib": {Format: Joblib, Dtypes: []string{"float64", "int64", "str", "bool"}, Parameters: 487},
	} {
		b, err := os.ReadFile("../../../testdata/models/" + file) //nolint:gosec // of this repository
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, inspectString(t, file, string(b)).Card); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}

// TestHarmless holds what must not be taken for a model, or for a risk.
func TestHarmless(t *testing.T) {
	for name, content := range map[string]string{
		"empty":               "",
		"readme.md":           "check\nthis\nout. It is (in progress)\n",
		"copyright":           "copyright\nexample\n\nAll of it.\n",
		"N.txt":               "N.B. this is no pickle.\n",
		"numbers.txt":         "I1\n.5\n",
		"code.py":             "import os\nos.system('id')\n",
		"weights.dat":         "\x80\x02\xff\xff\xff\xff",
		"text.txt":            "x\x9c is what zlib begins with",
		"BZh.txt":             "BZh9 is a word of no meaning",
		"protocol 4 and less": benign2,
		"allowed.pkl":         named("collections", "OrderedDict"),
		"two.pkl":             benign2 + benign2,
		"newline.pkl":         "I1\n.\n",
		"legacy.pt":           legacyTorch("\x80\x02ccollections\nOrderedDict\n)R."),
		"object.joblib":       joblibOf(wrapped{dtype: "O8", raw: benign2, flags: 63}.String()),
		"old.joblib":          joblibOf(wrapped{dtype: "f8", align: "N", raw: strings.Repeat("\x00\x01", 8)}.String()),
		"zip64.pt":            zipped(entry{name: "m/data.pkl", data: benign2, zip64: true}),
		"descriptor.zip":      zipped(entry{name: "a", data: "x", flags: flagDescriptor, descriptor: true}, entry{name: "b", data: "y"}),
		"comment.zip":         withComment(torchZip(benign2), "a comment"),
		"template.pt":         "<html>\n<p tal:content='x'>größe</p></html>\n",
		"easy-install.pth":    "import sys; sys.path.append('x')\n",
		"whole.pt":            "\x80\x02(" + str("module") + "ctorch\nSize\n" + str("a.py") + str("class A") + "tQ)\x81.",
		"symbols.txt":         strings.Repeat("VERSION\nNext\n", 3000) + "(end)\n",
		"app.pyz":             "#!/usr/bin/env python3\n" + zipped(entry{name: "a", data: "b"}),
		"java.jmod":           "JM\x01\x00" + zipped(entry{name: "a", data: "b"}),
		"empty.zip":           ended(0, 0, 0, ""),
		"folder.zip":          zipped(entry{name: "a/"}, entry{name: "a/b", data: "x"}),
		"inner.zip":           zipped(entry{name: "a.npz", data: zipped(entry{name: "a", data: "b"})}),
		"a.npy":               npyOf(1, "{'descr': ('<f8', (2,)), 'fortran_order': False, 'shape': (10L,), }", strings.Repeat("x", 80)),
		"0.npy":               npyOf(1, "{'descr': '<M8[ns]', 'fortran_order': True, 'shape': (0, 3)}", ""),
	} {
		r := inspectString(t, name, content)
		if len(r.Risks) > 0 || r.Unscanned != "" {
			t.Errorf("%s: risks %+v, unscanned %q", name, r.Risks, r.Unscanned)
		}
	}
}

// sparse is a content of zeros behind a head.
type sparse struct {
	head string
	size int64
	read int64
}

func (s *sparse) ReadAt(p []byte, off int64) (int, error) {
	clear(p)
	if off < int64(len(s.head)) {
		copy(p, s.head[off:])
	}
	s.read += int64(len(p))
	return len(p), nil
}

func TestTenGigabytesCostNoMemory(t *testing.T) {
	const size = 10 << 30
	for name, head := range map[string]string{
		"zeros.pkl": "",
		"bytes.pkl": "\x80\x04\x8e" + le(size-100, 8),
		"array.npy": npyOf(1, "{'descr': '|u1', 'fortran_order': False, 'shape': (10737418000,), }", ""),
		"m.joblib":  "\x80\x03" + wrapped{dtype: "u1", shape: "\x8a\x05\x00\x00\x00\x70\x02\x85", raw: "\x01\xff"}.String(),
		"m.pt":      legacyTorch(benign2),
		"m.zip":     "PK\x03\x04",
		"text.pkl":  "V",
		"line.pkl":  "c",
		"frame.pkl": "\x80\x04\x95" + le(size-100, 8) + "\x8e" + le(size-200, 8),
		"weights":   "\x01\x02",
	} {
		s := &sparse{head: head, size: size}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		_, err := Inspect(t.Context(), Source{Path: name, Size: size, ReaderAt: s})
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		const most = 64 << 20 // bytes
		if got := after.TotalAlloc - before.TotalAlloc; got > most || s.read > 4*most {
			t.Errorf("%s: %d bytes allocated, %d read, want at most %d", name, got, s.read, most)
		}
		t.Logf("%s: %v", name, time.Since(start))
		if took := time.Since(start); took > time.Minute {
			t.Errorf("%s: took %v", name, took)
		}
	}
}

var errDisk = errors.New("the disk is gone")

type failing struct{ after int64 }

func (f failing) ReadAt(p []byte, off int64) (int, error) {
	if off >= f.after {
		return 0, errDisk
	}
	copy(p, evil2)
	return len(p), nil
}

func TestErrorsAreTheSourceAndTheContext(t *testing.T) {
	for name, src := range map[string]Source{
		"at once": {Path: "m.pkl", Size: 100, ReaderAt: failing{}},
		"gzip":    {Path: "m.gz", Size: 1 << 20, ReaderAt: after{gzipped(strings.Repeat("abcdefgh", 1<<20)), 4096}},
		"tar":     {Path: "m.tar", Size: 1 << 20, ReaderAt: after{tarred(), 700}},
		"short":   {Path: "m.pkl", Size: 100, ReaderAt: strings.NewReader(evil2)},
	} {
		r, err := Inspect(t.Context(), src)
		if !errors.Is(err, errDisk) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: error is %v", name, err)
		}
		if err != nil && !strings.Contains(err.Error(), "reading model file") {
			t.Errorf("%s: error does not name the file: %v", name, err)
		}
		if len(r.Risks) > 0 {
			t.Errorf("%s: a report in spite of the error: %+v", name, r)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Inspect(ctx, sourceOf("m.pkl", evil2)); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want canceled", err)
	}
}

// after is a content that cannot be read from some place on.
type after struct {
	content string
	from    int64
}

func (a after) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > a.from && off > 0 || off >= a.from {
		return 0, errDisk
	}
	n := copy(p, a.content[min(off, int64(len(a.content))):])
	clear(p[n:])
	return len(p), nil
}
