package modelfile

import (
	"fmt"
	"math"
	"strings"

	"github.com/org/ai-ship/pkg/scan"
)

// invoke does the opcodes that name something outside of the pickle, or call it.
func (m *machine) invoke(op byte) *broken {
	switch op {
	case 0x93:
		return m.stackGlobal()
	case 'i':
		return m.inst()
	case 'Q':
		id, err := m.pop()
		if err != nil {
			return err
		}
		return m.push(m.persistent(id))
	case 0x82, 0x83, 0x84:
		return m.extension(map[byte]int{0x82: 1, 0x83: 2, 0x84: 4}[op])
	case 'o':
		items, err := m.popMark()
		if err != nil {
			return err
		}
		if len(items) == 0 {
			return m.stop("OBJ without a class")
		}
		return m.push(m.call(items[0], tupleOf(items[1:])))
	case 'b':
		return m.setState()
	}
	args, err := m.pop()
	if err != nil {
		return err
	}
	if op == 0x92 { // NEWOBJ_EX: the keyword arguments lie above
		if args, err = m.pop(); err != nil {
			return err
		}
	}
	callee, err := m.pop()
	if err != nil {
		return err
	}
	return m.push(m.call(callee, args))
}

func (m *machine) stackGlobal() *broken {
	name, err := m.pop()
	if err != nil {
		return err
	}
	module, err := m.pop()
	if err != nil {
		return err
	}
	if name != nil && module != nil && name.kind == text && module.kind == text {
		return m.push(m.global(module.s, name.s))
	}
	m.report(Risk{
		Rule: "pickle-global", Severity: scan.High, Calls: "a name that cannot be followed",
		Why: "What is loaded is named by values that are no plain text, or too far away to be followed.",
	})
	return m.push(&node{kind: global, s: "? ?"})
}

func (m *machine) inst() *broken {
	module, err := m.text()
	if err != nil {
		return err
	}
	name, err := m.text()
	if err != nil {
		return err
	}
	args, err := m.popMark()
	if err != nil {
		return err
	}
	return m.push(m.call(m.global(strings.TrimSuffix(module, "\r"), strings.TrimSuffix(name, "\r")), tupleOf(args)))
}

// extension is a global by its number in copyreg's registry, which the program
// that loads the file fills.
func (m *machine) extension(width int) *broken {
	code, err := m.uint(width)
	if err != nil {
		return err
	}
	m.report(Risk{
		Rule: "pickle-extension", Severity: scan.High, Calls: fmt.Sprintf("copyreg extension %d", code),
		Why: "What is loaded is named by a number of the extension registry of the program that loads it, not in the file.",
	})
	return m.push(&node{kind: global, s: "? ?"})
}

// global is what GLOBAL, STACK_GLOBAL and INST find: Python imports the module
// and takes the name from it, which by itself runs the module's code.
func (m *machine) global(module, name string) *node {
	n := &node{kind: global, s: module + " " + name}
	if m.in.torchscript && isName(module) && (module == "__torch__" || strings.HasPrefix(module, "__torch__.")) {
		n.num = 1 // a class of the code in the same archive
		return n
	}
	if m.quiet && (!plausible(module) || !plausible(name)) {
		m.odd = true
		return n
	}
	verdict := judge(module, name)
	m.known = m.known || verdict.listed && !m.odd
	n.known = verdict.listed && verdict.severity == scan.Critical
	if verdict.severity == scan.Unknown {
		n.num = 1
		return n
	}
	if top, _, _ := strings.Cut(module, "."); verdict.rule == "pickle-class" && !m.quiet && m.in.card.Framework == "" {
		m.in.card.Framework = strings.Replace(top, "sklearn", "scikit-learn", 1)
	}
	m.report(Risk{
		Rule: verdict.rule, Severity: verdict.severity, Calls: module + "." + name,
		Why: verdict.why, Convert: verdict.convert,
	})
	return n
}

// plausible reports whether s may be a name: a trial of a text ends where none is.
func plausible(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x80 && !isName("a"+s[i:i+1]) {
			return false
		}
	}
	return s != ""
}

// call is what calling callee gives. Calling a global is no risk of its own: the
// global's name is one, if it is not allowed. Calling anything else is.
func (m *machine) call(callee, args *node) *node {
	if callee == nil || callee.kind != global {
		m.strange(callee, "it is called")
		return nil
	}
	if !m.odd || callee.known {
		m.calls++
	}
	if callee.num == 1 {
		m.counted(callee.s)
	}
	n := &node{kind: object, s: callee.s, num: callee.num}
	if callee.s == "numpy dtype" {
		n.items = []*node{args}
		d, ok := dtypeOf(n)
		n.objects = !ok || d.objects
	}
	return n
}

// strange reports that something is done to a value that should not have it done.
func (m *machine) strange(n *node, what string) {
	of := "a value that is computed"
	if n != nil && n.s != "" {
		of = strings.Replace(n.s, " ", ".", 1)
		if n.kind == object {
			of += "(…)"
		}
	}
	m.report(Risk{
		Rule: "pickle-call", Severity: scan.High, Calls: of,
		Why: "This is not named in the file but made while it is loaded, and then " + what + ", so that nobody can say what runs.",
	})
}

// setState does BUILD: it calls __setstate__ or sets attributes.
func (m *machine) setState() *broken {
	state, err := m.pop()
	if err != nil {
		return err
	}
	n, err := m.top()
	if err != nil {
		return err
	}
	if n != nil && (n.kind == global || n.kind == lost || n.kind == text) {
		m.strange(n, "its attributes are set")
	}
	if n == nil || n.kind != object {
		return nil
	}
	if state.field("__setstate__") != nil || state.field("__reduce__") != nil || state.field("__class__") != nil {
		m.strange(n, "methods of it are replaced")
	}
	if isArrayWrapper(n.s) {
		m.arrays++
		return m.array(state)
	}
	if n.s == "numpy dtype" && forged(n, state) {
		m.strange(n, "said to hold no pointers where it does, so that numbers of the file become addresses of objects")
	}
	if n.s == "numpy dtype" && n.state == nil {
		m.setTop(&node{kind: object, s: n.s, num: n.num, items: n.items, state: state, objects: holdsObjects(n, state)})
	}
	return nil
}

// takesItems reports whether an allowed class is a dict: of others, as of tensors,
// items are memory, which PyTorch before 2.10 did not guard (CVE-2026-24747).
func takesItems(class string) bool {
	module, name, _ := strings.Cut(class, " ")
	return oneOf(name, "dict OrderedDict defaultdict Counter") || strings.HasPrefix(module, "__torch__") || oneOf(module, "copyreg copy_reg")
}

// setTop replaces the top value by one that knows its state, in the memo too.
func (m *machine) setTop(n *node) {
	old := m.stack[len(m.stack)-1]
	m.drop(old)
	m.stack[len(m.stack)-1] = m.hold(n)
	const near = 64 // slots: the object was memoised just before its state was made
	for i := len(m.memo) - 1; i >= 0 && i >= len(m.memo)-near; i-- {
		if m.memo[i] == old && old != nil {
			m.memo[i] = m.keep(m.stack[len(m.stack)-1])
		}
	}
}

// persistent is a value by a number or name that the loader must know. PyTorch's
// own run no code: one names a tensor's storage, the other, of old whole models,
// a class beside its source, which is only compared.
func (m *machine) persistent(id *node) *node {
	if id != nil && id.kind == tuple && len(id.items) >= 4 && id.items[1] != nil && id.items[1].kind == global {
		class := id.items[1]
		if isText(id.items[0], "storage") && len(id.items) >= 5 && strings.HasPrefix(class.s, "torch") && class.num == 1 {
			m.storage(class.s, id.items[2], id.items[4])
			return nil
		}
		if isText(id.items[0], "module") {
			return class
		}
	}
	m.report(Risk{
		Rule: "pickle-persistent-id", Severity: scan.Medium, Calls: "persistent_load",
		Why:     "A part is loaded by a function of the program that loads the file, from what the file names.",
		Convert: convertWeights,
	})
	return nil
}

func isText(n *node, s string) bool { return n != nil && n.kind == text && n.s == s }

// storage counts a tensor storage in the card, once for each key.
func (m *machine) storage(kind string, key, count *node) {
	_, class, _ := strings.Cut(kind, " ")
	const most = 1 << 20 // storages of a model
	if key == nil || count == nil || key.kind != text || count.kind != number || count.num < 0 || count.s != "" ||
		m.quiet || m.storages[key.s] || len(m.storages) == most {
		return
	}
	m.storages[key.s] = true
	if m.in.storages != nil {
		m.in.storages[key.s] = count.num
	}
	card := &m.in.card
	card.addDtype(torchDtype(class))
	if card.Parameters <= math.MaxInt64-count.num {
		card.Parameters += count.num
	}
}

// counted notes what an allowed call says about the model.
func (m *machine) counted(callee string) {
	if module, _, _ := strings.Cut(callee, " "); !m.quiet && hasPrefix(module, "torch") {
		m.in.card.Framework = "pytorch"
	}
}

// torchDtype is the name of a storage class's elements, as torch spells it.
func torchDtype(class string) string {
	names := map[string]string{
		"FloatStorage": "float32", "DoubleStorage": "float64", "HalfStorage": "float16", "BFloat16Storage": "bfloat16",
		"LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8",
		"ByteStorage": "uint8", "BoolStorage": "bool", "ComplexFloatStorage": "complex64", "ComplexDoubleStorage": "complex128",
		"QInt8Storage": "qint8", "QUInt8Storage": "quint8", "QInt32Storage": "qint32",
	}
	return names[class]
}

// addDtype adds a type of numbers to the card, once.
func (c *Card) addDtype(name string) {
	const most = 32 // a model has a handful
	if name == "" || len(c.Dtypes) == most {
		return
	}
	for _, d := range c.Dtypes {
		if d == name {
			return
		}
	}
	c.Dtypes = append(c.Dtypes, name)
}

// report adds a risk at the opcode at work.
func (m *machine) report(r Risk) {
	if m.quiet {
		return
	}
	r.Offset = m.at
	if r.Convert == "" {
		r.Convert = convertPickle
	}
	m.in.risk(r)
}

// bomb reports what costs a loader far more than the file is long.
func (m *machine) bomb(format string, args ...any) {
	m.report(Risk{
		Rule: "pickle-bomb", Severity: scan.High, Calls: fmt.Sprintf(format, args...),
		Why: "Loading this costs memory or time out of all proportion to the file.",
	})
}
