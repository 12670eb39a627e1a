package modelfile

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/org/ai-ship/pkg/scan"
)

func isArrayWrapper(class string) bool {
	return class == "joblib.numpy_pickle NumpyArrayWrapper" || class == "sklearn.externals.joblib.numpy_pickle NumpyArrayWrapper"
}

// array goes over the numbers that joblib writes behind an array's description:
// a byte n, n bytes of padding, the elements (joblib/numpy_pickle.py,
// NumpyArrayWrapper). Before 1.2 there was no padding.
func (m *machine) array(state *node) *broken {
	if m.plain {
		return nil
	}
	element, ok := dtypeOf(state.field("dtype"))
	if !ok {
		return m.stop("a joblib array whose element type cannot be followed")
	}
	if m.frame > m.off {
		m.lies() // joblib ends the frame before it writes the elements
	}
	m.frame = 0
	m.setTop(nil)
	if element.objects {
		return m.objects()
	}
	count, ok := countOf(state.field("shape"))
	if !ok {
		return m.stop("a joblib array whose shape cannot be followed")
	}
	if err := m.padding(state.field("numpy_array_alignment_bytes")); err != nil {
		return err
	}
	if element.size > 0 && count > m.left()/element.size {
		return m.stop("an array of %d elements of %d bytes where %d bytes are left", count, element.size, m.left())
	}
	m.skip(count * element.size)
	if !m.quiet {
		m.in.card.addDtype(element.name)
		m.in.card.Parameters += count
	}
	return nil
}

// padding goes over what aligns an array. No padding length is an opcode, so that
// a plain unpickler, which knows nothing of joblib's arrays, ends here. Without
// padding it would read the elements as opcodes: those are walked too.
func (m *machine) padding(alignment *node) *broken {
	if alignment != nil && alignment.kind == number {
		n, err := m.uint(1)
		if err != nil {
			return err
		}
		const most = 16 // bytes to which joblib aligns
		if n > most || !m.skip(int64(n)) {
			return m.stop("a joblib array behind %d bytes of padding, expected at most %d", n, most)
		}
		return nil
	}
	if m.quiet {
		return nil
	}
	as := newMachine(m.ctx, m.in, m.off)
	as.quiet, as.plain = true, true
	as.stack = nil
	if _, _ = as.run(maxTrial); as.known || as.calls > 0 {
		m.report(Risk{
			Rule: "polyglot", Severity: scan.High, Calls: "joblib array, pickle",
			Why: "The elements of an array are opcodes of a pickle, which runs when the file is loaded without joblib.",
		})
		hidden(m.ctx, m.in, m.off)
	}
	return nil
}

// objects goes over an array of objects, which is a pickle within the pickle.
func (m *machine) objects() *broken {
	within := newMachine(m.ctx, m.in, m.off)
	within.quiet, within.plain, within.storages = m.quiet, true, m.storages
	most := int64(math.MaxInt64)
	if m.quiet {
		most = maxTrial
	}
	_, err := within.run(most)
	m.calls += within.calls
	m.known, m.odd = m.known || within.known, within.odd
	m.off, m.buf = within.off, nil
	return err
}

// dtype is a NumPy element type: its name, bytes, and whether it holds objects.
type dtype struct {
	name    string
	size    int64
	objects bool
}

// dtypeOf reads numpy.dtype('f8', False, True) with the state of its BUILD:
// (version, order, subarray, names, fields, size, alignment, flags).
func dtypeOf(n *node) (dtype, bool) {
	if n == nil || n.kind != object || n.s != "numpy dtype" || len(n.items) != 1 {
		return dtype{}, false
	}
	args := n.items[0]
	if args == nil || args.kind != tuple || len(args.items) == 0 || args.items[0] == nil || args.items[0].kind != text {
		return dtype{}, false
	}
	d, ok := parseDtype(args.items[0].s)
	if state := n.state; ok && state != nil && state.kind == tuple && len(state.items) >= 8 {
		const refcounted = 0x01 // NPY_ITEM_REFCOUNT
		flags, size := state.items[7], state.items[5]
		if flags != nil && flags.kind == number {
			d.objects = d.objects || flags.num&refcounted != 0
		}
		if size != nil && size.kind == number && size.num > 0 {
			d.size = size.num
		}
	}
	return d, ok
}

// forged reports whether the state of a type's BUILD takes from objects that they
// are objects, or may: ndarray.__setstate__ then takes bytes of the file for
// pointers (numpy/_core/src/multiarray/descriptor.c, arraydescr_setstate).
func forged(n, state *node) bool {
	if state == nil || state.kind != tuple || len(state.items) < 8 || state.items[7] == nil || state.items[7].kind != number {
		return true // cannot be followed
	}
	const refcounted, pickled = 0x01, 0x02 // NPY_ITEM_REFCOUNT, NPY_LIST_PICKLE
	return state.items[7].num&(refcounted|pickled) != refcounted|pickled && holdsObjects(n, state)
}

// holdsObjects reports whether a type is one of objects, or has some in its
// subarray or its fields, or may have.
func holdsObjects(n, state *node) bool {
	return n.objects || state == nil || len(state.items) < 8 || mayHold(state.items[2]) || mayHold(state.items[4])
}

// mayHold reports whether an element type of objects is in n, or something that
// was not kept.
func mayHold(n *node) bool {
	return n == nil || n.kind == lost || n.kind == opaque || n.objects || n.kind == object && n.s != "numpy dtype"
}

// parseDtype reads a type string such as <f8, |S10 or O.
func parseDtype(s string) (dtype, bool) {
	s = strings.TrimLeft(s, "<>|=")
	if s == "" {
		return dtype{}, false
	}
	letter, digits := s[0], s[1:]
	if i := strings.IndexByte(digits, '['); i >= 0 && (letter == 'M' || letter == 'm') {
		if !strings.HasSuffix(digits, "]") || strings.ContainsAny(digits, ",()") {
			return dtype{}, false // more than one type
		}
		digits = digits[:i] // the unit of a time
	}
	if letter == 'O' {
		return dtype{"object", 8, true}, true
	}
	if letter == '?' && digits == "" {
		digits = "1"
	}
	size, err := strconv.ParseInt(digits, 10, 32)
	if err != nil || size < 0 {
		return dtype{}, false
	}
	names := map[byte]string{'f': "float", 'i': "int", 'u': "uint", 'c': "complex", 'M': "datetime", 'm': "timedelta"}
	switch letter {
	case 'b':
		return dtype{"bool", size, false}, true
	case '?':
		return dtype{"bool", 1, false}, digits == "1"
	case 'S', 'a':
		return dtype{"bytes", size, false}, true
	case 'V':
		return dtype{"record", size, false}, true
	case 'U':
		return dtype{"str", 4 * size, false}, true
	}
	name, ok := names[letter]
	return dtype{fmt.Sprintf("%s%d", name, 8*size), size, false}, ok
}

// countOf is how many elements a shape stands for.
func countOf(n *node) (int64, bool) {
	if n == nil || n.kind != tuple {
		return 0, false
	}
	count := int64(1)
	for _, item := range n.items {
		if item == nil || item.kind != number || item.num < 0 || item.s != "" {
			return 0, false
		}
		if item.num > 0 && count > math.MaxInt64/item.num {
			return 0, false
		}
		count *= item.num
	}
	return count, true
}
