package publish

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// writerSource is a source that writes itself.
type writerSource struct {
	io.Reader
	err error
}

func (s writerSource) Close() error { return nil }

func (s writerSource) WriteTo(w io.Writer) (int64, error) {
	n, err := io.Copy(w, struct{ io.Reader }{s.Reader})
	return n, errors.Join(err, s.err)
}

func TestBodyWritesItself(t *testing.T) {
	boom := errors.New("boom")
	for _, tc := range []struct {
		name   string
		source io.ReadCloser
		size   int64
		want   string // of the error
	}{
		{"whole", writerSource{strings.NewReader("weights"), nil}, 7, ""},
		{"plain reader", io.NopCloser(struct{ io.Reader }{strings.NewReader("weights")}), 7, ""},
		{"short", writerSource{strings.NewReader("weights"), nil}, 8, "it ended after 7 of 8 bytes"},
		{"long", writerSource{strings.NewReader("weights"), nil}, 6, "it is longer than it said"},
		{"broken", writerSource{strings.NewReader("wei"), boom}, 7, "reading it: boom"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			moved := 0
			b := newBody(tc.source, tc.size, func(n int) { moved += n })
			var out bytes.Buffer
			n, err := b.WriteTo(&out)
			if tc.want != "" {
				var source *sourceError
				if !errors.As(err, &source) || !strings.Contains(err.Error(), tc.want) {
					t.Fatalf("WriteTo: %v, want %q", err, tc.want)
				}
				if int64(out.Len()) > tc.size {
					t.Errorf("%d bytes passed, promised %d", out.Len(), tc.size)
				}
				return
			}
			if err != nil || n != tc.size || out.String() != "weights" || moved != 7 {
				t.Errorf("wrote %d (%q), %v; counted %d", n, out.String(), err, moved)
			}
			if _, err := b.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("Read after WriteTo: %v", err)
			}
		})
	}
}

type closedWriter struct{}

func (closedWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// A connection that breaks is no fault of the source, so it can be tried again.
func TestBodyTellsTheWriterFromTheSource(t *testing.T) {
	b := newBody(writerSource{strings.NewReader("weights"), nil}, 7, func(int) {})
	b.grace = time.Second
	_, err := b.WriteTo(closedWriter{})
	var source *sourceError
	if !errors.Is(err, io.ErrClosedPipe) || errors.As(err, &source) || !temporary(err) {
		t.Errorf("WriteTo: %v", err)
	}
	if err := b.release(); err != nil {
		t.Errorf("release: %v", err)
	}
	if _, err := b.WriteTo(io.Discard); !errors.Is(err, errSpent) {
		t.Errorf("WriteTo after release: %v", err)
	}
}
