package modelfile

import (
	"context"
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/org/ai-ship/pkg/scan"
)

// inspectTFLite reads a flatbuffer (tensorflow/compiler/mlir/lite/schema/schema.fbs)
// by hand: every offset is checked against the file before it is followed.
func inspectTFLite(ctx context.Context, in *input) {
	in.card.Format, in.card.Framework = TFLite, "tensorflow-lite"
	if string(in.at(4, 4)) != "TFL3" {
		in.unscanned("the TFLite identifier is missing")
		return
	}
	f := &flat{ctx: ctx, in: in}
	if err := f.model(); err != nil && in.alive(ctx) {
		in.unscanned("the TFLite model: %v", err)
	}
}

type flat struct {
	ctx     context.Context //nolint:containedctx // lives for one call of an inspector
	in      *input
	buffers flatVector
	counted map[uint64]bool // buffers
	tables  int64           // that were read, the same one perhaps many times
}

// flatTable is a table: where it and its list of fields (vtable) stand.
type flatTable struct{ at, fields, size int64 }

// flatVector is where the first element stands, and how many there are.
type flatVector struct{ at, count int64 }

// uint reads a number of n bytes.
func (f *flat) uint(at int64, n int) (uint64, error) {
	b := f.in.at(at, n)
	if len(b) < n || !f.in.alive(f.ctx) {
		return 0, errors.New("an offset leads out of the file")
	}
	return littleEndian(b), nil
}

// follow is where the offset at a place leads.
func (f *flat) follow(at int64) (int64, error) {
	n, err := f.uint(at, 4)
	if err == nil && (n == 0 || n > math.MaxInt32 || int64(n) > f.in.Size-at) { //nolint:gosec // below 2³¹
		err = errors.New("an offset leads out of the file, or nowhere")
	}
	return at + int64(n), err //nolint:gosec // below 2³² in any case
}

func (f *flat) table(at int64) (flatTable, error) {
	const most = 2 << 20 // tables
	if f.tables++; f.tables > most || !f.in.spend(1) {
		return flatTable{}, errors.New("it has too many tables")
	}
	back, err := f.uint(at, 4)
	if err != nil {
		return flatTable{}, err
	}
	fields := at - int64(int32(uint32(back))) //nolint:gosec // the offset is signed
	size, err := f.uint(fields, 2)
	if err == nil && (size < 4 || size%2 != 0 || fields < 0) {
		err = errors.New("a table's list of fields is too short or lies outside")
	}
	return flatTable{at, fields, int64(size)}, err //nolint:gosec // two bytes
}

// field is where field n of t stands; 0 when t does not have it.
func (f *flat) field(t flatTable, n int64) (int64, error) {
	if 4+2*n+2 > t.size {
		return 0, nil
	}
	off, err := f.uint(t.fields+4+2*n, 2)
	if err != nil || off == 0 {
		return 0, err
	}
	return t.at + int64(off), nil //nolint:gosec // two bytes
}

// number is field n of t, of size bytes; 0 when t does not have it.
func (f *flat) number(t flatTable, n int64, size int) (uint64, error) {
	at, err := f.field(t, n)
	if err != nil || at == 0 {
		return 0, err
	}
	return f.uint(at, size)
}

// vector is field n of t, a list of elements of size bytes each.
func (f *flat) vector(t flatTable, n, size int64) (flatVector, error) {
	at, err := f.field(t, n)
	if err != nil || at == 0 {
		return flatVector{}, err
	}
	if at, err = f.follow(at); err != nil {
		return flatVector{}, err
	}
	count, err := f.uint(at, 4)
	if err == nil && int64(count) > (f.in.Size-at-4)/size { //nolint:gosec // four bytes
		err = errors.New("a list is longer than the file")
	}
	return flatVector{at + 4, int64(count)}, err //nolint:gosec // four bytes
}

// each calls do for every table that field n of t lists.
func (f *flat) each(t flatTable, n int64, do func(flatTable) error) error {
	v, err := f.vector(t, n, 4)
	for i := int64(0); err == nil && i < v.count; i++ {
		err = f.element(v, i, do)
	}
	return err
}

// element calls do for the table that v lists at i.
func (f *flat) element(v flatVector, i int64, do func(flatTable) error) error {
	at, err := f.follow(v.at + 4*i)
	if err != nil {
		return err
	}
	t, err := f.table(at)
	if err != nil {
		return err
	}
	return do(t)
}

func (f *flat) model() error {
	root, err := f.follow(0)
	if err != nil {
		return err
	}
	t, err := f.table(root)
	if err != nil {
		return err
	}
	version, err := f.number(t, 0, 4)
	if err != nil {
		return err
	}
	f.in.card.Version = strconv.FormatUint(version, 10)
	if version != 3 {
		f.in.unscanned("the TFLite model is of version %d, only 3 is known", version)
	}
	// Each part is read even when the one before is broken.
	err = f.each(t, 1, f.operator)
	buffers, other := f.vector(t, 4, 4)
	f.buffers, f.counted = buffers, map[uint64]bool{}
	if other == nil {
		other = f.each(t, 4, f.buffer)
	}
	third := f.each(t, 2, func(g flatTable) error { return f.each(g, 0, f.tensor) })
	return errors.Join(err, other, third)
}

// operator is OperatorCode: builtin codes (0, and 3 since version 3a) and the name (1).
func (f *flat) operator(t flatTable) error {
	const custom = 32 // BuiltinOperator_CUSTOM
	old, err := f.number(t, 0, 1)
	if err != nil {
		return err
	}
	code, err := f.number(t, 3, 4)
	if err != nil {
		return err
	}
	v, err := f.vector(t, 1, 1)
	if err != nil {
		return err
	}
	if max(old, code) != custom && v.count == 0 {
		return nil
	}
	name := string(f.in.at(v.at, int(min(v.count, maxCalls+1))))
	r := Risk{Rule: "tflite-custom-op", Severity: scan.Medium, Offset: t.at, Calls: name,
		Why:     "The operator is not part of TensorFlow Lite: a library must be loaded that brings it.",
		Convert: "Convert the model with TensorFlow Lite's own operators only."}
	if flex, ok := strings.CutPrefix(name, "Flex"); ok {
		r.Rule, r.Severity, r.Why = "tflite-flex-op", scan.Low, "The operator is one of TensorFlow, which must be loaded beside TensorFlow Lite."
		if oneOf(flex, "PyFunc EagerPyFunc PyFuncStateless ReadFile WriteFile MatchingFiles") {
			r.Severity, r.Why = scan.High, "The operator runs Python, or reads or writes files, when the model is used."
		}
	}
	f.in.risk(r)
	return nil
}

// buffer checks that a buffer's content is in the file: in a list (0), or behind
// the flatbuffer at an offset (1) of a size (2).
func (f *flat) buffer(t flatTable) error {
	if _, err := f.vector(t, 0, 1); err != nil {
		return err
	}
	off, err := f.number(t, 1, 8)
	if err != nil {
		return err
	}
	size, err := f.number(t, 2, 8)
	if err == nil && off > 1 && (off > uint64(f.in.Size) || size > uint64(f.in.Size)-off) { //nolint:gosec // Size is not negative
		err = errors.New("a buffer lies outside of the file")
	}
	return err
}

// tensor counts a tensor's numbers when it has a buffer with content: shape (0),
// type (1), buffer (2).
func (f *flat) tensor(t flatTable) error {
	shape, err := f.vector(t, 0, 4)
	if err != nil {
		return err
	}
	kind, err := f.number(t, 1, 1)
	if err != nil {
		return err
	}
	buffer, err := f.number(t, 2, 4)
	if err != nil || buffer == 0 || f.counted[buffer] {
		return err
	}
	if int64(buffer) >= f.buffers.count { //nolint:gosec // four bytes
		return errors.New("a tensor's buffer does not exist")
	}
	full := false
	err = f.element(f.buffers, int64(buffer), func(b flatTable) error { //nolint:gosec // four bytes
		v, err := f.vector(b, 0, 1)
		off, other := f.number(b, 1, 8)
		full = v.count > 0 || off > 1
		return errors.Join(err, other)
	})
	if err != nil || !full {
		return err
	}
	const most = 1 << 20 // buffers that are remembered
	if len(f.counted) < most {
		f.counted[buffer] = true
	}
	return f.count(shape, kind)
}

// count adds the product of a shape to the card.
func (f *flat) count(shape flatVector, kind uint64) error {
	const most = 64 // dimensions
	if shape.count > most {
		return errors.New("a tensor has more than 64 dimensions")
	}
	product := int64(1)
	for i := range shape.count {
		n, err := f.uint(shape.at+4*i, 4)
		if err != nil {
			return err
		}
		if n > math.MaxInt32 || n > 0 && product > math.MaxInt64/int64(n) { //nolint:gosec // four bytes
			return errors.New("a tensor with content has dimensions that are negative or beyond 2⁶³")
		}
		product *= int64(n) //nolint:gosec // four bytes
	}
	if f.in.card.Parameters > math.MaxInt64-product {
		return errors.New("it says that it has more than 2⁶³ numbers")
	}
	names := strings.Fields("float32 float16 int32 uint8 int64 string bool int16 complex64 int8 float64 complex128 uint64 resource variant uint32 uint16 int4 bfloat16")
	if kind < uint64(len(names)) {
		f.in.card.addDtype(names[kind])
	}
	f.in.card.Parameters += product
	return nil
}
