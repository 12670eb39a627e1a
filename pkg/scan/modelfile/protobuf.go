package modelfile

import (
	"context"

	"google.golang.org/protobuf/encoding/protowire"
)

const (
	maxProtoText  = 4 << 10 // bytes of a name that are looked at
	maxProtoDepth = 200     // messages within each other
)

// proto reads protobuf messages forward. Fields that nobody asks for are skipped,
// not read.
type proto struct {
	*cursor
	depth  int
	broken string // why it cannot be read on; empty as long as it can
}

// protoField is one field, and the cursor at its value.
type protoField struct {
	number protowire.Number
	kind   protowire.Type
	value  uint64 // of a number
	end    int64  // of the value of a text or message
}

func newProto(ctx context.Context, in *input) *proto {
	return &proto{cursor: newCursor(ctx, in, 0)}
}

// isBytes reports whether f is field n and a text or message.
func (f protoField) isBytes(n protowire.Number) bool {
	return f.number == n && f.kind == protowire.BytesType
}

// isNumber reports whether f is field n and a varint.
func (f protoField) isNumber(n protowire.Number) bool {
	return f.number == n && f.kind == protowire.VarintType
}

// message goes through the fields up to end and calls field for each; that one may
// read the value or leave it. It is false when the message is broken.
func (p *proto) message(end int64, field func(protoField)) bool {
	if p.depth == maxProtoDepth {
		p.broken = "messages are nested too deep"
		return false
	}
	p.depth++
	defer func() { p.depth-- }()
	for p.broken == "" && p.off < end {
		f, ok := p.next(end)
		if !ok {
			if p.broken == "" {
				p.broken = "a field is broken or longer than what holds it"
			}
			return false
		}
		field(f)
		if p.broken == "" && f.end > p.off && !p.skip(f.end-p.off) {
			p.broken = "it ends early"
		}
	}
	return p.broken == ""
}

// next reads a field's tag and, of a number, its value.
func (p *proto) next(end int64) (protoField, bool) {
	if !p.in.spend(1) {
		p.broken = "it has too many fields"
		return protoField{}, false
	}
	b := p.peek(20)
	b = b[:min(int64(len(b)), end-p.off)]
	number, kind, n := protowire.ConsumeTag(b)
	if n < 0 {
		return protoField{}, false
	}
	f := protoField{number: number, kind: kind}
	size := int64(0)
	switch kind {
	case protowire.VarintType, protowire.BytesType:
		value, more := protowire.ConsumeVarint(b[n:])
		if more < 0 {
			return f, false
		}
		n += more
		f.value = value
		if left := end - p.off - int64(n); kind == protowire.BytesType {
			if value > uint64(left) { //nolint:gosec // n is at most len(b)
				return f, false
			}
			size = int64(value) //nolint:gosec // at most left
		}
	case protowire.Fixed32Type:
		size = 4
	case protowire.Fixed64Type:
		size = 8
	default: // groups, which none of these formats has
		return f, false
	}
	if f.end = p.off + int64(n) + size; f.end > end {
		return f, false
	}
	return f, p.skip(int64(n))
}

// text is the value of f, cut to maxProtoText bytes, which the report then says.
func (p *proto) text(f protoField) string {
	if f.end-p.off > maxProtoText {
		p.in.unscanned("a name has more than %d bytes", maxProtoText)
	}
	return string(p.peek(int(min(f.end-p.off, maxProtoText))))
}

// packed calls each for the numbers of a repeated field, packed or not.
func (p *proto) packed(f protoField, each func(uint64)) {
	if f.kind == protowire.VarintType {
		each(f.value)
	}
	for f.kind == protowire.BytesType && p.off < f.end && p.broken == "" {
		b := p.peek(10)
		value, n := protowire.ConsumeVarint(b[:min(int64(len(b)), f.end-p.off)])
		if n < 0 || !p.in.spend(1) || !p.skip(int64(n)) {
			p.broken = "a list of numbers is broken"
			return
		}
		each(value)
	}
}
