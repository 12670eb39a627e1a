package modelfile

import (
	"math"
	"strings"
	"testing"
)

// fuzzed inspects content as one format, whatever it is, and as what it is.
func fuzzed(f *testing.F, path string, seeds []hostile) {
	for _, h := range seeds {
		if len(h.content) < 64<<10 {
			f.Add([]byte(h.content))
		}
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		left := budget{inflated: 1 << 20, opcodes: 1 << 16, members: 64, depth: 4, risks: 50}
		r, err := inspectWithin(t.Context(), sourceOf(path, string(content)), left)
		if err != nil {
			t.Fatal(err)
		}
		for _, risk := range r.Risks {
			checkRisk(t, risk)
		}
		if len(r.Risks) > left.risks || r.Path != path {
			t.Errorf("report is %+v", r)
		}
	})
}

func FuzzPickle(f *testing.F) { fuzzed(f, "m.pkl", append(hostilePickles(), hostileGlobals()...)) }
func FuzzZip(f *testing.F)    { fuzzed(f, "m.zip", hostileZips()) }
func FuzzStream(f *testing.F) { fuzzed(f, "m.tar", hostileStreams()) }
func FuzzArray(f *testing.F)  { fuzzed(f, "m.npy", hostileArrays()) }

// FuzzMachine holds the machine's own books: what is on the stack and in the memo
// is counted, and nothing is read beyond the end.
func FuzzMachine(f *testing.F) {
	for _, h := range append(hostilePickles(), hostileArrays()...) {
		if len(h.content) < 64<<10 {
			f.Add(h.content)
		}
	}
	f.Fuzz(func(t *testing.T, content string) {
		in := newInput(sourceOf("m.pkl", content), tightBudget())
		m := newMachine(t.Context(), in, 0)
		_, _ = m.run(math.MaxInt64)
		sum := 0
		for _, n := range m.stack {
			if n != nil {
				sum += n.weight
			}
		}
		if sum != m.weight || m.off > in.Size || in.err != nil {
			t.Errorf("weight %d, counted %d; offset %d of %d; %v", sum, m.weight, m.off, in.Size, in.err)
		}
	})
}

// FuzzLZ4 also compares: what is packed as it is comes out as it is.
func FuzzLZ4(f *testing.F) {
	f.Add([]byte("\x40abcd\x04\x00\x50efghi"), "abc")
	f.Fuzz(func(t *testing.T, block []byte, text string) {
		const most = 1 << 16
		if out, err := lz4Block(block, []byte(text), most); err == nil && len(out) > most {
			t.Errorf("%d bytes come out of a block of %d", len(out), most)
		}
		if len(text) > 0 && len(text) < most {
			src := sourceOf("m", lz4ed(text))
			r, _ := openLZ4(strings.NewReader(lz4ed(text)))
			got := make([]byte, len(text))
			if n, err := r.Read(got); err != nil || string(got[:n]) != text {
				t.Errorf("got %q, %v of %d bytes", got[:n], err, src.Size)
			}
		}
	})
}
