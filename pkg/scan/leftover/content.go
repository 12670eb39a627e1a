package leftover

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/unit"
)

const (
	maxText  = 64 << 20 // bytes of a text that are searched
	maxHead  = 1 << 20  // bytes of a binary file that are, from its start
	maxTail  = 64 << 10 // and from its end
	sniffed  = 8 << 10  // bytes that tell text from binary data
	maxNamed = 20       // binary files of one kind of layer that are listed; more are counted
)

// binaries are the binary files of one kind of layer that were not searched in
// full.
type binaries struct {
	paths []string // the first maxNamed
	count int
	size  int64
}

// file looks at one file: its name, then its content. The error is ctx's only.
func (s *scanner) file(ctx context.Context, f scan.File) error {
	shown, hits, err := s.clean(ctx, f.Path)
	if err != nil {
		return err
	}
	s.report(hits, scan.Finding{Path: shown, Layer: s.layers[f.Kind]})
	for _, found := range named(f, s.names) {
		key := found.ID + "\x00" + found.Path
		if s.seen[key] {
			continue
		}
		s.seen[key] = true
		if found.Path, _, err = s.clean(ctx, found.Path); err != nil {
			return err
		}
		found.Layer, found.Source = s.layers[f.Kind], source
		s.findings.Secrets = append(s.findings.Secrets, found)
	}
	if f.Size <= 0 {
		return nil
	}
	found, ok := s.files.Get(f)
	if !ok {
		if found, err = s.content(ctx, f, shown); err == nil {
			s.files.Put(f, found)
		}
	}
	s.take(f, shown, found)
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	reason, _, err := s.clean(ctx, err.Error())
	s.findings.Incomplete = append(s.findings.Incomplete, scan.Incomplete{
		ID: "unreadable-file", Layer: s.layers[f.Kind], Path: shown, Detail: "the file was not searched for secrets: " + reason,
	})
	return err
}

// content is what a file's content gave; nil is nothing.
type content struct {
	Secrets []scan.Finding `json:"s,omitempty"` // without the layer
	Skipped string         `json:"k,omitempty"` // why something of it was left out
	Partly  bool           `json:"p,omitempty"` // a binary file that was not searched in full
}

// take adds what the content gave.
func (s *scanner) take(f scan.File, shown string, found *content) {
	if found == nil {
		return
	}
	for _, secret := range found.Secrets {
		secret.Layer = s.layers[f.Kind]
		s.findings.Secrets = append(s.findings.Secrets, secret)
	}
	if found.Skipped != "" {
		s.skip(f, shown, found.Skipped)
	}
	if !found.Partly {
		return
	}
	b := s.binaries[f.Kind]
	if b == nil {
		b = &binaries{}
		s.binaries[f.Kind] = b
	}
	b.count++
	b.size += f.Size
	if len(b.paths) < maxNamed {
		b.paths = append(b.paths, shown)
	}
}

// content searches a file as what its first bytes say it is. With an error it
// returns what it found before.
func (s *scanner) content(ctx context.Context, f scan.File, shown string) (found *content, err error) {
	opened, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	head := make([]byte, min(sniffed, f.Size))
	if n, err := opened.ReadAt(head, 0); n < len(head) {
		return nil, fmt.Errorf("reading the first %d bytes: %w", len(head), short(err))
	}
	lower := strings.ToLower(f.Path)
	p := place{path: shown, lower: lower, scope: inText, plain: plain(lower), installed: installed(f), bundled: installed(f) && bundled(lower)}
	at := scan.Finding{Path: shown, Line: -1}
	var all content
	sections := []section{{opened, 0, min(f.Size, maxText), false}}
	wide := bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff"))
	if bytes.IndexByte(head, 0) >= 0 && !wide {
		p.scope, at.Offset = inBinary, -1
		if all.Partly = f.Size > maxHead+maxTail; all.Partly { // headers and metadata
			sections = []section{{opened, 0, maxHead, false}, {opened, f.Size - maxTail, maxTail, false}}
		}
	} else {
		sections[0].wide = wide
		if variables(lower) {
			p.scope |= inVars
		}
		if f.Size > maxText {
			all.Skipped = fmt.Sprintf("text of %s: only its first %d MiB were searched for secrets", unit.FormatBytes(f.Size), maxText>>20)
		}
	}
	for _, sec := range sections {
		secrets, failed := s.part(ctx, sec, p, at)
		all.Secrets = append(all.Secrets, secrets...)
		if err = failed; err != nil {
			break
		}
	}
	if len(all.Secrets) > 0 || all.Skipped != "" || all.Partly {
		found = &all
	}
	return found, err
}

// section is a part of a file.
type section struct {
	content io.ReaderAt
	from, n int64
	wide    bool // UTF-16, of which the bytes that are not zero are searched
}

// part searches one part and requires that it is there to its end.
func (s *scanner) part(ctx context.Context, sec section, p place, at scan.Finding) ([]scan.Finding, error) {
	counted := &counter{Reader: io.NewSectionReader(sec.content, sec.from, sec.n)}
	var r io.Reader = counted
	if sec.wide {
		r = &narrow{counted}
	}
	hits, _, err := s.search(ctx, r, p)
	if err != nil {
		return nil, err
	}
	for i := range hits {
		hits[i].from += sec.from
	}
	found := findings(hits, at)
	if counted.n < sec.n {
		return found, fmt.Errorf("found %d bytes from offset %d, expected %d: %w", counted.n, sec.from, sec.n, io.ErrUnexpectedEOF)
	}
	return found, nil
}

// counter counts what is read.
type counter struct {
	io.Reader
	n int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n += int64(n)
	return n, err
}

// narrow leaves out the zero bytes of UTF-16, whichever half they are, so that
// ASCII stays.
type narrow struct{ io.Reader }

func (r *narrow) Read(b []byte) (int, error) {
	for {
		n, err := r.Reader.Read(b)
		kept := len(slices.DeleteFunc(b[:n], func(c byte) bool { return c == 0 }))
		if kept > 0 || err != nil || len(b) == 0 {
			return kept, err
		}
	}
}

func short(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// installed reports whether a file is part of an installed package, which is
// published; what the installer itself wrote is not.
func installed(f scan.File) bool {
	lower := "/" + strings.ToLower(f.Path)
	return path.Base(lower) != "direct_url.json" && (f.Kind == "python" || slices.ContainsFunc([]string{"/site-packages/", "/dist-packages/", "/node_modules/"}, func(s string) bool {
		return strings.Contains(lower, s)
	}))
}

// bundled reports whether a file of a package is only there to test or to explain
// it.
func bundled(lower string) bool {
	base := path.Base(lower)
	return strings.HasPrefix(base, "test_") || strings.HasPrefix(base, "testing_") || base == "conftest.py" || strings.HasSuffix(strings.TrimSuffix(base, path.Ext(base)), "_test") ||
		slices.ContainsFunc(strings.Split(path.Dir(lower), "/"), func(folder string) bool {
			return slices.Contains([]string{"test", "tests", "testing", "testdata", "test_data", "fixtures", "examples", "example", "samples", "docs", "doc"}, folder)
		})
}

func (s *scanner) skip(f scan.File, shown, reason string) {
	s.findings.Skipped = append(s.findings.Skipped, scan.Skip{Layer: s.layers[f.Kind], Path: shown, Reason: reason})
}

// summarise says which binary files were not searched in full.
func (s *scanner) summarise() {
	bounds := fmt.Sprintf("only its first %d MiB and last %d KiB were searched for secrets", maxHead>>20, maxTail>>10)
	for _, kind := range slices.Sorted(maps.Keys(s.binaries)) {
		b := s.binaries[kind]
		if b.count <= maxNamed {
			for _, p := range b.paths {
				s.skip(scan.File{Kind: kind}, p, "binary file: "+bounds)
			}
			continue
		}
		s.skip(scan.File{Kind: kind}, "", fmt.Sprintf("%d binary files of %s layers, %s together: of each, %s", b.count, kind, unit.FormatBytes(b.size), bounds))
	}
}
