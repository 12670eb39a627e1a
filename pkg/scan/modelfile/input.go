package modelfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/org/ai-ship/pkg/scan"
)

// budget is what one file, everything inside it included, may cost. Each field
// counts down.
type budget struct {
	inflated int64 // bytes that come out of decompressors
	opcodes  int64 // of pickles; other formats count their records, keys and tokens
	members  int64 // of archives
	depth    int   // how deep archives and pickles may hold each other; does not count down
	risks    int   // what a report may hold
}

// defaultBudget is far above what real models need. A file beyond it is not
// harmful for that, but not looked at to its end.
func defaultBudget() budget {
	return budget{inflated: 8 << 30, opcodes: 100 << 20, members: 100_000, depth: 8, risks: 1000}
}

// findings is what a file and everything inside it share.
type findings struct {
	left    budget
	risks   []Risk
	seen    map[Risk]bool   // without offsets
	reasons []string        // why something was not read
	needed  []string        // files that the file itself must have beside it
	needing map[string]bool // the same, to look one up
	err     error           // of the context or the source; ends everything
	wanted  []wanted        // files beside this one
}

// input is one content that is inspected: the file itself or a member of it.
//
// Offsets are from its own start. An inspector reads by [input.at] or as an
// [io.ReaderAt], sets card, and reports by risk and unscanned. It returns early
// when alive says so, and needs no other error handling.
type input struct {
	Source
	member string // path inside of archives, joined by "!"; empty for the file itself
	depth  int
	card   Card // of this content; an archive takes over what it wants from its members

	torchscript bool             // a pickle in an archive that brings the code of its classes
	storages    map[string]int64 // tensors' storages by their key, and their elements; nil where nobody asks
	*findings
}

// member is one file of an archive that was opened.
type member struct {
	name string // as the archive has it, slashes not cleaned
	in   *input // its content, unpacked
}

func newInput(src Source, left budget) *input {
	return &input{
		Source:   src,
		card:     Card{Format: Other},
		findings: &findings{left: left, seen: map[Risk]bool{}},
	}
}

// alive reports whether there is a point in going on: ctx has not ended and the
// source can be read. Call it at least once for every 64 KiB or 4096 records.
func (in *input) alive(ctx context.Context) bool {
	if in.err == nil {
		in.err = ctx.Err()
	}
	return in.err == nil
}

// at is n bytes from off, fewer where the content ends before, none where off
// lies outside. The caller bounds n, for it is what is allocated at most.
func (in *input) at(off int64, n int) []byte {
	if off < 0 || off >= in.Size || n <= 0 {
		return nil
	}
	return in.fill(make([]byte, min(int64(n), in.Size-off)), off)
}

// fill is at, into b.
func (in *input) fill(b []byte, off int64) []byte {
	if in.err != nil || off < 0 || off >= in.Size {
		return nil
	}
	b = b[:min(int64(len(b)), in.Size-off)]
	got, err := in.ReadAt(b, off)
	if got < len(b) {
		if errors.Is(err, io.EOF) || err == nil {
			err = io.ErrUnexpectedEOF
		}
		in.fail(fmt.Errorf("reading %d bytes at offset %d: %w", len(b), off, err))
		return nil
	}
	return b
}

// fail ends the inspection of the whole file: its source could not be read. What
// may not be unpacked once more is no such error.
func (in *input) fail(err error) {
	if errors.Is(err, errBudget) {
		in.unscanned("%v", errBudget)
		return
	}
	if in.err == nil {
		in.err = fmt.Errorf("reading model file %q: %w", in.Path, err)
	}
}

// spend takes n from what is left for records (opcodes, keys, tokens). When
// nothing is left it says so in the report and returns false.
func (in *input) spend(n int64) bool {
	if in.left.opcodes -= n; in.left.opcodes >= 0 {
		return true
	}
	in.unscanned("there is more in it than the limit for one file")
	return false
}

// inside is the input of a content that lies in this one; nil, and said in the
// report, when it would be too deep or too many. Path stays the file's.
func (in *input) inside(name string, size int64, content io.ReaderAt) *input {
	path := shown(name, maxName)
	if in.member != "" {
		path = in.member + "!" + path
	}
	if in.left.members--; in.left.members < 0 {
		in.unscanned("it holds more members than the limit for one file")
		return nil
	}
	if in.depth+1 > in.left.depth {
		in.unscanned("%s is nested deeper than %d levels", path, in.left.depth)
		return nil
	}
	return &input{
		Source:   Source{Path: in.Path, Size: size, ReaderAt: content},
		member:   path,
		depth:    in.depth + 1,
		card:     Card{Format: Other},
		findings: in.findings,
	}
}

// name is the path by which this content is known: the member's own, or the
// file's. It is a hint at most; content decides.
func (in *input) name() string {
	if i := strings.LastIndexByte(in.member, '!'); i >= 0 {
		return in.member[i+1:]
	}
	if in.member != "" {
		return in.member
	}
	return in.Path
}

const (
	maxCalls = 200 // characters of Risk.Calls
	maxName  = 200 // characters of a member's name in messages
)

// risk adds r to the report: Member is set where it is empty, what is shown is
// made printable and cut, and the same thing in the same member counts once.
func (in *input) risk(r Risk) {
	if r.Member == "" {
		r.Member = in.member
	}
	r.Calls = shown(r.Calls, maxCalls)
	same := r
	same.Offset = 0
	if in.seen[same] {
		return
	}
	if in.left.risks--; in.left.risks < 0 {
		in.unscanned("there are more risks than a report can hold")
		return
	}
	in.seen[same] = true
	in.risks = append(in.risks, r)
}

// unscanned says in the report why this content, or a part of it, was not looked
// at; the member is put before. Inspection may go on behind it.
func (in *input) unscanned(format string, args ...any) {
	const most = 8 // reasons that a report holds
	reason := fmt.Sprintf(format, args...)
	if in.member != "" {
		reason = in.member + ": " + reason
	}
	for _, r := range in.reasons {
		if r == reason {
			return
		}
	}
	if len(in.reasons) < most {
		in.reasons = append(in.reasons, reason)
	}
}

// shown is hostile text made fit for a line: what is not printable is escaped,
// and no more than limit characters stay.
func shown(s string, limit int) string {
	var b strings.Builder
	n := 0
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if n == limit {
			b.WriteString("…")
			break
		}
		n++
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
		i += size
	}
	return b.String()
}

// Inspect says what src is and what would run when it is loaded. Nothing of it
// is executed. The error is ctx's or the source's, and the report then worthless;
// a file that is broken, hostile or beyond the limits is no error but has
// Report.Unscanned.
//
// Memory stays below some tens of MiB, and for the most hostile file below 256 MiB,
// whatever its size. What need not be read (tensors, arrays) is not.
func Inspect(ctx context.Context, src Source) (Report, error) {
	return inspectWithin(ctx, src, defaultBudget())
}

func inspectWithin(ctx context.Context, src Source, left budget) (Report, error) {
	in := newInput(src, left)
	if in.alive(ctx) {
		inspect(ctx, in)
	}
	if !in.alive(ctx) {
		return Report{Path: src.Path}, in.err
	}
	return Report{
		Path:      src.Path,
		Card:      in.card,
		Risks:     in.risks,
		needed:    in.needed,
		Unscanned: strings.Join(in.reasons, "; "),
		wanted:    in.wanted,
	}, nil
}

// polyglot is said of a content that more than one loader takes for its own.
func (in *input) polyglot(natures []string) {
	in.risk(Risk{
		Rule: "polyglot", Severity: scan.High, Offset: -1, Calls: strings.Join(natures, ", "),
		Why:     "The content is valid as more than one format, so that what a scanner reads need not be what a loader loads.",
		Convert: "Ship the model as one plain file, such as safetensors.",
	})
}

// sectionOf is in's content from off.
func sectionOf(in *input, off int64) io.ReaderAt {
	return io.NewSectionReader(in, off, in.Size-off)
}
