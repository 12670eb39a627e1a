package inventory

import (
	"errors"
	"fmt"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxSummaryFiles = 64
	maxSummary      = 6 << 10 // bytes of text
	maxName         = 256     // bytes of a layer's name in a summary
	maxListed       = 200_000 // files that a listing keeps
	maxListing      = 64 << 20
	grammar         = "1"
)

// ErrSummary is returned for text that is no summary or listing.
var ErrSummary = errors.New("not a list of a layer's paths")

// Summary is the text for PathsAnnotation: the layer's largest regular files,
// as many as fit 64 lines and 6 KiB, under a line with the totals.
func Summary(l Layer) string {
	var b strings.Builder
	b.WriteString(head(l))
	lines := 0
	for _, f := range sorted(l.Files) {
		if f.Type != Regular {
			continue
		}
		text := line(File{Path: f.Path, Size: f.Size})
		if lines == maxSummaryFiles || b.Len()+1+len(text) > maxSummary {
			break
		}
		b.WriteString("\n" + text)
		lines++
	}
	return b.String()
}

func head(l Layer) string {
	name := l.Name
	if len(name) > maxName {
		name = strings.ToValidUTF8(name[:maxName], "")
	}
	return fmt.Sprintf("%s files=%d unpacked=%d name=%s", grammar, l.FileCount, l.Unpacked, strconv.QuoteToASCII(name))
}

// ParseSummary reads what Summary wrote into Name, Unpacked, Files, FileCount
// and Listed. It refuses, with ErrSummary, whatever Summary does not write.
func ParseSummary(text string) (Layer, error) {
	if len(text) > maxSummary {
		return Layer{}, fmt.Errorf("%w: %d bytes, at most %d", ErrSummary, len(text), maxSummary)
	}
	l, err := parse(text, maxSummaryFiles)
	for _, f := range l.Files {
		if f != (File{Path: f.Path, Size: f.Size}) {
			return Layer{}, fmt.Errorf("%w: %q: expected plain files only", ErrSummary, f.Path)
		}
	}
	return l, err
}

// Encode writes all of a layer's listing, but for its digest, kind and stored
// size, which whoever keeps it knows. Of more than 200,000 files it keeps the
// largest.
func Encode(l Layer) string {
	var b strings.Builder
	b.WriteString(head(l))
	regular := 0
	for _, f := range sorted(l.Files) {
		if f.Type == Regular {
			if regular++; regular > maxListed {
				continue
			}
		}
		b.WriteString("\n" + line(f))
	}
	return b.String()
}

// Decode reads what Encode wrote, with the errors of ParseSummary.
func Decode(text string) (Layer, error) {
	if len(text) > maxListing {
		return Layer{}, fmt.Errorf("%w: %d bytes, at most %d", ErrSummary, len(text), maxListing)
	}
	return parse(text, math.MaxInt)
}

func sorted(files []File) []File {
	if slices.IsSortedFunc(files, order) {
		return files
	}
	return slices.SortedFunc(slices.Values(files), order)
}

// marks stand before a line's size, by type.
const marks = " @=-*"

func line(f File) string {
	var b strings.Builder
	switch {
	case f.Type != Regular:
		b.WriteByte(marks[f.Type])
	case f.Linked:
		b.WriteByte('+')
	}
	b.WriteString(strconv.FormatInt(f.Size, 10))
	if f.ID != "" {
		b.WriteString("#" + f.ID)
	}
	b.WriteByte(' ')
	if plainPath(f.Path) {
		b.WriteString(f.Path)
	} else {
		b.WriteString(strconv.QuoteToASCII(f.Path))
	}
	return b.String()
}

// plainPath says whether a line, and JSON, can hold the path as it is.
func plainPath(p string) bool {
	return utf8.ValidString(p) && !strings.HasPrefix(p, `"`) && !strings.ContainsFunc(p, func(r rune) bool {
		return !unicode.IsPrint(r) || r == utf8.RuneError
	})
}

func parse(text string, maxFiles int) (Layer, error) {
	head, rest, more := strings.Cut(text, "\n")
	l, err := parseHead(head)
	if err != nil {
		return Layer{}, err
	}
	var sum int64
	regular := 0
	for n := 2; more; n++ {
		var text string
		text, rest, more = strings.Cut(rest, "\n")
		f, ok := parseLine(text)
		if !ok || f.Size > maxBytes-sum {
			return Layer{}, fmt.Errorf("%w: line %d: expected a size and a path", ErrSummary, n)
		}
		if i := len(l.Files); i == maxFiles || i > 0 && order(l.Files[i-1], f) > 0 {
			return Layer{}, fmt.Errorf("%w: line %d: expected at most %d files, the largest first", ErrSummary, n, maxFiles)
		}
		if f.Type == Regular {
			regular++
		}
		sum += f.Size
		l.Files = append(l.Files, f)
	}
	if regular > l.FileCount {
		return Layer{}, fmt.Errorf("%w: %d files, but files=%d", ErrSummary, regular, l.FileCount)
	}
	if l.Listed = Largest; regular == l.FileCount {
		l.Listed = All
	}
	return l, nil
}

func parseHead(text string) (Layer, error) {
	wrong := fmt.Errorf("%w: line 1: expected %s files=N unpacked=N name=%q", ErrSummary, grammar, "…")
	fields := strings.SplitN(text, " ", 4)
	if len(fields) != 4 || fields[0] != grammar {
		return Layer{}, wrong
	}
	count, ok1 := number(strings.TrimPrefix(fields[1], "files="))
	unpacked, ok2 := number(strings.TrimPrefix(fields[2], "unpacked="))
	name, err := strconv.Unquote(strings.TrimPrefix(fields[3], "name="))
	if !ok1 || !ok2 || err != nil || len(name) > maxName {
		return Layer{}, wrong
	}
	l := Layer{Name: name, Unpacked: unpacked, FileCount: int(count)}
	if head(l) != text {
		return Layer{}, wrong
	}
	return l, nil
}

// number is a decimal of digits only, at most maxBytes.
func number(text string) (int64, bool) {
	n, err := strconv.ParseUint(text, 10, 63)
	return int64(n), err == nil && n <= maxBytes
}

func parseLine(text string) (File, bool) {
	size, p, ok := strings.Cut(text, " ")
	if !ok || size == "" {
		return File{}, false
	}
	var f File
	if t := strings.IndexByte(marks, size[0]); t > 0 {
		f.Type, size = Type(t), size[1:]
	} else if size[0] == '+' {
		f.Linked, size = true, size[1:]
	}
	size, f.ID, _ = strings.Cut(size, "#")
	if f.Size, ok = number(size); !ok || f.Type != Regular && f.Size > 0 {
		return File{}, false
	}
	if f.Path = p; strings.HasPrefix(p, `"`) {
		var err error
		if f.Path, err = strconv.Unquote(p); err != nil {
			return File{}, false
		}
	}
	clean := f.Path != "" && path.Clean("/" + f.Path)[1:] == f.Path
	return f, (clean || f.Path == ".") && line(f) == text
}
