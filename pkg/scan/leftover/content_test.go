package leftover_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/scan/leftover"
)

// sparse is a content of zeros.
type sparse int64

func (s sparse) Close() error { return nil }

func (s sparse) ReadAt(b []byte, off int64) (int, error) {
	n := max(0, min(int64(len(b)), int64(s)-off))
	clear(b[:n])
	if int(n) < len(b) {
		return int(n), io.EOF
	}
	return int(n), nil
}

// counted counts what is read.
type counted struct {
	scan.Content
	n *int64
}

func (c counted) ReadAt(b []byte, off int64) (int, error) {
	n, err := c.Content.ReadAt(b, off)
	*c.n += int64(n)
	return n, err
}

// repeated is a text without end.
type repeated string

func (repeated) Close() error { return nil }

func (r repeated) ReadAt(b []byte, off int64) (int, error) {
	for n := 0; n < len(b); {
		n += copy(b[n:], r[(off+int64(n))%int64(len(r)):])
	}
	return len(b), nil
}

func unreadable(path, reason string) scan.File {
	return scan.File{Path: path, Kind: "app", Size: 10, Open: func() (scan.Content, error) {
		return nil, fmt.Errorf("opening %q: %s", path, reason)
	}}
}

func TestLargeFilesAreReadInPart(t *testing.T) {
	var read int64
	files := []scan.File{
		{Path: "models/w.bin", Kind: "model", Size: 10 << 30, Open: func() (scan.Content, error) { return counted{sparse(10 << 30), &read}, nil }},
		{Path: "models/text.txt", Kind: "model", Size: 10 << 30, Open: func() (scan.Content, error) {
			return counted{repeated(strings.Repeat("all work and no play\n", 10_000)), &read}, nil
		}},
	}
	findings := scanned(t, target(t, v1.ConfigFile{}, files...))
	if read > 70<<20 {
		t.Errorf("%d bytes were read", read)
	}
	want := []scan.Skip{
		{Path: "models/text.txt", Reason: "text of 10.7GB: only its first 64 MiB were searched for secrets"},
		{Path: "models/w.bin", Reason: "binary file: only its first 1 MiB and last 64 KiB were searched for secrets"},
	}
	if diff := cmp.Diff(want, findings.Skipped); diff != "" {
		t.Error(diff)
	}
	if len(findings.Secrets)+len(findings.Incomplete) > 0 {
		t.Errorf("findings: %+v", findings)
	}
}

func TestBinaryFiles(t *testing.T) {
	m := newMaker()
	token := func() string { return "hf_" + m.key(letters, 34) }
	text, _ := m.armour("PRIVATE KEY")
	zeros := strings.Repeat("\x00", 1<<20)
	small := "\x00\x01" + token() + "\x00" + text + "\x00https://bot:" + m.key(alnum, 12) + "@acme.dev"
	large := "\x00" + token() + zeros + token() + zeros + zeros + token() + "\x00"
	findings := scanned(t, target(t, v1.ConfigFile{}, file("app/small.bin", small), file("app/large.bin", large)))
	var got []string
	for _, f := range findings.Secrets {
		got = append(got, fmt.Sprintf("%s %s %d %d", f.ID, f.Path, f.Offset, f.Line))
	}
	want := []string{
		"huggingface-token app/small.bin 2 0", "private-key app/small.bin 40 0",
		"huggingface-token app/large.bin 1 0", fmt.Sprintf("huggingface-token app/large.bin %d 0", len(large)-38),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestManyBinaryFilesAreCounted(t *testing.T) {
	var files []scan.File
	for i := range 30 {
		files = append(files, scan.File{Path: fmt.Sprintf("lib/%d.so", i), Kind: "python", Size: 2 << 20, Open: func() (scan.Content, error) { return sparse(2 << 20), nil }})
	}
	digest := v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("a", 64)}
	other := v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("b", 64)}
	whole := target(t, v1.ConfigFile{}, append(files, file("app/.env", "A=1"))...)
	whole.Layers = []scan.Layer{{Digest: digest, Kind: "python"}, {Digest: digest, Kind: "app"}, {Digest: other, Kind: "app"}}
	findings := scanned(t, whole)
	want := []scan.Skip{{Layer: digest, Reason: "30 binary files of python layers, 62.9MB together: of each, only its first 1 MiB and last 64 KiB were searched for secrets"}}
	if diff := cmp.Diff(want, findings.Skipped); diff != "" {
		t.Error(diff)
	}
	if len(findings.Secrets) != 1 || findings.Secrets[0].Layer != (v1.Hash{}) {
		t.Errorf("a file of one of two layers: %+v", findings.Secrets)
	}
}

func TestWideText(t *testing.T) {
	token := "hf_" + newMaker().key(letters, 34)
	for name, order := range map[string]func(uint16) []byte{
		"little": func(u uint16) []byte { return []byte{byte(u), byte(u >> 8)} },
		"big":    func(u uint16) []byte { return []byte{byte(u >> 8), byte(u)} },
	} {
		var b bytes.Buffer
		for _, u := range utf16.Encode([]rune("\ufeffA=1\r\nHF_TOKEN=" + token + "\r\n")) {
			b.Write(order(u))
		}
		findings := scanned(t, target(t, v1.ConfigFile{}, file("app/"+name+".txt", b.String())))
		if len(findings.Secrets) != 1 || findings.Secrets[0].Line != 2 || findings.Secrets[0].ID != "huggingface-token" {
			t.Errorf("%s: %+v", name, findings.Secrets)
		}
	}
}

func TestUnreadableFilesAreIncomplete(t *testing.T) {
	broken := file("app/broken.txt", strings.Repeat("text\n", 10_000))
	broken.Size += 5
	short := file("app/short.txt", "ab")
	short.Size = 100
	faulty := scan.File{Path: "app/faulty.txt", Kind: "app", Size: 1 << 20, Open: func() (scan.Content, error) { return faulty{}, nil }}
	findings := scanned(t, target(t, v1.ConfigFile{}, broken, short, faulty, unreadable("app/gone.txt", "no such file"), file("app/.env", "A=1")))
	var got []string
	for _, i := range findings.Incomplete {
		got = append(got, i.ID+" "+i.Path+": "+i.Detail)
	}
	const said = "the file was not searched for secrets: "
	want := []string{
		"unreadable-file app/broken.txt: " + said + "found 50000 bytes from offset 0, expected 50005: unexpected EOF",
		"unreadable-file app/short.txt: " + said + "reading the first 100 bytes: unexpected EOF",
		"unreadable-file app/faulty.txt: " + said + "bad sector",
		`unreadable-file app/gone.txt: ` + said + `opening "app/gone.txt": no such file`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"high dotenv-file app/.env"}, ids(findings)); diff != "" {
		t.Error(diff)
	}
}

// faulty can be read at its start only.
type faulty struct{}

func (faulty) Close() error { return nil }

func (faulty) ReadAt(b []byte, off int64) (int, error) {
	const good = 16 << 10
	n := max(0, min(int64(len(b)), good-off))
	copy(b[:n], strings.Repeat("x", int(n)))
	if int(n) < len(b) {
		return int(n), errors.New("bad sector")
	}
	return int(n), nil
}

func TestContextEndsTheScan(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	text := scan.File{Path: "app/a.txt", Kind: "app", Size: 1 << 30, Open: func() (scan.Content, error) {
		cancel()
		return repeated(strings.Repeat("endless\n", 10_000)), nil
	}}
	findings, err := leftover.Scanner{}.Scan(ctx, target(t, v1.ConfigFile{}, text))
	if !errors.Is(err, context.Canceled) || findings.Ran {
		t.Errorf("error %v, findings %+v", err, findings)
	}
	if _, err := (leftover.Scanner{}).Scan(ctx, target(t, v1.ConfigFile{})); err != nil {
		t.Errorf("nothing to read: %v", err)
	}
	var config v1.ConfigFile
	config.Config.Env = []string{"A=1"}
	for _, whole := range []scan.Target{target(t, config), target(t, v1.ConfigFile{}, file("a", "b"))} {
		if _, err := (leftover.Scanner{}).Scan(ctx, whole); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	}
}
