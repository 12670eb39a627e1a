package modelfile

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/org/ai-ship/pkg/scan"
)

const (
	npyMagic  = "\x93NUMPY"
	maxHeader = 64 << 10 // bytes of an array's header; NumPy itself stops at 10,000
)

// inspectNPY reads arrays as numpy.save writes them, one or several after the
// other (numpy/lib/format.py, versions 1 to 3).
func inspectNPY(ctx context.Context, in *input) {
	in.card.Format, in.card.Framework = NumPy, "numpy"
	off := int64(0)
	const most = 10_000 // arrays in one file
	for n := 0; n < most && in.alive(ctx); n++ {
		next, ok := npyArray(ctx, in, off)
		if !ok || next >= in.Size {
			return
		}
		if string(in.at(next, len(npyMagic))) != npyMagic {
			trailing(ctx, in, next)
			return
		}
		off = next
	}
	in.unscanned("more than %d arrays follow each other", most)
}

// npyArray reads the array at off and returns where it ends.
func npyArray(ctx context.Context, in *input, off int64) (int64, bool) {
	head := in.at(off, 12)
	if len(head) < 12 || string(head[:6]) != npyMagic || head[6] < 1 || head[6] > 3 {
		in.unscanned("no array of version 1, 2 or 3 at offset %d", off)
		return 0, false
	}
	size, start := int64(littleEndian(head[8:10])), off+10
	if head[6] > 1 {
		size, start = int64(littleEndian(head[8:12])), off+12
	}
	if size > maxHeader || size > in.Size-start {
		in.unscanned("an array's header of %d bytes, the limit is %d", size, maxHeader)
		return 0, false
	}
	in.card.Version = fmt.Sprintf("%d.%d", head[6], head[7])
	text := string(in.at(start, int(size)))
	header, err := readLiteral(text)
	if err != nil {
		in.risk(Risk{
			Rule: "npy-header", Severity: scan.High, Offset: start, Calls: text,
			Why:     fmt.Sprintf("The array's header is no plain description (%v); old readers evaluate it as Python.", err),
			Convert: "Write the array anew with numpy.save(…, allow_pickle=False).",
		})
		return 0, false
	}
	element, count, err := header.array()
	if err != nil {
		in.unscanned("the array's header: %v", err)
		return 0, false
	}
	start += size
	in.card.addDtype(element.name)
	in.card.Parameters += count
	if element.objects {
		return 0, npyObjects(ctx, in, start)
	}
	if element.size > 0 && count > (in.Size-start)/element.size {
		in.unscanned("an array of %d elements of %d bytes where %d bytes are left", count, element.size, in.Size-start)
		return 0, false
	}
	return start + count*element.size, true
}

// npyObjects inspects the pickle that holds an array of objects.
func npyObjects(ctx context.Context, in *input, start int64) bool {
	in.risk(Risk{
		Rule: "npy-objects", Severity: scan.Medium, Offset: start, Calls: "numpy.load(allow_pickle=True)",
		Why:     "The array holds Python objects as a pickle, which numpy.load runs when it is allowed to.",
		Convert: "Store the array with a type of numbers or of fixed-length text.",
	})
	if m := in.inside("objects", in.Size-start, sectionOf(in, start)); m != nil {
		inspectPickle(ctx, m)
	}
	return false
}

// literal is a value of Python's literal syntax.
type literal struct {
	text    string
	isText  bool
	number  int64
	isInt   bool
	items   []literal // of a tuple or list
	isTuple bool
	keys    []string // of a dict, beside items
	isDict  bool
}

// array is what an array's header says: the type and the number of its elements.
func (l literal) array() (dtype, int64, error) {
	if !l.isDict || len(l.keys) != 3 {
		return dtype{}, 0, fmt.Errorf("found %d keys, expected descr, fortran_order and shape", len(l.keys))
	}
	at := map[string]literal{}
	for i, key := range l.keys {
		at[key] = l.items[i]
	}
	shape := at["shape"]
	if _, ok := at["descr"]; !ok || len(at) != 3 || !shape.isTuple {
		return dtype{}, 0, fmt.Errorf("found the keys %q, expected descr, fortran_order and shape, a tuple", l.keys)
	}
	count, err := shape.product()
	if err != nil {
		return dtype{}, 0, err
	}
	d, err := at["descr"].dtype(0)
	return d, count, err
}

// product multiplies the numbers of a shape.
func (l literal) product() (int64, error) {
	count := int64(1)
	for _, n := range l.items {
		if !n.isInt || n.number < 0 || n.number > 0 && count > math.MaxInt64/n.number {
			return 0, errors.New("found a shape that is no tuple of numbers, or a product beyond 2⁶³")
		}
		count *= n.number
	}
	return count, nil
}

// dtype reads a descr: a type string, or a list of fields (name, type, shape).
func (l literal) dtype(depth int) (dtype, error) {
	const most = 8 // records within records
	if l.isText {
		d, ok := parseDtype(l.text)
		if !ok {
			return d, fmt.Errorf("found the type %q, expected one such as <f8", shown(l.text, 40))
		}
		return d, nil
	}
	if len(l.items) == 0 || depth == most {
		return dtype{}, errors.New("found a type that is neither a text nor a list of fields")
	}
	if l.isTuple { // a type with a shape of its own
		return l.items[0].dtype(depth + 1)
	}
	record := dtype{name: "record"}
	for _, field := range l.items {
		if !field.isTuple || len(field.items) < 2 {
			return dtype{}, errors.New("found a field that is no tuple of name and type")
		}
		d, err := field.items[1].dtype(depth + 1)
		if err != nil {
			return dtype{}, err
		}
		count := int64(1)
		if len(field.items) > 2 {
			if count, err = field.items[2].product(); err != nil {
				return dtype{}, err
			}
		}
		if count > maxHeader || d.size > math.MaxInt32 || record.size > math.MaxInt32 {
			return dtype{}, errors.New("found a record of more than 2³¹ bytes")
		}
		record.size += d.size * count
		record.objects = record.objects || d.objects
	}
	return record, nil
}

// readLiteral reads what ast.literal_eval takes of it and NumPy writes: dicts
// with text keys, tuples, lists, texts, integers, True, False and None.
func readLiteral(s string) (literal, error) {
	p := &literals{s: s}
	l, err := p.value(0)
	if err != nil {
		return literal{}, err
	}
	if p.space(); p.i < len(p.s) {
		return literal{}, fmt.Errorf("more at byte %d", p.i)
	}
	return l, nil
}

type literals struct {
	s string
	i int
}

func (p *literals) space() {
	for p.i < len(p.s) && strings.IndexByte(" \t\r\n", p.s[p.i]) >= 0 {
		p.i++
	}
}

// next goes over c, and space before it, if it stands there.
func (p *literals) next(c byte) bool {
	p.space()
	if p.i < len(p.s) && p.s[p.i] == c {
		p.i++
		return true
	}
	return false
}

func (p *literals) value(depth int) (literal, error) {
	const most = 16 // nesting
	if depth > most {
		return literal{}, errors.New("nested too deep")
	}
	switch {
	case p.next('{'):
		return p.items(depth, '}')
	case p.next('('):
		return p.items(depth, ')')
	case p.next('['):
		return p.items(depth, ']')
	}
	rest := p.s[p.i:]
	if rest == "" {
		return literal{}, errors.New("it ends early")
	}
	if rest[0] == '\'' || rest[0] == '"' {
		end := strings.IndexByte(rest[1:], rest[0])
		if end < 0 || strings.Contains(rest[:end+1], `\`) {
			return literal{}, fmt.Errorf("a text without an end, or with escapes, at byte %d", p.i)
		}
		p.i += end + 2
		return literal{text: rest[1 : end+1], isText: true}, nil
	}
	word := rest[:len(rest)-len(strings.TrimLeft(rest, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"))]
	p.i += len(word)
	if oneOf(word, "True False None") {
		return literal{}, nil
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(word, "L"), 10, 64)
	if err != nil {
		return literal{}, fmt.Errorf("no literal at byte %d", p.i-len(word))
	}
	return literal{number: n, isInt: true}, nil
}

// items reads what stands up to a closing bracket.
func (p *literals) items(depth int, closing byte) (literal, error) {
	const most = 4096 // items
	l := literal{isDict: closing == '}', isTuple: closing == ')'}
	for !p.next(closing) {
		if len(l.items) == most {
			return literal{}, errors.New("too many items")
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return literal{}, err
		}
		if l.isDict {
			if !v.isText || !p.next(':') {
				return literal{}, fmt.Errorf("no key at byte %d", p.i)
			}
			l.keys = append(l.keys, v.text)
			if v, err = p.value(depth + 1); err != nil {
				return literal{}, err
			}
		}
		l.items = append(l.items, v)
		if !p.next(',') {
			if !p.next(closing) {
				return literal{}, fmt.Errorf("no comma at byte %d", p.i)
			}
			break
		}
	}
	if l.isTuple && len(l.items) == 1 && !strings.HasSuffix(strings.TrimRight(p.s[:p.i-1], " \t\r\n"), ",") {
		return l.items[0], nil // in brackets only
	}
	return l, nil
}
