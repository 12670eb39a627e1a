package trivy

import (
	"archive/tar"
	"bytes"
	"context"
	"debug/plan9obj"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	golang "github.com/aquasecurity/trivy/pkg/dependency/parser/golang/binary"
	rust "github.com/aquasecurity/trivy/pkg/dependency/parser/rust/binary"
	"github.com/aquasecurity/trivy/pkg/fanal/analyzer"
	"github.com/aquasecurity/trivy/pkg/fanal/analyzer/language"
	ftypes "github.com/aquasecurity/trivy/pkg/fanal/types"
	"github.com/aquasecurity/trivy/pkg/fanal/utils"
)

const (
	copied = 100 << 20 // bytes from which on trivy copies a file that an analyzer opens
	block  = 512       // bytes of an archive's unit
)

// programs are trivy's analyzers of Go's and Rust's binaries, of the same types,
// versions and results. They do not have a large file copied that is none by its
// first bytes, such as a model with the executable bit.
func programs() []program {
	return []program{
		{analyzer.TypeGoBinary, ftypes.GoBinary, func() language.Parser { return golang.NewParser() }, []error{golang.ErrUnrecognizedExe, golang.ErrNonGoBinary}},
		{analyzer.TypeRustBinary, ftypes.RustBinary, func() language.Parser { return rust.NewParser() }, []error{rust.ErrUnrecognizedExe, rust.ErrNonRustBinary}},
	}
}

type program struct {
	kind     analyzer.Type
	language ftypes.LangType
	parser   func() language.Parser
	foreign  []error // of files that are nothing to it
}

func (p program) Type() analyzer.Type { return p.kind }
func (program) Version() int          { return 1 }

func (program) Required(_ string, info fs.FileInfo) bool {
	return utils.IsExecutable(info) && !process.stream.foreign(info)
}

func (p program) Analyze(ctx context.Context, input analyzer.AnalysisInput) (*analyzer.AnalysisResult, error) {
	found, err := language.Analyze(ctx, p.language, input.FilePath, input.Content, p.parser())
	if slices.ContainsFunc(p.foreign, func(f error) bool { return errors.Is(err, f) }) {
		return nil, nil //nolint:nilnil // what trivy's own return
	}
	if err != nil {
		return nil, fmt.Errorf("%s binary (filepath: %s) parse error: %w", p.kind, input.FilePath, err)
	}
	return found, nil
}

// foreign reports whether the file whose header was read last is large and no
// program. Another analyzer may have read it already, so that what comes next is
// another file's header: then, as with all doubts, it is none of these.
func (a *readAhead) foreign(info fs.FileInfo) bool {
	h, ok := info.Sys().(*tar.Header)
	if a == nil || !ok || info.Size() < copied || a.read%block != 0 || mapped(h) {
		return false
	}
	next, err := a.buf.Peek(block)
	if err != nil || executable(next) {
		return false
	}
	_, err = tar.NewReader(bytes.NewReader(next)).Next()
	return errors.Is(err, tar.ErrHeader)
}

// mapped reports whether a file's content in the archive begins with a map.
func mapped(h *tar.Header) bool {
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return h.Typeflag == tar.TypeGNUSparse
}

// executable reports whether a file begins like what the two parsers open:
// debug/buildinfo and go-rustaudit.
func executable(head []byte) bool {
	for _, magic := range []string{"\x7fELF", "MZ", "\xfe\xed\xfa", "\xca\xfe\xba\xbe", "\xca\xfe\xba\xbf", "\x01\xdf", "\x01\xf7", "\x00asm"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return true
		}
	}
	return bytes.HasPrefix(head[1:], []byte("\xfa\xed\xfe")) ||
		slices.Contains([]uint32{plan9obj.Magic386, plan9obj.MagicAMD64, plan9obj.MagicARM}, binary.BigEndian.Uint32(head))
}
