package trivy

import (
	"archive/tar"
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	asecret "github.com/aquasecurity/trivy/pkg/fanal/analyzer/secret"
	"github.com/aquasecurity/trivy/pkg/fanal/secret"
	ftypes "github.com/aquasecurity/trivy/pkg/fanal/types"
	"github.com/aquasecurity/trivy/pkg/fanal/utils"

	"github.com/org/ai-ship/pkg/scan/sieve"
)

// What trivy looks at: pieces of a file that overlap.
const (
	piece   = secret.DefaultBufferSize // bytes
	overlap = secret.DefaultOverlap
	sniffed = 300       // bytes that tell a text from binary data
	ahead   = 256 << 10 // bytes that are read of a layer at once
)

// rules are trivy's for secrets, with what tells which are worth trying.
// Trivy's own analyzer finds the same, but reads every file whole, copies those
// of 100 MiB into a file, and tries nearly all expressions on all texts.
type rules struct {
	scanner  secret.Scanner
	analyzer *asecret.SecretAnalyzer
	sieve    *sieve.Sieve
}

func newRules() (*rules, error) {
	scanner := secret.NewScanner(nil)
	var all []sieve.Rule
	for _, r := range scanner.Rules {
		all = append(all, sieve.Rule{Regexp: r.Regex.Regexp, Words: r.Keywords})
	}
	s, err := sieve.New(all)
	if err != nil {
		return nil, fmt.Errorf("preparing trivy's secret rules: %w", err)
	}
	return &rules{scanner: scanner, analyzer: asecret.NewSecretAnalyzer(scanner, ""), sieve: s}, nil
}

// wanted says whether trivy looks for secrets in a file.
func (r *rules) wanted(name string, info fs.FileInfo) bool {
	return r.analyzer.Required(name, info) && !r.scanner.AllowPath("/"+name)
}

// fragment is a piece of a file.
type fragment struct {
	file         string // as trivy names it
	binary       bool
	buf          *[piece]byte
	n            int // bytes of buf
	line, offset int // of its start in the file, from 0
}

// try has trivy look at a fragment, by those rules that may match.
func (r *rules) try(f fragment) (found []ftypes.SecretFinding) {
	text := f.buf[:f.n]
	possible := r.sieve.Possible(text)
	if len(possible) == 0 {
		return nil
	}
	scanner, global := r.scanner, *r.scanner.Global
	global.Rules = nil
	for _, i := range possible {
		global.Rules = append(global.Rules, r.scanner.Rules[i])
	}
	scanner.Global = &global
	found = scanner.Scan(secret.ScanArgs{FilePath: f.file, Content: &whole{text}, Binary: f.binary}).Findings
	for i := range found {
		found[i].StartLine += f.line
		found[i].EndLine += f.line
		found[i].Offset += f.offset
	}
	return found
}

// whole ends with its only Read, so that trivy does not cut it again.
type whole struct{ text []byte }

func (w *whole) Read(p []byte) (int, error) {
	n := copy(p, w.text)
	w.text = w.text[n:]
	if len(w.text) == 0 {
		return n, io.EOF
	}
	return n, nil
}

// search looks for secrets in a layer while trivy reads it. What is written to
// it is the layer's archive.
type search struct {
	*io.PipeWriter
	rules *rules
	work  chan fragment
	done  chan struct{}
	mu    sync.Mutex
	found map[string][]ftypes.SecretFinding // by file
	err   error
}

// newSearch starts a search, which ends with the archive, or when take is called.
func newSearch(r *rules, workers int) *search {
	s := &search{rules: r, work: make(chan fragment, workers), done: make(chan struct{}), found: map[string][]ftypes.SecretFinding{}}
	var from *io.PipeReader
	from, s.PipeWriter = io.Pipe()
	var group sync.WaitGroup
	for range workers {
		group.Go(s.look)
	}
	go func() {
		defer close(s.done)
		err := s.walk(tar.NewReader(bufio.NewReaderSize(from, ahead)))
		close(s.work)
		group.Wait()
		s.fail(err)
		_, _ = io.Copy(io.Discard, from) // the writer must not wait for ever
	}()
	return s
}

// take ends the search. The error says what was not looked at.
func (s *search) take() ([]ftypes.Secret, error) {
	_ = s.Close()
	<-s.done
	var all []ftypes.Secret
	for file, found := range s.found {
		slices.SortFunc(found, func(a, b ftypes.SecretFinding) int {
			return cmp.Or(strings.Compare(a.RuleID, b.RuleID), cmp.Compare(a.StartLine, b.StartLine), cmp.Compare(a.Offset, b.Offset))
		})
		s.found[file] = slices.CompactFunc(found, func(a, b ftypes.SecretFinding) bool {
			return a.RuleID == b.RuleID && a.StartLine == b.StartLine && a.EndLine == b.EndLine && a.Offset == b.Offset
		})
		all = append(all, ftypes.Secret{FilePath: file, Findings: s.found[file]})
	}
	slices.SortFunc(all, func(a, b ftypes.Secret) int { return strings.Compare(a.FilePath, b.FilePath) })
	return all, s.err
}

func (s *search) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = errors.Join(s.err, err)
}

// look works until there is no more work.
func (s *search) look() {
	for f := range s.work {
		err := guarded("looking for secrets in "+f.file, func() error {
			if found := s.rules.try(f); len(found) > 0 {
				s.mu.Lock()
				s.found[f.file] = append(s.found[f.file], found...)
				s.mu.Unlock()
			}
			return nil
		})
		if err != nil {
			s.fail(err)
		}
		buffers.Put(f.buf)
	}
}

// buffers of fragments.
var buffers = sync.Pool{New: func() any { return new([piece]byte) }} //nolint:gochecknoglobals // as sync.Pool is made for

// walk goes through the archive as trivy does.
func (s *search) walk(archive *tar.Reader) error {
	for {
		h, err := archive.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("looking for secrets: %w", err)
		}
		name := strings.TrimLeft(path.Clean(h.Name), "/")
		if h.Typeflag != tar.TypeReg || strings.HasPrefix(path.Base(name), ".wh.") || !s.rules.wanted(name, h.FileInfo()) {
			continue
		}
		if err := s.file(archive, name); err != nil {
			return fmt.Errorf("looking for secrets in %q: %w", name, err)
		}
	}
}

// file hands on a text, or what is printable of compiled Python.
func (s *search) file(content io.Reader, name string) error {
	head := make([]byte, sniffed)
	n, err := io.ReadFull(content, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return err
	}
	head = head[:n]
	content = io.MultiReader(bytes.NewReader(head), content)
	switch binary, err := utils.IsBinary(bytes.NewReader(head), int64(len(head))); {
	case err != nil: // an empty file
		return nil
	case !binary:
		return s.cut(content, fragment{file: "/" + name})
	case path.Ext(name) == ".pyc":
		return s.cut(&printable{from: content}, fragment{file: "/" + name, binary: true})
	}
	return nil
}

// cut makes fragments as trivy does, its last look at the end included.
func (s *search) cut(content io.Reader, f fragment) error {
	var tail [overlap]byte
	for kept := 0; ; {
		f.buf, _ = buffers.Get().(*[piece]byte)
		copy(f.buf[:], tail[:kept])
		got, err := io.ReadFull(content, f.buf[kept:])
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return err
		}
		f.n = kept + got
		lines, over := 0, max(0, f.n-overlap)
		last := got == 0
		if !last {
			kept = copy(tail[:], f.buf[over:f.n])
			lines = bytes.Count(f.buf[:over], []byte{'\n'})
		}
		s.work <- f
		if last || over == 0 {
			return nil
		}
		f.line += lines
		f.offset += over
	}
}
