package modelfile

import (
	"cmp"
	"context"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"math"
	"slices"
	"strconv"

	"github.com/org/ai-ship/pkg/scan"
)

const (
	maxSafeHeader  = 100_000_000 // bytes; the format's own limit
	maxSafeTensors = 1 << 20     // in one file; models that have more are sharded
)

// inspectSafetensors reads the header as the format's reference does
// (huggingface/safetensors, safetensors/src/tensor.rs): eight bytes of length, a
// JSON object, then the tensors without a gap. Nothing in it can run; what is
// wrong in a header makes readers disagree about the content.
func inspectSafetensors(ctx context.Context, in *input) {
	in.card.Format = Safetensors
	s := &safetensors{in: in, seed: maphash.MakeSeed(), names: map[uint64]struct{}{}}
	head := in.at(0, 8)
	if len(head) < 8 {
		in.unscanned("a safetensors file of %d bytes", in.Size)
		return
	}
	size := littleEndian(head)
	if size > maxSafeHeader {
		s.attack(0, "header too long", "a header of %d bytes, the limit is %d", size, int64(maxSafeHeader))
		return
	}
	if int64(size) > in.Size-8 {
		s.attack(0, "header beyond the file", "a header of %d bytes where %d are left", size, in.Size-8)
		return
	}
	s.start = 8 + int64(size)
	s.json = newJSONReader(ctx, in, 8, s.start, false)
	err := s.json.object(s.entry)
	if err == nil {
		err = s.padding()
	}
	if err != nil && in.alive(ctx) {
		in.unscanned("the header at offset %d: %v", s.json.offset(), err)
		return
	}
	if in.alive(ctx) {
		s.layout(ctx)
	}
}

type safetensors struct {
	in      *input
	json    *jsonReader
	start   int64 // of the tensors
	seed    maphash.Seed
	names   map[uint64]struct{} // hashes, for a header may be all names
	extents []span              // from the start of the tensors
}

// attack reports a header that is wrong in a way that is known to be used.
func (s *safetensors) attack(off int64, calls, format string, args ...any) {
	s.in.risk(Risk{
		Rule: "safetensors-header", Severity: scan.Medium, Offset: off, Calls: calls,
		Why:     "The header contradicts the file or itself, so that readers differ in what they load, or fail.",
		Convert: "Write the file anew with safetensors' save_file.",
	})
	s.in.unscanned(format, args...)
}

// padding reads what follows the header's object: spaces only.
func (s *safetensors) padding() error {
	if _, err := s.json.token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more behind its object")
	}
	return nil
}

// unique notes a name within scope and reports one that is there already.
func (s *safetensors) unique(scope, name string) error {
	if len(s.names) >= maxSafeTensors {
		return fmt.Errorf("more than %d names", maxSafeTensors)
	}
	key := maphash.String(s.seed, scope+name)
	if _, ok := s.names[key]; ok {
		s.attack(s.json.offset(), "duplicate key", "the key %q is there twice", shown(name, 60))
	}
	s.names[key] = struct{}{}
	return nil
}

// entry reads one key's value.
func (s *safetensors) entry(name string) error {
	if err := s.unique("t", name); err != nil {
		return err
	}
	if name == "__metadata__" {
		return s.json.object(s.metadata)
	}
	return s.tensor(name)
}

// metadata reads one entry of the free texts.
func (s *safetensors) metadata(key string) error {
	if err := s.unique("m", key); err != nil {
		return err
	}
	value, err := s.json.text()
	if err != nil {
		return fmt.Errorf("the metadata %q: %w", shown(key, 60), err)
	}
	card, value := &s.in.card, shown(value, 100)
	switch key {
	case "format":
		card.Framework = value
		switch value {
		case "pt":
			card.Framework = "pytorch"
		case "tf":
			card.Framework = "tensorflow"
		}
	case "modelspec.architecture":
		card.Architecture = value
	case "modelspec.license", "license":
		card.License = value
	}
	return nil
}

// safeTensor is a tensor's description.
type safeTensor struct {
	dtype          string
	shape, offsets []int64
}

// tensor reads a tensor's description.
func (s *safetensors) tensor(name string) error {
	var t safeTensor
	seen := map[string]bool{}
	err := s.json.object(func(key string) (err error) {
		if oneOf(key, "dtype shape data_offsets") {
			if seen[key] {
				s.attack(s.json.offset(), "duplicate key", "the tensor %q has %s twice", shown(name, 60), key)
			}
			seen[key] = true
		}
		switch key {
		case "dtype":
			t.dtype, err = s.json.text()
		case "shape":
			t.shape, err = s.numbers()
		case "data_offsets":
			t.offsets, err = s.numbers()
		default:
			err = s.json.pass()
		}
		return err
	})
	if err == nil && len(seen) != 3 {
		err = errors.New("it lacks dtype, shape or data_offsets")
	}
	if err != nil {
		return fmt.Errorf("the tensor %q: %w", shown(name, 60), err)
	}
	return s.place(name, t)
}

// numbers reads an array of sizes.
func (s *safetensors) numbers() ([]int64, error) {
	const most = 64 // dimensions
	if err := s.json.open('['); err != nil {
		return nil, err
	}
	var all []int64
	for {
		t, err := s.json.token()
		if err != nil || t.Kind() == ']' {
			return all, err
		}
		if t.Kind() != '0' || len(all) == most {
			return nil, errKind
		}
		n, err := parseSize(t)
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
}

// parseSize is a number that is a size.
func parseSize(t jsontext.Token) (int64, error) {
	n, err := strconv.ParseUint(t.String(), 10, 63)
	if err != nil {
		return 0, fmt.Errorf("%s is no size", shown(t.String(), 40))
	}
	return int64(n), nil //nolint:gosec // has 63 bits
}

// place checks what a tensor's description says of its size and place.
func (s *safetensors) place(name string, t safeTensor) error {
	name = shown(name, 60)
	bits := safeBits(t.dtype)
	if bits == 0 {
		return fmt.Errorf("the tensor %q has the unknown dtype %q", name, shown(t.dtype, 20))
	}
	if len(t.offsets) != 2 {
		return fmt.Errorf("the tensor %q has %d data_offsets", name, len(t.offsets))
	}
	count, ok := product(t.shape)
	if !ok || count > math.MaxInt64/bits {
		s.attack(s.json.offset(), "shape too large", "the shape of the tensor %q is beyond 2⁶³", name)
		return nil
	}
	start, end := t.offsets[0], t.offsets[1]
	switch {
	case start > end || end > s.in.Size-s.start:
		s.attack(s.json.offset(), "tensor outside of the file",
			"the tensor %q lies at %d to %d of %d bytes", name, start, end, s.in.Size-s.start)
	case count*bits%8 != 0 || count*bits/8 != end-start:
		s.attack(s.json.offset(), "size differs from shape",
			"the tensor %q has %d bytes and the shape and dtype of %d bits", name, end-start, count*bits)
	default:
		s.extents = append(s.extents, span{start, end})
		s.in.card.addDtype(t.dtype)
		s.in.card.addParameters(count)
	}
	return nil
}

// layout checks that the tensors lie one behind the other and fill the file.
func (s *safetensors) layout(ctx context.Context) {
	slices.SortFunc(s.extents, func(a, b span) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end))
	})
	at := int64(0)
	for _, e := range s.extents {
		if e.start < at {
			s.attack(s.start+e.start, "overlapping tensors", "tensors overlap at offset %d", s.start+e.start)
		}
		if e.start > at {
			s.attack(s.start+at, "hole between tensors", "%d bytes at offset %d are of no tensor", e.start-at, s.start+at)
		}
		at = max(at, e.end)
	}
	if rest := s.in.Size - s.start - at; rest > 0 {
		s.attack(s.start+at, "bytes behind the tensors", "%d bytes behind the last tensor", rest)
		trailing(ctx, s.in, s.start+at)
	}
}

// safeBits is how many bits an element has; 0 for a dtype that is unknown.
func safeBits(dtype string) int64 {
	switch {
	case oneOf(dtype, "F4"):
		return 4
	case oneOf(dtype, "F6_E2M3 F6_E3M2"):
		return 6
	case oneOf(dtype, "BOOL U8 I8 F8_E5M2 F8_E4M3 F8_E8M0 F8_E5M2FNUZ F8_E4M3FNUZ"):
		return 8
	case oneOf(dtype, "U16 I16 F16 BF16"):
		return 16
	case oneOf(dtype, "U32 I32 F32"):
		return 32
	case oneOf(dtype, "U64 I64 F64 C64"):
		return 64
	}
	return 0
}

// product multiplies sizes; false beyond 2⁶³.
func product(sizes []int64) (int64, bool) {
	count := int64(1)
	for _, n := range sizes {
		if n < 0 || n > 0 && count > math.MaxInt64/n {
			return 0, false
		}
		count *= n
	}
	return count, true
}

// addParameters counts n more, up to what fits.
func (c *Card) addParameters(n int64) {
	if n > 0 && c.Parameters <= math.MaxInt64-n {
		c.Parameters += n
	}
}
