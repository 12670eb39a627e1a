package layer_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/org/ai-ship/pkg/layer"
)

// files is a layer of real files, two of them longer than one piece.
func files(t *testing.T) (*layer.Layer, string) {
	t.Helper()
	root, dir := project(t)
	var entries []layer.Entry
	for name, size := range map[string]int{"large": 900_000, "larger": 1 << 20, "small": 10, "empty": 0} {
		if err := os.WriteFile(filepath.Join(dir, name), bytes.Repeat([]byte(name), size/len(name)+1)[:size], 0o644); err != nil {
			t.Fatal(err)
		}
		content, err := layer.File(root, name)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, layer.Entry{Path: "m/" + name, Content: content})
	}
	entries = append(entries, layer.Entry{Path: "m/memory", Content: layer.Bytes([]byte("memory"))})
	return newLayer(t, layer.Spec{Kind: layer.KindModel, Entries: entries, Compression: layer.Plain}), dir
}

// pipe is a TCP connection and what arrives at its other end.
func pipe(t *testing.T) (*net.TCPConn, <-chan []byte) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	received := make(chan []byte, 1)
	go func() {
		defer listener.Close()
		conn, err := listener.Accept()
		if err != nil {
			close(received)
			return
		}
		defer conn.Close()
		b, _ := io.ReadAll(conn)
		received <- b
	}()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.(*net.TCPConn), received
}

// What a connection takes by itself is what reading gives, from any offset and
// also after a part was read, and it makes the layer known as reading does.
func TestWriteToIsReading(t *testing.T) {
	l, _ := files(t)
	reference, _ := files(t)
	whole := read(t, reference.Compressed)
	for _, tc := range []struct{ offset, before int }{{0, 0}, {0, 3000}, {0, 300_000}, {100_000, 0}, {1_000_000, 50}, {len(whole), 0}} {
		r, err := l.OpenAt(int64(tc.offset))
		if err != nil {
			t.Fatal(err)
		}
		head := make([]byte, tc.before)
		if _, err := io.ReadFull(r, head); err != nil {
			t.Fatal(err)
		}
		conn, received := pipe(t)
		n, err := r.(io.WriterTo).WriteTo(conn)
		conn.Close()
		got := append(head, <-received...)
		if err != nil || n != int64(len(got)-len(head)) || !bytes.Equal(got, whole[tc.offset:]) {
			t.Errorf("from %d after %d read: wrote %d, %v; %d bytes arrived, want %d", tc.offset, tc.before, n, err, len(got), len(whole)-tc.offset)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	want, err := reference.Facts()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := l.Facts(); err != nil || got != want || !l.Known() {
		t.Errorf("facts %v, %v; want %v", got, err, want)
	}
}

func TestWriteToSeesChanges(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"shorter": func(p string) error { return os.Truncate(p, 300_000) },
		"touched": func(p string) error {
			later := time.Now().Add(time.Hour)
			return os.Chtimes(p, later, later)
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, dir := files(t)
			r, err := l.OpenAt(0)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			// The first large file is open by then, and checked as unchanged.
			if _, err := io.ReadFull(r, make([]byte, 10_000)); err != nil {
				t.Fatal(err)
			}
			if err := change(filepath.Join(dir, "large")); err != nil {
				t.Fatal(err)
			}
			conn, _ := pipe(t)
			if _, err := r.(io.WriterTo).WriteTo(conn); !errors.Is(err, layer.ErrChanged) {
				t.Errorf("WriteTo: %v, want ErrChanged", err)
			}
			if l.Known() {
				t.Error("the layer is known after a failed send")
			}
		})
	}
}

// brokenWriter fails after some bytes.
type brokenWriter struct{ left int }

func (w *brokenWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, io.ErrClosedPipe
	}
	return len(p), nil
}

func (w *brokenWriter) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{w}, r)
}

func TestWriteToReportsTheWriter(t *testing.T) {
	for _, left := range []int{0, 1000, 400_000} {
		l, _ := files(t)
		r, err := l.OpenAt(0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.(io.WriterTo).WriteTo(&brokenWriter{left}); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("after %d bytes: %v", left, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}
