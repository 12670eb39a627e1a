package leftover

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
)

const (
	lookBehind = 256       // bytes that a rule sees before its anchor
	maxMatch   = 8 << 10   // bytes that a rule sees from its anchor on
	window     = 256 << 10 // bytes that are read at once
	maxHits    = 20        // matches of one rule in one content; more say nothing new
)

// hit is one match in a content.
type hit struct {
	rule     *rule
	from, to int64 // bytes from the content's start
	line     int   // from 1
	shown    string
	minor    bool // a default password
	bundled  bool // published with an installed package
}

// searcher applies all rules to one content after another.
type searcher struct {
	index *index
	buf   []byte
}

func newSearcher(window int) *searcher {
	return &searcher{index: newIndex(rules()), buf: make([]byte, lookBehind+window+maxMatch)}
}

// search returns the matches in r, in their order, and how many bytes r had.
// Memory does not depend on r. It ends with ctx.
func (s *searcher) search(ctx context.Context, r io.Reader, p place) ([]hit, int64, error) {
	c := cursor{searcher: s, place: p, line: 1, count: map[*rule]int{}}
	for n, next, eof := 0, 0, false; !eof; {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		got, err := io.ReadFull(r, s.buf[n:])
		n += got
		eof = errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !eof {
			return nil, 0, err
		}
		limit := n
		if !eof {
			limit = n - maxMatch // the rest is looked at when what follows it is there
		}
		c.sweep(s.buf[:n], next, limit)
		if eof {
			c.base += int64(n)
			break
		}
		keep := max(0, limit-lookBehind)
		c.pass(s.buf[:keep])
		copy(s.buf, s.buf[keep:n])
		n, next = n-keep, limit-keep
	}
	return settle(c.hits), c.base, nil
}

// cursor is one search: where it stands and what it has.
type cursor struct {
	*searcher
	place
	base    int64 // of the buffer in the content
	counted int   // bytes of the buffer whose lines are counted
	line    int   // at counted
	count   map[*rule]int
	hits    []hit
}

// sweep looks at every place in b[from:to] where an anchor may start.
func (c *cursor) sweep(b []byte, from, to int) {
	for i := c.index.next(b, from, to); i < to; i = c.index.next(b, i+1, to) {
		for _, e := range c.index.at[triple(b[i], b[i+1], b[i+2])] {
			if e.rule.applies(c.place) && bytes.HasPrefix(b[i:], []byte(e.anchor)) {
				c.try(e, b, i)
			}
		}
	}
}

func (c *cursor) try(e entry, b []byte, i int) {
	if n := c.count[e.rule]; n == maxHits || e.rule.once && n == 1 {
		return
	}
	m, ok := e.rule.find(view{
		place: c.place, anchor: e.anchor,
		before: b[max(0, i-lookBehind):i], text: b[i:min(len(b), i+maxMatch)],
	})
	if !ok {
		return
	}
	c.count[e.rule]++
	if i > c.counted {
		c.line += bytes.Count(b[c.counted:i], []byte{'\n'})
		c.counted = i
	}
	at := c.base + int64(i)
	c.hits = append(c.hits, hit{
		rule: e.rule, from: at + int64(m.from), to: at + int64(m.to), line: c.line, minor: m.minor,
		bundled: c.bundled || c.installed && e.rule.weak,
		shown:   printable(b[i+m.from : i+m.from+min(m.shown, m.to-m.from)]),
	})
}

// pass leaves gone behind, the buffer's beginning.
func (c *cursor) pass(gone []byte) {
	if len(gone) > c.counted {
		c.line += bytes.Count(gone[c.counted:], []byte{'\n'})
		c.counted = len(gone)
	}
	c.counted -= len(gone)
	c.base += int64(len(gone))
}

// settle drops what a better rule found in the same place, and repeats.
func settle(hits []hit) []hit {
	rank := func(h hit) int {
		if h.rule.weak {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return cmp.Compare(rank(a), rank(b)) })
	var kept []hit
	for _, h := range hits {
		if !slices.ContainsFunc(kept, func(k hit) bool {
			overlap := h.from < k.to && k.from < h.to
			return overlap && (h.rule.weak || h.rule == k.rule)
		}) {
			kept = append(kept, h)
		}
	}
	slices.SortStableFunc(kept, func(a, b hit) int { return cmp.Compare(a.from, b.from) })
	return kept
}

// printable is b up to its first byte that is no visible ASCII character.
func printable(b []byte) string {
	for i, c := range b {
		if c <= ' ' || c > '~' {
			return string(b[:i])
		}
	}
	return string(b)
}
