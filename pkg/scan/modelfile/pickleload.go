package modelfile

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/org/ai-ship/pkg/scan"
)

const (
	maxTrial    = 4096     // opcodes by which a pickle is told from anything else
	maxUnsigned = 1 << 20  // opcodes, where there is no signature: long texts of lines look like a pickle
	maxHunt     = 16 << 20 // bytes that are searched for pickles behind the end of one
	maxLatin    = 1 << 20  // bytes of a text that is looked at for a pickle written as Latin-1
)

// isPickle tries to load the head: protocols 0 and 1 have no signature, and the
// one of the others is two bytes, which tensors may begin with too. What makes a
// call before it breaks is a pickle as well, for the call is made; and so is what
// has the signature and breaks late.
func isPickle(ctx context.Context, in *input, _ []byte) bool {
	return pickleAt(ctx, in, 0)
}

func pickleAt(ctx context.Context, in *input, off int64) bool {
	const most = 64 // pickles of protocol 0 or 1 that may come before one that does something
	for range most {
		m := newMachine(ctx, in, off)
		m.quiet = true
		signed := string(in.at(off, 1)) == "\x80"
		most := int64(maxTrial)
		if !signed {
			most = maxUnsigned
		}
		_, err := m.run(most)
		switch {
		case m.known || m.calls > 0:
			return true
		case err != nil:
			return err.limit || signed && m.ops >= 2
		case signed, !m.odd && (m.ops == most || m.blank()):
			return true
		case m.left() == 0:
			return false
		}
		off = m.off // a text such as "N.B." ends like a pickle
	}
	return true
}

// blank reports whether nothing but a line's end follows.
func (c *cursor) blank() bool {
	const most = 16 // bytes
	return c.left() <= most && len(bytes.TrimSpace(c.peek(most))) == 0
}

// torchMagic is the integer that begins PyTorch's format before 1.6
// (torch/serialization.py, MAGIC_NUMBER).
const torchMagic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"

// inspectPickle reads a pickle, those that follow it, and the raw data between
// the opcodes of joblib and behind those of PyTorch's old format.
func inspectPickle(ctx context.Context, in *input) {
	in.card.Format = Pickle
	const most = 10_000 // pickles one after the other
	legacy := 0         // how many pickles a PyTorch file still has
	m := newMachine(ctx, in, 0)
	for n := 0; ; n++ {
		value, err := m.run(math.MaxInt64)
		if m.arrays > 0 {
			in.card.Format = Joblib
		}
		if err != nil {
			if in.alive(ctx) {
				in.unscanned("the pickle cannot be read on from %v", err)
				hunt(ctx, in, err.off+1)
			}
			return
		}
		if n == 0 && value != nil && value.kind == number && value.s == torchMagic {
			in.card.Format, in.card.Framework = TorchLegacy, "pytorch"
			legacy = 5
		}
		if legacy--; legacy == 0 && m.left() > 0 {
			hidden(ctx, in, m.off) // storages follow, which are numbers, but one that loads pickle by pickle would not know
		}
		if legacy == 0 || m.left() == 0 || m.blank() {
			return
		}
		if n == most {
			in.unscanned("more than %d pickles follow each other", most)
			return
		}
		if legacy < 0 && !pickleAt(ctx, in, m.off) {
			trailing(ctx, in, m.off)
			return
		}
	}
}

// trailing reports what follows a content that a loader would not read.
func trailing(ctx context.Context, in *input, off int64) {
	in.risk(Risk{
		Rule: "trailing-data", Severity: scan.Medium, Offset: off, Calls: fmt.Sprintf("%d bytes", in.Size-off),
		Why:     "Data follows the end of the format, where no loader looks and a payload may wait.",
		Convert: "Write the file anew with the library that made it.",
	})
	hunt(ctx, in, off)
}

// hunt searches the bytes from off for pickles. What it finds is reported, what
// it does not find may still be there: the caller says that the rest is unread.
func hunt(ctx context.Context, in *input, off int64) {
	const candidates = 1024 // that are tried
	const overlap = 512     // bytes, so that nothing is cut
	end := min(in.Size, off+maxHunt)
	buf := make([]byte, window+overlap)
	for at, tried := off, 0; at < end && in.alive(ctx); at += window {
		chunk := in.fill(buf[:min(int64(len(buf)), end-at)], at)
		for i := 0; i+1 < len(chunk) && i < window && tried < candidates; i++ {
			if chunk[i] == 0x80 && chunk[i+1] >= 2 && chunk[i+1] <= 5 {
				tried++
				hidden(ctx, in, at+int64(i))
			}
		}
		huntText(in, chunk, at)
	}
}

// huntText searches for GLOBAL and INST, whose two lines stand out.
func huntText(in *input, chunk []byte, at int64) {
	const most = 128 // bytes of a name
	for i := 0; ; i++ {
		n := bytes.IndexByte(chunk[i:], '\n')
		if n < 0 {
			return
		}
		i += n
		second := bytes.IndexByte(chunk[i+1:min(len(chunk), i+most)], '\n')
		if second < 0 {
			continue
		}
		name := strings.TrimSuffix(string(chunk[i+1:i+1+second]), "\r")
		line := strings.TrimSuffix(string(chunk[max(0, i-most):i]), "\r")
		if module, verdict := namedBefore(line, name); module != "" {
			in.risk(Risk{
				Rule: "pickle-hidden", Severity: scan.High, Offset: at + int64(i-len(module)-1), Calls: module + "." + name,
				Why:     "This stands behind the end of a pickle, or behind a place where it cannot be read. " + verdict.why,
				Convert: verdict.convert,
			})
		}
	}
}

// namedBefore is the module at the end of a line, behind the opcode of GLOBAL or
// INST, of which name is known to be dangerous; the one that is known itself
// where several fit.
func namedBefore(line, name string) (module string, v verdict) {
	if !isName(name) {
		return "", verdict{}
	}
	for k := len(line) - 1; k >= 0; k-- {
		rest := line[k+1:]
		if rest == "" {
			continue
		}
		if !isName(rest) && (rest[0] < '0' || rest[0] > '9') {
			break
		}
		if line[k] != 'c' && line[k] != 'i' {
			continue
		}
		top, _, _ := strings.Cut(rest, ".")
		known := oneOf(top, runs) || oneOf(top, reaches)
		if judged := judge(rest, name); judged.severity == scan.Critical && (known || module == "") {
			module, v = rest, judged
		}
		if known {
			break
		}
	}
	return module, v
}

// hidden walks what may be a pickle at off, if it would call something.
func hidden(ctx context.Context, in *input, off int64) {
	trial := newMachine(ctx, in, off)
	trial.quiet = true
	if _, _ = trial.run(maxTrial); trial.calls == 0 && !trial.known {
		return
	}
	m := newMachine(ctx, in, off)
	_, _ = m.run(math.MaxInt64)
}

// nestedAt inspects bytes within the pickle that are a pickle, a zip or an array
// themselves: something that unpickles them need not be in this file.
func (m *machine) nestedAt(start, size int64) {
	if m.quiet || size < 4 {
		return
	}
	content := io.NewSectionReader(m.in, start, size)
	within := &input{Source: Source{Path: m.in.Path, Size: size, ReaderAt: content}, findings: m.in.findings}
	head := within.at(0, 8)
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("\x93NUMPY")),
		bytes.HasPrefix(head, []byte("\x1f\x8b\x08")), bytes.HasPrefix(head, []byte("\x89HDF\r\n")):
	case len(head) > 1 && head[0] == 0x80 && head[1] <= 5, string(within.at(size-1, 1)) == ".":
		if !pickleAt(m.ctx, within, 0) {
			return
		}
	default:
		return
	}
	if in := m.in.inside(fmt.Sprintf("bytes@%d", start), size, content); in != nil {
		inspect(m.ctx, in)
	}
}

// nested is nestedAt for bytes that had to be decoded.
func (m *machine) nested(off int64, b []byte) {
	if m.quiet || len(b) < 4 {
		return
	}
	in := m.in.inside(fmt.Sprintf("text@%d", off), int64(len(b)), bytes.NewReader(b))
	if in != nil && (bytes.HasPrefix(b, []byte("PK\x03\x04")) || pickleAt(m.ctx, in, 0)) {
		inspect(m.ctx, in)
	}
}

// nestedText looks into a text that is bytes as Latin-1: so does Python 3 write
// bytes below protocol 3.
func (m *machine) nestedText(start, size int64) {
	if m.quiet || size < 4 {
		return
	}
	head := m.in.at(start, 4)
	pickled := len(head) == 4 && head[0] == 0xc2 && head[1] == 0x80 && head[2] <= 5
	if !pickled && string(head) != "PK\x03\x04" {
		return
	}
	if size > maxLatin {
		m.in.unscanned("a text of %d bytes at offset %d looks like a pickle, the limit is %d", size, start, maxLatin)
		return
	}
	var b []byte
	for _, r := range string(m.in.at(start, int(size))) {
		if r > 0xff {
			return
		}
		b = append(b, byte(r))
	}
	m.nested(start, b)
}
