package modelfile

import (
	"context"
	"encoding/json/jsontext"
	"errors"
	"io"
)

const (
	maxKey      = 64 << 10 // bytes of an object's key, escapes included
	maxJSONText = 8 << 20  // bytes of a text in JSON, escapes included
	maxLevel    = 512      // how deep JSON may nest; Python's own limit is near 1000
)

var (
	errLong = errors.New("a key or text that is longer than the limit")
	errDeep = errors.New("it nests deeper than the limit")
	errMany = errors.New("more keys and values than the limit")
	errKind = errors.New("a value of another type than expected")
)

// jsonReader reads JSON from in forward, a token at a time. What it holds is
// bounded by the longest text, for it lets the decoder read no further ahead.
type jsonReader struct {
	*jsontext.Decoder
	src *leash
}

// newJSONReader reads from off to end. A lenient one takes what Python's json
// module takes beyond the standard: NaN, Infinity and lone surrogates. Duplicate
// keys are the caller's to find.
func newJSONReader(ctx context.Context, in *input, off, end int64, lenient bool) *jsonReader {
	src := &leash{ctx: ctx, in: in, start: off, off: off, end: end, lenient: lenient}
	return &jsonReader{
		Decoder: jsontext.NewDecoder(src, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(lenient)),
		src:     src,
	}
}

// offset is where in the content the next token is looked for.
func (r *jsonReader) offset() int64 { return r.src.start + r.InputOffset() }

// token reads the next token, which is valid until the one after it.
func (r *jsonReader) token() (jsontext.Token, error) {
	if r.StackDepth() > maxLevel {
		return jsontext.Token{}, errDeep
	}
	if !r.src.in.spend(1) {
		return jsontext.Token{}, errMany
	}
	r.loosen()
	return r.ReadToken()
}

// peek is the kind of the next token; 0 for none.
func (r *jsonReader) peek() jsontext.Kind {
	r.loosen()
	return r.PeekKind()
}

// loosen lets the decoder read as far as the next token may go.
func (r *jsonReader) loosen() {
	r.src.until = r.offset() + maxJSONText
	if kind, n := r.StackIndex(r.StackDepth()); kind == '{' && n%2 == 0 {
		r.src.until = r.offset() + maxKey
	}
}

// text reads a text.
func (r *jsonReader) text() (string, error) {
	t, err := r.token()
	if err == nil && t.Kind() != '"' {
		err = errKind
	}
	if err != nil {
		return "", err
	}
	return t.String(), nil
}

// open reads the start of an object or array.
func (r *jsonReader) open(kind jsontext.Kind) error {
	t, err := r.token()
	if err == nil && t.Kind() != kind {
		err = errKind
	}
	return err
}

// skip goes over what is left of the value that begins with t, which was read.
func (r *jsonReader) skip(t jsontext.Token) error {
	if k := t.Kind(); k != '{' && k != '[' {
		return nil
	}
	for depth := r.StackDepth(); r.StackDepth() >= depth; {
		if _, err := r.token(); err != nil {
			return err
		}
	}
	return nil
}

// pass goes over the next value.
func (r *jsonReader) pass() error {
	t, err := r.token()
	if err != nil {
		return err
	}
	return r.skip(t)
}

// object reads an object, calling each behind every key; each reads the value.
func (r *jsonReader) object(each func(key string) error) error {
	if err := r.open('{'); err != nil {
		return err
	}
	return r.members(each)
}

// members is object behind its opening bracket.
func (r *jsonReader) members(each func(key string) error) error {
	for {
		t, err := r.token()
		if err != nil {
			return err
		}
		if t.Kind() == '}' {
			return nil
		}
		if err := each(t.String()); err != nil {
			return err
		}
	}
}

// leash is a reader of a content up to a point that is set for each token.
type leash struct {
	ctx      context.Context //nolint:containedctx // lives for one call of an inspector
	in       *input
	start    int64
	off, end int64
	until    int64
	lenient  bool
	quoted   bool // inside of a text
	escaped  bool // behind a backslash in it
	hiding   bool // inside of NaN or Infinity
}

func (l *leash) Read(p []byte) (int, error) {
	if !l.in.alive(l.ctx) {
		return 0, l.in.err
	}
	if l.off >= l.end {
		return 0, io.EOF
	}
	n := min(int64(len(p)), l.end-l.off, l.until-l.off, window)
	if n <= 0 && len(p) > 0 {
		return 0, errLong
	}
	b := l.in.fill(p[:n], l.off)
	if len(b) == 0 && n > 0 {
		return 0, io.ErrUnexpectedEOF
	}
	l.off += int64(len(b))
	if l.lenient {
		l.plain(b)
	}
	return len(b), nil
}

// plain writes 0 for the words NaN and Infinity outside of texts.
func (l *leash) plain(b []byte) {
	for i, c := range b {
		switch {
		case l.quoted:
			l.quoted = c != '"' || l.escaped
			l.escaped = c == '\\' && !l.escaped
			continue
		case (c == 'N' || c == 'I') && !l.hiding:
			b[i], l.hiding = '0', true
			continue
		}
		l.hiding = l.hiding && (c >= 'a' && c <= 'z' || c == 'N')
		if l.hiding {
			b[i] = ' '
		}
		l.quoted = c == '"'
	}
}
