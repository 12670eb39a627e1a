package modelfile

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// step does one opcode of Lib/pickle.py, protocols 0 to 5.
func (m *machine) step(op byte) *broken {
	if n, ok := fixed(op); ok { // values of a known length
		b, ok := m.take(n)
		if !ok {
			return m.stop("ends within an opcode")
		}
		return m.push(small(op, b))
	}
	switch op {
	case '(', '0', '1', '2', ')', ']', '}', 'l', 'd', 't', 0x85, 0x86, 0x87, 0x8f, 0x91, 'a', 'e', 's', 'u', 0x90:
		return m.build(op)
	case 'p', 'q', 'r', 0x94, 'g', 'h', 'j':
		return m.remember(op)
	case 'I', 'L', 'F', 'S', 'V', 'P', 'c':
		return m.lines(op)
	case 'T', 'U', 'X', 0x8c, 0x8d, 'B', 'C', 0x8e, 0x96, 0x8a, 0x8b:
		return m.strings(op)
	case 'R', 'b', 'i', 'o', 0x81, 0x92, 0x93, 'Q', 0x82, 0x83, 0x84:
		return m.invoke(op)
	case 0x97, 0x98:
		return m.outside(op)
	case 0x80:
		return m.proto()
	case 0x95:
		return m.framing()
	}
	return m.stop("no opcode 0x%02x", op)
}

// fixed is how many bytes follow an opcode that pushes a plain value.
func fixed(op byte) (int, bool) {
	switch op {
	case 'N', 0x88, 0x89:
		return 0, true
	case 'K':
		return 1, true
	case 'M':
		return 2, true
	case 'J':
		return 4, true
	case 'G':
		return 8, true
	}
	return 0, false
}

func small(op byte, b []byte) *node {
	switch op {
	case 'N':
		return &node{kind: absent}
	case 0x88:
		return &node{kind: number, num: 1}
	case 0x89:
		return &node{kind: number}
	case 'K':
		return &node{kind: number, num: int64(b[0])}
	case 'M':
		return &node{kind: number, num: int64(b[0]) | int64(b[1])<<8}
	case 'J':
		return &node{kind: number, num: int64(int32(uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24))} //nolint:gosec // signed by the format
	}
	return nil
}

func (m *machine) proto() *broken {
	version, err := m.uint(1)
	if err == nil && version > 5 {
		return m.stop("protocol %d, expected at most 5", version)
	}
	return err
}

func (m *machine) framing() *broken {
	size, err := m.uint(8)
	if err != nil {
		return err
	}
	if size > uint64(m.left()) { //nolint:gosec // not negative
		if size > math.MaxInt64 {
			return m.stop("a frame of %d bytes where %d are left", size, m.left())
		}
		if !m.quiet { // Python's own unpickler, which joblib and dill use, reads what is there
			m.in.unscanned("the pickle has a frame of %d bytes at offset %d where %d are left", size, m.at, m.left())
		}
		size = uint64(m.left()) //nolint:gosec // not negative
	}
	if m.frame > m.at {
		m.lies()
	}
	m.frame = m.off + int64(size) //nolint:gosec // at most the size of the file
	return nil
}

// build does the opcodes that make containers.
func (m *machine) build(op byte) *broken {
	switch op {
	case '(':
		if len(m.marks) == maxMarks {
			return m.beyond("more than %d MARKs", maxMarks)
		}
		m.marks = append(m.marks, len(m.stack))
		return nil
	case '0':
		if len(m.marks) > 0 && m.marks[len(m.marks)-1] == len(m.stack) {
			m.marks = m.marks[:len(m.marks)-1] // as Python does: a MARK is popped too
			return nil
		}
		_, err := m.pop()
		return err
	case '1':
		_, err := m.popMark()
		return err
	case '2':
		n, err := m.top()
		if err != nil {
			return err
		}
		return m.push(n)
	case ')':
		return m.push(&node{kind: tuple})
	case ']', 0x8f:
		return m.push(nil)
	case '}':
		return m.push(&node{kind: dict})
	case 0x85, 0x86, 0x87:
		return m.tuple(int(op) - 0x84)
	}
	if op == 'a' || op == 's' {
		return m.fill(op)
	}
	items, err := m.popMark()
	if err != nil {
		return err
	}
	switch op {
	case 't':
		return m.push(tupleOf(items))
	case 'd':
		n := &node{kind: dict}
		n.set(items)
		return m.push(n)
	case 'l', 0x91:
		return m.push(nil)
	}
	return m.add(op, items)
}

// tupleOf keeps short tuples as they are, and of a longer one that it is there.
func tupleOf(items []*node) *node {
	const most = 32 // items; arguments and shapes have fewer
	if len(items) > most {
		return nil
	}
	return &node{kind: tuple, items: append([]*node(nil), items...), objects: slices.ContainsFunc(items, mayHold)}
}

func (m *machine) tuple(n int) *broken {
	items := make([]*node, n)
	for i := n - 1; i >= 0; i-- {
		item, err := m.pop()
		if err != nil {
			return err
		}
		items[i] = item
	}
	return m.push(tupleOf(items))
}

// fill does APPEND and SETITEM.
func (m *machine) fill(op byte) *broken {
	value, err := m.pop()
	if err != nil {
		return err
	}
	items := []*node{value}
	if op == 's' {
		key, err := m.pop()
		if err != nil {
			return err
		}
		items = []*node{key, value}
	}
	return m.add(op, items)
}

// add puts items into what is on top: APPEND(S) and ADDITEMS call methods of it
// that a class may define, SETITEM(S) its __setitem__.
func (m *machine) add(op byte, items []*node) *broken {
	n, err := m.top()
	if err != nil {
		return err
	}
	if n != nil && n.kind == dict && (op == 's' || op == 'u') {
		n.set(items)
	}
	if n != nil && (n.kind == global || n.kind == lost || n.kind == object && n.num == 1 && (op == 's' || op == 'u') && !takesItems(n.s)) {
		m.strange(n, "items are put into it")
	}
	return nil
}

// set keeps the pairs whose key is a text, as far as a dict's weight goes.
func (n *node) set(items []*node) {
	room := maxDict
	for _, item := range n.items {
		if item != nil {
			room -= item.weight
		}
	}
	for i := 0; i+1 < len(items); i += 2 {
		key, value := items[i], items[i+1]
		n.objects = n.objects || mayHold(value)
		if key == nil || key.kind != text {
			continue
		}
		cost := key.weight
		if value != nil {
			cost += value.weight
		}
		if room -= cost; room < 0 {
			return
		}
		n.items = append(n.items, key, value)
	}
}

// field is the value of a dict's key, the last one set; nil when there is none.
func (n *node) field(name string) *node {
	if n == nil || n.kind != dict {
		return nil
	}
	for i := len(n.items) - 2; i >= 0; i -= 2 {
		if n.items[i].s == name {
			return n.items[i+1]
		}
	}
	return nil
}

// remember does the memo's opcodes.
func (m *machine) remember(op byte) *broken {
	slot := m.memoed
	var err *broken
	switch op {
	case 'p', 'g':
		var s string
		if s, err = m.text(); err == nil {
			var ok bool
			if slot, ok = slotOf(s); !ok {
				return m.stop("the slot %q of the memo, expected a number", shown(s, 20))
			}
		}
	case 'q', 'h':
		slot, err = m.uint(1)
	case 'r', 'j':
		slot, err = m.uint(4)
	}
	if err != nil {
		return err
	}
	if op == 'g' || op == 'h' || op == 'j' {
		n, err := m.get(slot)
		if err != nil {
			return err
		}
		return m.push(n)
	}
	n, err := m.top()
	if err == nil {
		m.put(slot, n)
	}
	return err
}

// slotOf reads a number as Python's int does: with a sign, and underscores between
// digits.
func slotOf(s string) (uint64, bool) {
	s = strings.TrimPrefix(strings.TrimSpace(s), "+")
	if strings.HasPrefix(s, "_") || strings.HasSuffix(s, "_") || strings.Contains(s, "__") {
		return 0, false
	}
	n, err := strconv.ParseUint(strings.ReplaceAll(s, "_", ""), 10, 64)
	return n, err == nil
}

// text reads a line. A number may be longer than what is kept, by spaces or zeros.
func (m *machine) text() (string, *broken) {
	s, ok := m.line(maxLine)
	if ok {
		return s, nil
	}
	if m.left() > maxLine && strings.Trim(string(m.peek(maxLine)), " \t\v\f\r+-_.0123456789") == "" {
		return "", m.beyond("no end of a number within %d bytes", maxLine)
	}
	return "", m.stop("no end of line within %d bytes", maxLine)
}

// lines does the opcodes of protocol 0.
func (m *machine) lines(op byte) *broken {
	if op == 'S' || op == 'V' {
		return m.longLine(op)
	}
	s, err := m.text()
	if err != nil {
		return err
	}
	switch op {
	case 'I', 'L':
		return m.push(m.numeral(strings.TrimSuffix(strings.TrimSpace(s), "L")))
	case 'P':
		m.odd = m.odd || m.quiet && !isPlain([]byte(s))
		return m.push(m.persistent(&node{kind: text, s: s}))
	case 'c':
		name, err := m.text()
		if err != nil {
			return err
		}
		return m.push(m.global(strings.TrimSuffix(s, "\r"), strings.TrimSuffix(name, "\r")))
	}
	return m.push(nil)
}

// longLine reads a text that may be longer than a line that is kept.
func (m *machine) longLine(op byte) *broken {
	const most = 16 << 20 // bytes of a text without its length before it
	start := m.off
	first := strings.TrimLeft(string(m.peek(16)), " \t\r\v\f")
	quoted := first != "" && (first[0] == '\'' || first[0] == '"')
	s, ok := m.line(maxLine)
	for !ok {
		if m.off-start > most && (op == 'V' || quoted) {
			return m.beyond("no end of a text within %d bytes", m.off-start)
		}
		if m.off-start > most || m.left() <= maxLine || !m.skip(maxLine) || !m.in.alive(m.ctx) {
			return m.stop("no end of a text within %d bytes", m.off-start)
		}
		if _, ok = m.line(maxLine); ok {
			return m.push(nil)
		}
	}
	if op == 'V' {
		return m.push(keptText(unescape(s, false)))
	}
	s = strings.TrimSpace(s)
	if len(s) < 2 || s[0] != s[len(s)-1] || s[0] != '\'' && s[0] != '"' {
		return m.stop("a string without quotes")
	}
	s = unescape(s[1:len(s)-1], true)
	m.nested(m.at, []byte(s))
	return m.push(keptText(s))
}

func keptText(s string) *node {
	if len(s) > maxText {
		return nil
	}
	return &node{kind: text, s: s}
}

// numeral is an integer in decimal. Python reads long ones in quadratic time,
// and refuses them since 3.11.
func (m *machine) numeral(s string) *node {
	if len(s) > maxNumeral {
		m.bomb("an integer of %d digits", len(s))
		return nil
	}
	i, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return nil
	}
	return &node{kind: number, num: i}
}

// strings does the opcodes that carry a length.
func (m *machine) strings(op byte) *broken {
	width := 4
	switch op {
	case 'U', 'C', 0x8c, 0x8a:
		width = 1
	case 0x8d, 0x8e, 0x96:
		width = 8
	}
	start, size, kept, err := m.bytes(width)
	if err != nil {
		return err
	}
	if op == 0x8a || op == 0x8b {
		return m.push(m.long(size, kept))
	}
	if op == 'X' || op == 0x8c || op == 0x8d {
		m.nestedText(start, size)
	} else {
		m.nestedAt(start, size)
	}
	if size > maxText {
		return m.push(nil)
	}
	return m.push(&node{kind: text, s: string(kept)})
}

// long is an integer in two's complement, little-endian.
func (m *machine) long(size int64, b []byte) *node {
	if size > maxText {
		m.bomb("an integer of %d bytes", size)
		return nil
	}
	n := &node{kind: number}
	if len(b) > 8 {
		n.s = string(b)
		return n
	}
	for i, c := range b {
		n.num |= int64(c) << (8 * i)
	}
	if len(b) > 0 && len(b) < 8 && b[len(b)-1] >= 0x80 {
		n.num -= 1 << (8 * len(b))
	}
	return n
}

// unescape undoes Python's escapes: of a bytes literal (STRING), or only \u and
// \U (UNICODE). What is no escape stays as it is.
func unescape(s string, literal bool) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			i++
			continue
		}
		n, r := escape(s[i:], literal)
		b.WriteString(r)
		i += n
	}
	return b.String()
}

// escape reads the escape at the start of s: its length and what it stands for.
func escape(s string, literal bool) (int, string) {
	c := s[1]
	digits := map[byte]int{'u': 4, 'U': 8}[c]
	if literal {
		digits = map[byte]int{'x': 2}[c]
	}
	if digits > 0 && len(s) >= 2+digits {
		if v, err := strconv.ParseUint(s[2:2+digits], 16, 32); err == nil {
			if literal {
				return 2 + digits, string([]byte{byte(v)})
			}
			return 2 + digits, string(rune(v)) //nolint:gosec // 32 bits; what is no character becomes U+FFFD
		}
	}
	if !literal {
		return 1, `\`
	}
	if c >= '0' && c <= '7' {
		n := 1
		for n < 4 && n < len(s) && s[n] >= '0' && s[n] <= '7' {
			n++
		}
		v, _ := strconv.ParseUint(s[1:n], 8, 16)
		return n, string([]byte{byte(v)}) //nolint:gosec // as Python does, modulo 256
	}
	if i := strings.IndexByte(`abfnrtv`, c); i >= 0 {
		return 2, string("\a\b\f\n\r\t\v"[i])
	}
	if c == '\\' || c == '\'' || c == '"' {
		return 2, string(c)
	}
	return 2, s[:2]
}

// outside does NEXT_BUFFER and READONLY_BUFFER: buffers that the caller of the
// unpickler gives, which no file can.
func (m *machine) outside(op byte) *broken {
	if !m.quiet {
		m.in.unscanned("the pickle takes a buffer from outside the file at offset %d", m.at)
	}
	if op == 0x97 {
		return m.push(nil)
	}
	_, err := m.top()
	return err
}
