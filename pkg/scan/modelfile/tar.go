package modelfile

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/org/ai-ship/pkg/scan"
)

// isTar goes by the checksum of the first header, which the oldest tars have too.
func isTar(_ context.Context, _ *input, head []byte) bool {
	const block, field = 512, 148
	if len(head) < block || len(bytes.Trim(head[:block], "\x00")) == 0 {
		return false
	}
	sum, signed := 8*int(' '), 8*int(' ')
	for i, c := range head[:block] {
		if i < field || i >= field+8 {
			sum += int(c)
			signed += int(int8(c)) //nolint:gosec // as old tars have it
		}
	}
	said, ok := tarNumber(head[field : field+8])
	return ok && (said == sum || said == signed)
}

// tarNumber is a number in octal, or in base 256 behind a high bit, as Python's
// tarfile takes it for a checksum too.
func tarNumber(b []byte) (int, bool) {
	if b[0] == 0x80 {
		n := 0
		for _, c := range b[1:] {
			n = n<<8 | int(c)
		}
		return n, true
	}
	text, _, _ := strings.Cut(string(b), "\x00")
	n, err := strconv.ParseUint(strings.TrimSpace(text), 8, 31)
	return int(n), err == nil //nolint:gosec // 31 bits
}

// inspectTar inspects the members of a tar, and PyTorch's oldest format, which is
// one (torch/serialization.py, legacy_load).
func inspectTar(ctx context.Context, in *input) {
	in.card.Format = Archive
	content := io.NewSectionReader(&faultyAt{in}, 0, in.Size)
	r := tar.NewReader(content)
	names := map[string]bool{}
	for {
		h, err := r.Next()
		if !in.alive(ctx) {
			return
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			in.unscanned("the tar cannot be read on: %v", err)
			return
		}
		off, _ := content.Seek(0, io.SeekCurrent)
		clean := path.Clean(h.Name)
		if names[clean] && h.Typeflag != tar.TypeDir {
			in.risk(zipRisk("archive-duplicate", off, h.Name, "Two members have the same name: one reader takes the first, another the last."))
		}
		names[clean] = true
		checkPath(in, h.Name, off)
		if !tarMember(ctx, in, h, off) {
			return
		}
	}
	if names["sys_info"] && names["pickle"] && names["storages"] {
		in.card.Format, in.card.Framework = TorchLegacy, "pytorch"
	}
	off, _ := content.Seek(0, io.SeekCurrent)
	if end := lastByte(ctx, in, off); end >= off {
		trailing(ctx, in, off)
	}
}

// tarMember inspects one member; false when the limit of members is reached.
func tarMember(ctx context.Context, in *input, h *tar.Header, off int64) bool {
	switch h.Typeflag {
	case tar.TypeDir:
		return true
	case tar.TypeLink, tar.TypeSymlink:
		in.risk(linkRisk(h.Name+" -> "+h.Linkname, off))
		return true
	case tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
		in.risk(Risk{
			Rule: "archive-special", Severity: scan.High, Offset: off, Calls: fmt.Sprintf("%s (type %q)", shown(h.Name, 150), h.Typeflag),
			Why: "The member is a device or a pipe, which no model needs.",
		})
		return true
	case tar.TypeReg:
	default:
		in.unscanned("the member %q is of type %q", shown(h.Name, maxName), h.Typeflag)
		return true
	}
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			in.unscanned("the member %q is sparse", shown(h.Name, maxName))
			return true
		}
	}
	size := min(h.Size, in.Size-off)
	m := in.inside(h.Name, size, io.NewSectionReader(in, off, size))
	if m == nil {
		return false
	}
	inspect(ctx, m)
	return true
}

// lastByte is where a byte other than zero stands behind off; -1 when none does.
// It looks at no more than what is searched for hidden pickles.
func lastByte(ctx context.Context, in *input, off int64) int64 {
	for end := min(in.Size, off+maxHunt); off < end && in.alive(ctx); off += window {
		for i, c := range in.at(off, window) {
			if c != 0 {
				return off + int64(i)
			}
		}
	}
	return -1
}

// faultyAt notes an error of the source, which is not one of the tar.
type faultyAt struct{ *input }

func (f *faultyAt) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.Source.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		f.fail(err)
	}
	return n, err //nolint:wrapcheck // io.ReaderAt
}
