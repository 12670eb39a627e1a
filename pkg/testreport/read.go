package testreport

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/org/ai-ship/pkg/hint"
)

// ErrNoReport is in the chain of the error about a pattern that matches no file.
var ErrNoReport = errors.New("matches no file")

const maxReports = 1000 // files of all patterns together

// Read reads the reports that the patterns name, each file once, sorted by
// path. Patterns are slash-separated and relative to project; they may hold *,
// ?, [a-z], {a,b} and **, which does not follow symbolic links. A pattern that
// is absolute, has a .. segment, or matches nothing (ErrNoReport) is an error,
// and so is every file that ReadFile refuses, or that a symbolic link places
// outside of project. All problems are reported together.
func Read(ctx context.Context, project *os.Root, patterns []string) ([]Report, error) {
	var paths []string
	var problems []error
	for _, pattern := range patterns {
		matches, err := expand(ctx, project, pattern)
		if err != nil {
			problems = append(problems, fmt.Errorf("looking for reports %q: %w", pattern, err))
		}
		paths = append(paths, matches...)
	}
	slices.Sort(paths)
	paths = slices.Compact(paths)
	if len(paths) > maxReports {
		return nil, fmt.Errorf("looking for reports: found %d files, more than %d", len(paths), maxReports)
	}
	reports := make([]Report, 0, len(paths))
	for _, name := range paths {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("reading reports: %w", err)
		}
		report, err := open(project, name)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		reports = append(reports, report)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return reports, nil
}

// own is where ai-ship writes its reports. What the gates decided last time is
// no test of the model, so ** does not mean it.
const own = "ai-ship-out/"

// expand returns the files that one pattern matches, without directories.
func expand(ctx context.Context, project *os.Root, pattern string) ([]string, error) {
	if strings.HasPrefix(pattern, "/") {
		return nil, errors.New("is absolute; expected a path inside the project")
	}
	segments := strings.FieldsFunc(pattern, func(r rune) bool { return strings.ContainsRune(`/\{},`, r) })
	if slices.Contains(segments, "..") {
		return nil, errors.New(`has a ".." segment; expected a path inside the project`)
	}
	if pattern == "" {
		return nil, errors.New("is empty; expected a path or a pattern such as reports/*.xml")
	}
	var matches []string
	fsys := project.FS()
	err := doublestar.GlobWalk(fsys, path.Clean(pattern), func(name string, _ fs.DirEntry) error {
		if strings.HasPrefix(name, own) && !strings.HasPrefix(pattern, own) {
			return ctx.Err()
		}
		// Of a link the entry says nothing; its target decides, or open refuses it.
		if info, err := fs.Stat(fsys, name); err != nil || !info.IsDir() {
			matches = append(matches, name)
		}
		return ctx.Err()
	}, doublestar.WithFailOnIOErrors(), doublestar.WithNoFollow())
	if err != nil {
		return nil, err
	}
	if len(matches) == 0 {
		return nil, hint.Wrap(ErrNoReport, "run the tests that write the report before ai-ship, or correct reports: in the config")
	}
	return matches, nil
}

func open(project *os.Root, name string) (Report, error) {
	// Looked at before it is opened, for opening a pipe would wait for its writer.
	info, err := project.Stat(name)
	if err != nil {
		return Report{}, fmt.Errorf("reading report %q: %w", name, err)
	}
	if !info.Mode().IsRegular() {
		return Report{}, fmt.Errorf("reading report %q: is no regular file (%s)", name, info.Mode().Type())
	}
	f, err := project.Open(name)
	if err != nil {
		return Report{}, fmt.Errorf("reading report %q: %w", name, err)
	}
	defer f.Close()
	return ReadFile(name, f, info.ModTime())
}

// maxFirst is the first buffer of a report whose size is not known, in bytes.
// Each next one is four times as large, so that the last two together stay far
// below what doubling would take.
const maxFirst = 64 << 10

// readAll reads at most MaxSize bytes. What says its size itself, as a file
// does, is refused before a byte is read, and takes one buffer of that size.
func readAll(r io.Reader) ([]byte, error) {
	size := maxFirst
	if f, ok := r.(interface{ Stat() (fs.FileInfo, error) }); ok {
		info, err := f.Stat()
		if err != nil {
			return nil, err
		}
		if info.Size() > MaxSize {
			return nil, errSize()
		}
		size = int(info.Size()) + 1 // one more, to find the end without growing
	}
	data := make([]byte, 0, min(size, MaxSize+1))
	for {
		n, err := r.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		switch {
		case len(data) > MaxSize:
			return nil, errSize()
		case err == io.EOF:
			return data, nil
		case err != nil:
			return nil, err
		case len(data) == cap(data):
			size = 4 * cap(data)
			if size >= MaxSize/2 {
				size = MaxSize + 1
			}
			data = append(make([]byte, 0, size), data...)
		}
	}
}

func errSize() error { return fmt.Errorf("is larger than %d MiB", MaxSize>>20) }

// ReadFile reads one report of at most MaxSize bytes. name appears in errors
// and as every Source's File; its extension is only held against the content.
// A report with neither a test nor a metric is an error: a gate could not tell
// it from one that was never written.
func ReadFile(name string, r io.Reader, modified time.Time) (Report, error) {
	data, err := readAll(r)
	if err != nil {
		return Report{}, fmt.Errorf("reading report %q: %w", name, err)
	}
	sum := sha256.Sum256(data)
	c := collector{report: Report{Path: name, SHA256: hex.EncodeToString(sum[:]), Modified: modified}}
	if err := c.read(data); err != nil {
		return Report{}, fmt.Errorf("reading report %q: %w", name, err)
	}
	if c.tested() && c.report.Tests == 0 && len(c.report.Failures) == 0 {
		return Report{}, fmt.Errorf("reading report %q: holds no test that ran", name)
	}
	if c.report.Tests == 0 && len(c.report.Metrics) == 0 && len(c.report.Failures) == 0 {
		return Report{}, fmt.Errorf("reading report %q: holds no test that ran and no number", name)
	}
	return c.report, nil
}

// tested reports whether the format is about tests. What such a report recorded
// beside them counts only if one ran: all were skipped, or none was found.
func (c *collector) tested() bool {
	return slices.Contains([]string{formatJUnit, formatPytest, formatCTRF}, c.report.Format)
}

// read finds the format by the content, and reads it.
func (c *collector) read(data []byte) error {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // a byte order mark
	body := bytes.TrimSpace(data)
	if len(body) == 0 {
		return errors.New("is empty")
	}
	holds, read := "", (*collector).readJSON
	switch {
	case body[0] == '<':
		holds, read = "XML", (*collector).readXML
	case body[0] == '{', body[0] == '[' && !isTOML(body): // a TOML table begins like an array
		holds = "JSON"
	default:
		return c.readText(data, body)
	}
	if err := c.named(holds); err != nil {
		return err
	}
	return read(c, data)
}

// binary says what body is if it is no text, by its first bytes.
func binary(body []byte) string {
	head := body[:min(len(body), 512)]
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return "gzip data"
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return "a zip archive"
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		return "UTF-16 text"
	case bytes.ContainsFunc(head, func(r rune) bool { return r < ' ' && !unicode.IsSpace(r) }):
		return "binary data"
	}
	return ""
}

// cut shortens s to n characters.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}
