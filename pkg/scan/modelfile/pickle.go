package modelfile

import (
	"context"
	"encoding/binary"
	"fmt"
)

// kind is what the pickle machine knows of a value.
type kind uint8

const (
	opaque kind = iota // anything that no decision hangs on
	lost               // known once, forgotten for want of room
	text               // str, or bytes that may become one
	number             // int in num, or s where it is longer
	global             // s is "module name", num is not 0 when it is allowed
	object             // made by calling the global s
	tuple              // items
	dict               // items: key, value, key, value
	absent             // None
)

// node is a value on the pickle machine's stack or in its memo. A nil node is
// opaque.
type node struct {
	kind    kind
	s       string
	num     int64
	items   []*node
	state   *node // what BUILD gave an object
	known   bool  // a global that is known to be dangerous
	objects bool  // an element type of NumPy that holds objects, or a tuple or dict that may hold one
	weight  int   // what holding it costs: nodes, and text by 64 bytes
}

// The machine's bounds. Within them a hostile file costs about 100 MiB, an
// honest one far less.
const (
	maxStack   = 1 << 20 // values on the stack
	maxMarks   = 1 << 16 // MARKs that are open at once
	maxMemo    = 4 << 20 // slots of the memo that are looked at
	maxSparse  = 1 << 10 // memo slots with a number beyond any honest one
	maxWeight  = 1 << 20 // of all nodes on the stack, and of all in the memo
	maxNode    = 256     // of one node; a larger one becomes opaque
	maxDict    = 64      // of what is kept of one dict
	maxText    = 1 << 10 // bytes of a text that are kept
	maxNumeral = 4300    // digits of an integer, Python's own limit (sys.int_info)
	maxLine    = 32 << 10
)

// broken says why a pickle cannot be read on.
type broken struct {
	off   int64
	why   string
	limit bool // ours: a loader reads on
}

func (b *broken) Error() string { return fmt.Sprintf("offset %d: %s", b.off, b.why) }

// machine walks a pickle as Python's unpickler does, and calls nothing.
type machine struct {
	*cursor
	quiet  bool // a trial: reports nothing
	stack  []*node
	marks  []int // heights of the stack
	memo   []*node
	sparse map[uint64]*node
	memoed uint64 // slots in use, as Python counts them
	other  *node  // stands in the memo for what no decision hangs on
	gone   *node  // and for what there is no room for
	forgot bool   // a slot of the memo was not kept
	weight int    // of the stack
	kept   int    // of the memo
	frame  int64  // end of the current frame; 0 outside of any

	at    int64 // offset of the opcode at work
	ops   int64
	calls int  // calls of a global that would have been made
	known bool // a global was named that is allowed, or known to be dangerous
	odd   bool // a trial met a name that hardly anything has: from here on only calls of what is known to be dangerous count
	plain bool // arrays of joblib are not read: a pickle within one

	storages map[string]bool // keys of tensors' storages, counted once
	arrays   int             // joblib arrays between the opcodes
}

func newMachine(ctx context.Context, in *input, off int64) *machine {
	return &machine{
		cursor:   newCursor(ctx, in, off),
		other:    &node{kind: opaque, weight: 1},
		gone:     &node{kind: lost},
		storages: map[string]bool{},
	}
}

// run walks one pickle to its STOP and returns what it would load. Memo and
// stack start empty, as for every pickle of a file.
func (m *machine) run(most int64) (*node, *broken) {
	m.stack, m.marks, m.memo, m.sparse = m.stack[:0], m.marks[:0], m.memo[:0], map[uint64]*node{}
	m.memoed, m.forgot, m.weight, m.kept, m.frame = 0, false, 0, 0, 0
	for m.ops = 0; m.ops < most; m.ops++ {
		m.at = m.off
		if m.ops%4096 == 0 && !m.in.alive(m.ctx) {
			return nil, m.stop("cannot be read")
		}
		if !m.quiet && !m.in.spend(1) {
			return nil, m.stop("longer than the limit")
		}
		op, ok := m.take(1)
		if !ok {
			return nil, m.stop("ends before its STOP")
		}
		if op[0] == '.' {
			return m.end()
		}
		code := op[0]
		if err := m.step(code); err != nil {
			return nil, err
		}
		m.framed(code)
	}
	return nil, nil
}

func (m *machine) end() (*node, *broken) {
	if m.frame > m.off {
		m.lies()
	}
	if len(m.stack) == 0 || len(m.marks) > 0 && m.marks[len(m.marks)-1] >= len(m.stack) {
		return nil, m.stop("STOP with nothing to return")
	}
	return m.stack[len(m.stack)-1], nil
}

func (m *machine) stop(format string, args ...any) *broken {
	return &broken{off: m.at, why: fmt.Sprintf(format, args...)}
}

// beyond is stop at a limit that loaders do not have.
func (m *machine) beyond(format string, args ...any) *broken {
	err := m.stop(format, args...)
	err.limit = true
	return err
}

// framed checks the opcode just done against the frame it stands in. Python's
// two unpicklers differ in what a lying frame makes them read.
func (m *machine) framed(code byte) {
	if m.frame == 0 {
		return
	}
	if m.off > m.frame && m.at < m.frame && code != 0x95 {
		m.lies()
	}
	if m.off >= m.frame && code != 0x95 {
		m.frame = 0
	}
}

func (m *machine) lies() {
	if !m.quiet {
		m.in.unscanned("the pickle's frame at offset %d ends elsewhere than it says", m.at)
	}
}

func (m *machine) push(n *node) *broken {
	if len(m.stack) >= maxStack {
		return m.beyond("more than %d values on the stack", maxStack)
	}
	n = m.hold(n)
	m.stack = append(m.stack, n)
	return nil
}

// hold counts what n costs on the stack, and forgets it when there is no room.
func (m *machine) hold(n *node) *node {
	if n == nil || n.kind == lost {
		return n
	}
	if n.weight == 0 {
		n.weight = weigh(n)
	}
	if n.weight > maxNode || m.weight+n.weight > maxWeight {
		return &node{kind: lost}
	}
	m.weight += n.weight
	return n
}

// weigh is what holding n costs. A dict costs as much as it may come to hold.
func weigh(n *node) int {
	if n.kind == dict {
		return maxDict
	}
	weight := 1 + len(n.s)/64
	for _, item := range n.items {
		if item != nil {
			weight += item.weight
		}
	}
	return weight
}

func (m *machine) drop(n *node) {
	if n != nil {
		m.weight -= n.weight
	}
}

// pop takes the top value; not one below the last MARK.
func (m *machine) pop() (*node, *broken) {
	low := 0
	if len(m.marks) > 0 {
		low = m.marks[len(m.marks)-1]
	}
	if len(m.stack) <= low {
		return nil, m.stop("takes from an empty stack")
	}
	n := m.stack[len(m.stack)-1]
	m.stack = m.stack[:len(m.stack)-1]
	m.drop(n)
	return n, nil
}

// popMark takes all values above the last MARK, and the MARK.
func (m *machine) popMark() ([]*node, *broken) {
	if len(m.marks) == 0 {
		return nil, m.stop("no MARK on the stack")
	}
	low := m.marks[len(m.marks)-1]
	m.marks = m.marks[:len(m.marks)-1]
	items := m.stack[low:]
	for _, n := range items {
		m.drop(n)
	}
	m.stack = m.stack[:low]
	return items, nil
}

func (m *machine) top() (*node, *broken) {
	n, err := m.pop()
	if err != nil {
		return nil, err
	}
	m.stack = append(m.stack, n)
	if n != nil {
		m.weight += n.weight
	}
	return n, nil
}

// put remembers n in a slot of the memo. A slot with a higher number than the
// pickle has bytes makes C Python allocate that much.
func (m *machine) put(slot uint64, n *node) {
	if slot > uint64(m.off) { //nolint:gosec // an offset is not negative
		m.bomb("slot %d of the memo", slot)
	}
	if !m.has(slot) {
		m.memoed++
	}
	n = m.keep(n)
	switch {
	case slot < maxMemo && slot <= uint64(m.off): //nolint:gosec // an offset is not negative
		for uint64(len(m.memo)) <= slot {
			m.memo = append(m.memo, nil)
		}
		m.memo[slot] = n
	case len(m.sparse) < maxSparse:
		m.sparse[slot] = n
	default:
		m.forgot = true
	}
}

// keep is what the memo holds of n: what a name, an array or a tensor may be
// made of, and of the rest only that it is there.
func (m *machine) keep(n *node) *node {
	switch {
	case n == nil || n.kind == dict || n.kind == number || n.kind == absent || n.kind == text && !isName(n.s):
		return m.other
	case m.kept+n.weight > maxWeight:
		return m.gone
	}
	m.kept += n.weight
	return n
}

func (m *machine) has(slot uint64) bool {
	return slot < uint64(len(m.memo)) && m.memo[slot] != nil || m.sparse[slot] != nil
}

// get is what stands in a slot. Beyond what is looked at, it is lost.
func (m *machine) get(slot uint64) (*node, *broken) {
	switch {
	case slot < uint64(len(m.memo)) && m.memo[slot] != nil:
		return m.memo[slot], nil
	case m.sparse[slot] != nil:
		return m.sparse[slot], nil
	case m.forgot:
		return m.gone, nil
	}
	return nil, m.stop("no value in slot %d of the memo", slot)
}

// uint reads n bytes, little-endian.
func (m *machine) uint(n int) (uint64, *broken) {
	b, ok := m.take(n)
	if !ok {
		return 0, m.stop("ends within an opcode")
	}
	var full [8]byte
	copy(full[:], b)
	return binary.LittleEndian.Uint64(full[:]), nil
}

// bytes reads a length of n bytes and a string of that many, of which it returns
// as much as is kept. What follows is checked to be there and not read.
func (m *machine) bytes(n int) (start int64, size int64, kept []byte, err *broken) {
	length, err := m.uint(n)
	if err != nil {
		return 0, 0, nil, err
	}
	if length > uint64(m.left()) { //nolint:gosec // not negative
		return 0, 0, nil, m.stop("a string of %d bytes where %d are left", length, m.left())
	}
	start, size = m.off, int64(length) //nolint:gosec // at most the size of the file
	if size <= maxText {
		kept = m.peek(int(size))
	}
	if !m.skip(size) {
		return 0, 0, nil, m.stop("ends within a string")
	}
	return start, size, kept, nil
}
