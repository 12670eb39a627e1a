package modelfile

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"math/bits"
	"slices"
	"strings"

	"github.com/org/ai-ship/pkg/scan"
)

const (
	maxGGUFNames = 1 << 20 // keys and tensors in one file
	maxGGUFText  = 1 << 20 // bytes of a key's value that is read, such as a template
	maxGGUFName  = 4 << 10 // bytes of a key or tensor's name; the format's limit for keys is 65,535, for names 64
	maxGGUFDims  = 4       // dimensions of a tensor
	maxGGUFDepth = 4       // arrays within arrays
)

// The types of values.
const (
	ggufText  = 8
	ggufArray = 9
)

// inspectGGUF reads the keys and the tensors' descriptions of versions 1 to 3
// (ggml/docs/gguf.md). The tensors are not read. Only a chat template can run.
func inspectGGUF(ctx context.Context, in *input) {
	in.card.Format = GGUF
	g := &gguf{
		cursor: newCursor(ctx, in, 0), order: binary.LittleEndian,
		seed: maphash.MakeSeed(), names: map[uint64]struct{}{}, align: 32,
	}
	if err := g.read(); err != nil && in.alive(ctx) {
		in.unscanned("gguf at offset %d: %v", g.off, err)
	}
}

type gguf struct {
	*cursor
	order   binary.ByteOrder
	version uint64
	seed    maphash.Seed
	names   map[uint64]struct{} // hashes
	align   int64
	typed   bool // the card's quantisation is the file's own word
	unsized bool // there is a tensor whose size is not known
	extents []span
	start   int64 // of the tensors
}

// attack reports a header that is wrong in a way that is known to be used
// against readers written in C (CVE-2024-21825, CVE-2024-21836, CVE-2024-23496,
// CVE-2024-23605, CVE-2025-53630).
func (g *gguf) attack(off int64, calls, format string, args ...any) {
	g.in.risk(Risk{
		Rule: "gguf-header", Severity: scan.Medium, Offset: off, Calls: calls,
		Why:     "The header contradicts the file or itself, by which readers without checks overrun their memory.",
		Convert: "Write the file anew with llama.cpp's converter.",
	})
	g.in.unscanned(format, args...)
}

var errShort = errors.New("the file ends early")

func (g *gguf) read() error {
	head, ok := g.take(8)
	if !ok || string(head[:4]) != "GGUF" {
		return errors.New("no header")
	}
	g.version = uint64(g.order.Uint32(head[4:]))
	if g.version&0xffff == 0 { // written by a big-endian machine
		g.order = binary.BigEndian
		g.version = uint64(g.order.Uint32(head[4:]))
	}
	if g.version < 1 || g.version > 3 {
		return fmt.Errorf("version %d, known are 1 to 3", g.version)
	}
	g.in.card.Version = fmt.Sprint(g.version)
	tensors, err := g.count("tensors", 8)
	if err != nil {
		return err
	}
	keys, err := g.count("keys", 8)
	if err != nil {
		return err
	}
	for range keys {
		if err := g.pair(); err != nil {
			return err
		}
	}
	for range tensors {
		if err := g.tensor(); err != nil {
			return err
		}
	}
	return g.layout()
}

// uint reads a number of n bytes.
func (g *gguf) uint(n int) (uint64, error) {
	b, ok := g.take(n)
	if !ok {
		return 0, errShort
	}
	switch n {
	case 1:
		return uint64(b[0]), nil
	case 2:
		return uint64(g.order.Uint16(b)), nil
	case 4:
		return uint64(g.order.Uint32(b)), nil
	}
	return g.order.Uint64(b), nil
}

// size reads a count or length, which has 4 bytes in version 1 and 8 since.
func (g *gguf) size() (uint64, error) {
	if g.version == 1 {
		return g.uint(4)
	}
	return g.uint(8)
}

// count reads how many of something follow, each of at least least bytes.
func (g *gguf) count(what string, least int64) (int64, error) {
	off := g.off
	n, err := g.size()
	if err != nil {
		return 0, err
	}
	if n > uint64(g.left()/least) { //nolint:gosec // left is not negative
		g.attack(off, "too many "+what, "%d %s where %d bytes are left", n, what, g.left())
		return 0, fmt.Errorf("%d %s cannot be in it", n, what)
	}
	return int64(n), nil //nolint:gosec // at most the file's size
}

// name reads a key or a tensor's name.
func (g *gguf) name() (string, error) {
	n, err := g.count("bytes of a name", 1)
	if err != nil {
		return "", err
	}
	if n > maxGGUFName {
		return "", fmt.Errorf("a name of %d bytes, the limit is %d", n, maxGGUFName)
	}
	b, ok := g.take(int(n))
	if !ok {
		return "", errShort
	}
	return string(b), nil
}

// unique notes a name and reports one that is there already.
func (g *gguf) unique(scope, name string) error {
	if !g.in.spend(1) || len(g.names) >= maxGGUFNames {
		return fmt.Errorf("more than %d names", maxGGUFNames)
	}
	key := maphash.String(g.seed, scope+name)
	if _, ok := g.names[key]; ok {
		g.attack(g.off, "duplicate "+scope, "the %s %q is there twice", scope, shown(name, 60))
	}
	g.names[key] = struct{}{}
	return nil
}

// pair reads a key and its value.
func (g *gguf) pair() error {
	key, err := g.name()
	if err != nil {
		return err
	}
	if err := g.unique("key", key); err != nil {
		return err
	}
	kind, err := g.uint(4)
	if err != nil {
		return err
	}
	if err := g.value(key, kind, 0); err != nil {
		return fmt.Errorf("the key %q: %w", shown(key, 60), err)
	}
	return nil
}

// value reads a value and takes from it what the card wants.
func (g *gguf) value(key string, kind uint64, depth int) error {
	switch kind {
	case ggufText:
		return g.text(key)
	case ggufArray:
		return g.array(key, depth+1)
	}
	n := ggufSize(kind)
	if n == 0 {
		return fmt.Errorf("the type %d is unknown", kind)
	}
	v, err := g.uint(n)
	if err != nil || depth > 0 {
		return err
	}
	switch key {
	case "general.alignment":
		if v == 0 || v > 1<<20 || v&(v-1) != 0 {
			g.attack(g.off, "alignment", "an alignment of %d", v)
			return errors.New("no power of two")
		}
		g.align = int64(v)
	case "general.file_type":
		if name := ggufFileType(v); name != "" && kind == 4 {
			g.in.card.Quantisation, g.typed = name, true
		}
	}
	return nil
}

// text reads a text.
func (g *gguf) text(key string) error {
	n, err := g.count("bytes of a text", 1)
	if err != nil {
		return err
	}
	off, card := g.off, &g.in.card
	switch {
	case strings.HasPrefix(key, "tokenizer.chat_template"):
		if n > maxGGUFText {
			g.in.unscanned("a chat template of %d bytes, the limit is %d", n, maxGGUFText)
		} else {
			template(g.in, string(g.in.at(off, int(n))), off)
		}
	case key == "general.architecture":
		card.Architecture = shown(string(g.in.at(off, int(min(n, 100)))), 100)
	case key == "general.license":
		card.License = shown(string(g.in.at(off, int(min(n, 100)))), 100)
	}
	if !g.skip(n) {
		return errShort
	}
	return nil
}

// array goes over an array; depth is how many it lies in, itself included.
func (g *gguf) array(key string, depth int) error {
	if depth > maxGGUFDepth {
		g.attack(g.off, "nested arrays", "arrays nest deeper than %d", maxGGUFDepth)
		return errors.New("arrays nest too deep")
	}
	kind, err := g.uint(4)
	if err != nil {
		return err
	}
	least := int64(ggufSize(kind))
	switch kind {
	case ggufText:
		least = 4
	case ggufArray:
		least = 8
	}
	if least == 0 {
		return fmt.Errorf("the type %d is unknown", kind)
	}
	n, err := g.count("elements", least)
	if err != nil {
		return err
	}
	if kind != ggufText && kind != ggufArray {
		if !g.skip(n * least) {
			return errShort
		}
		return nil
	}
	for range n {
		if !g.in.spend(1) {
			return errMany
		}
		if err := g.value(key, kind, depth); err != nil {
			return err
		}
	}
	return nil
}

// tensor reads a tensor's description.
func (g *gguf) tensor() error {
	name, err := g.name()
	if err != nil {
		return err
	}
	if err := g.unique("tensor", name); err != nil {
		return err
	}
	name = shown(name, 60)
	at := g.off
	dims, err := g.uint(4)
	if err != nil {
		return err
	}
	if dims > maxGGUFDims {
		g.attack(at, "too many dimensions", "the tensor %q has %d dimensions", name, dims)
		return fmt.Errorf("a tensor has at most %d dimensions", maxGGUFDims)
	}
	shape := make([]int64, 0, maxGGUFDims)
	for range dims {
		n, err := g.size()
		if err != nil {
			return err
		}
		shape = append(shape, int64(min(n, math.MaxInt64))) //nolint:gosec // bounded
	}
	kind, err := g.uint(4)
	if err != nil {
		return err
	}
	off, err := g.uint(8)
	if err != nil {
		return err
	}
	g.place(name, shape, kind, off, at)
	return nil
}

// place checks what a tensor's description says of its size and place.
func (g *gguf) place(name string, shape []int64, kind, off uint64, at int64) {
	count, ok := product(shape)
	if !ok {
		g.attack(at, "shape too large", "the shape of the tensor %q is beyond 2⁶³", name)
		return
	}
	if off > math.MaxInt64 || int64(off)%g.align != 0 {
		g.attack(at, "tensor not aligned", "the tensor %q lies at %d, no multiple of %d", name, off, g.align)
		return
	}
	t := ggmlType(kind)
	if t.block == 0 {
		g.unsized = true
		g.in.unscanned("the tensor %q has the unknown type %d", name, kind)
		return
	}
	high, blocks := bits.Mul64(uint64(count/t.block), uint64(t.bytes)) //nolint:gosec // not negative
	if count%t.block != 0 || len(shape) > 0 && shape[0]%t.block != 0 || high != 0 || blocks > math.MaxInt64-off {
		g.attack(at, "size differs from shape", "the tensor %q has %d elements, in blocks of %d", name, count, t.block)
		return
	}
	g.extents = append(g.extents, span{int64(off), int64(off + blocks)})
	card := &g.in.card
	card.addDtype(t.name)
	card.addParameters(count)
	if !g.typed && strings.ContainsAny(t.name, "Q") { // the last quantised type, where the file does not say
		card.Quantisation = t.name
	}
}

// layout checks where the tensors lie: in the file, one behind the other.
func (g *gguf) layout() error {
	g.start = (g.off + g.align - 1) / g.align * g.align
	size := g.in.Size - g.start
	slices.SortFunc(g.extents, func(a, b span) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end))
	})
	end := int64(0)
	for _, e := range g.extents {
		switch {
		case e.end > size:
			g.attack(g.off, "tensor outside of the file", "a tensor lies at %d to %d of %d bytes", e.start, e.end, size)
			return nil
		case e.start < end:
			g.attack(g.start+e.start, "overlapping tensors", "tensors overlap at offset %d", g.start+e.start)
		case e.start-end >= g.align && !g.unsized:
			g.attack(g.start+end, "hole between tensors", "%d bytes at offset %d are of no tensor", e.start-end, g.start+end)
		}
		end = max(end, e.end)
	}
	if size-end >= g.align && !g.unsized {
		trailing(g.ctx, g.in, g.start+end)
		g.in.unscanned("%d bytes behind the last tensor", size-end)
	}
	return nil
}
