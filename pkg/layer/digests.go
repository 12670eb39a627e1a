package layer

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"slices"
)

// Digests are the sha256 in hex of each regular file, in the tar stream's order,
// which is that of Entries. The pass that makes the layer known makes them known
// too; they are nil when nobody has read the layer since, and empty when it has
// no file. Without Spec.Digests they are never known.
func (l *Layer) Digests() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.digests
}

// Digested is Digests, and reads the layer when they are not known. ErrChanged
// says that its files are not those that the layer was said to have.
func (l *Layer) Digested() ([]string, error) {
	if !l.spec.Digests {
		return nil, fmt.Errorf("reading layer %q: its files' digests were not asked for", l.spec.Name)
	}
	if known := l.Digests(); known != nil {
		return known, nil
	}
	if err := l.read(); err != nil {
		return nil, err
	}
	if known := l.Digests(); known != nil {
		return known, nil
	}
	return nil, fmt.Errorf("reading layer %q: %w", l.spec.Name, ErrChanged)
}

// AdoptDigests takes what Digests was in an earlier run. It refuses a list of
// another length than the layer has files.
func (l *Layer) AdoptDigests(digests []string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.spec.Digests {
		return errors.New("adopting digests: they were not asked for")
	}
	if n := files(l.spec.Entries); n != len(digests) {
		return fmt.Errorf("adopting digests of layer %q: found %d, expected %d", l.spec.Name, len(digests), n)
	}
	l.digests = slices.Clone(digests)
	return nil
}

// files counts the regular files.
func files(entries []Entry) (n int) {
	for _, e := range entries {
		if e.Content != nil {
			n++
		}
	}
	return n
}

// observer hashes a tar stream, and each file in it where that is wanted.
type observer struct {
	stream hash.Hash
	files  *splitter // nil: not wanted
	done   chan struct{}
}

// worthwhile is from what length on a second goroutine hashes.
const worthwhile = 16 << 10 // bytes

func (l *Layer) observe() *observer {
	o := &observer{stream: sha256.New()}
	if l.spec.Digests {
		o.files = &splitter{tarball: l.tarball, hash: sha256.New(), digests: []string{}}
		o.done = make(chan struct{}, 1)
	}
	return o
}

// Write hashes p twice at once: who reads the stream waits for the slower hash and
// not for both. It never fails.
func (o *observer) Write(p []byte) (int, error) {
	switch {
	case o.files == nil:
	case len(p) < worthwhile:
		o.files.write(p)
	default:
		go func() {
			o.files.write(p)
			o.done <- struct{}{}
		}()
		defer func() { <-o.done }()
	}
	return o.stream.Write(p)
}

// splitter hashes the contents in a tar stream that it sees from its start.
type splitter struct {
	tarball *tarball
	at      int64 // offset in the stream
	next    int   // entry that at is in or before
	hash    hash.Hash
	digests []string
}

func (s *splitter) write(p []byte) {
	for len(p) > 0 && s.next < len(s.tarball.entries) {
		e := s.tarball.entries[s.next]
		end := s.tarball.starts[s.next+1] - padding(e.size())
		if header := min(end-e.size()-s.at, int64(len(p))); header > 0 {
			s.at, p = s.at+header, p[header:]
			continue
		}
		n := min(end-s.at, int64(len(p)))
		s.hash.Write(p[:n])
		if s.at, p = s.at+n, p[n:]; s.at < end {
			return
		}
		if e.Content != nil {
			s.digests = append(s.digests, hex.EncodeToString(s.hash.Sum(nil)))
		}
		s.hash.Reset()
		s.next++
	}
	s.at += int64(len(p))
}
