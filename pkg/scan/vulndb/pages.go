package vulndb

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// The file format of bbolt, from its internal/common package: pages of a fixed
// size with a header of 16 bytes, of which the first two describe the file.
const (
	boltMagic     = 0xED0CDAED
	boltVersion   = 2
	pageHeader    = 16
	elementSize   = 16
	metaSize      = 64
	branchPage    = 0x01
	leafPage      = 0x02
	metaPage      = 0x04
	bucketLeaf    = 0x01     // flag of a leaf element whose value is a bucket
	bucketHeader  = 16       // bytes: the root page and a counter
	maxPageBytes  = 64 << 20 // of a page and those that it overflows into
	maxPageDepth  = 64       // branches above a leaf, and buckets in buckets
	minPageSize   = 512
	maxPageSize   = 64 << 10
	boltMetaPages = 2
)

// pages follows every page of a bbolt file that can be reached. bbolt itself
// trusts what it reads: a page number outside the file is a fault in memory
// that nobody can recover from, and one that leads back is a loop without end.
type pages struct {
	ctx   context.Context //nolint:containedctx // it lives for one call of checkPages
	file  io.ReaderAt
	size  uint64 // of a page
	count uint64 // pages in use, as the file says
	seen  []uint64
}

// checkPages refuses a bbolt file whose pages are not a tree of ordered keys
// that lies within its length. Memory is one bit for each page.
func checkPages(ctx context.Context, file io.ReaderAt, length int64) error {
	p := &pages{ctx: ctx, file: file}
	root, err := p.meta(uint64(max(length, 0)))
	if err != nil {
		return err
	}
	p.seen = make([]uint64, p.count/64+1)
	return p.tree(root, &order{}, 0)
}

// meta reads the two first pages, and takes the one that bbolt takes: the
// newest whose checksum holds. It returns the root bucket's page.
func (p *pages) meta(length uint64) (root uint64, err error) {
	first := make([]byte, pageHeader+metaSize)
	if _, err := p.file.ReadAt(first, 0); err != nil {
		return 0, errors.New("is too short for a database")
	}
	sizes := []uint64{uint64(binary.LittleEndian.Uint32(first[pageHeader+8:]))}
	if !validMeta(first) {
		sizes = []uint64{1 << 10, 2 << 10, 4 << 10, 8 << 10, 16 << 10, 32 << 10, maxPageSize} // as bbolt probes
	}
	newest := uint64(0)
	for _, size := range sizes {
		if size < minPageSize || size > maxPageSize || size&(size-1) != 0 {
			return 0, fmt.Errorf("has pages of %d bytes", size)
		}
		for i := range uint64(boltMetaPages) {
			page := make([]byte, pageHeader+metaSize)
			if _, err := p.file.ReadAt(page, int64(i*size)); err != nil || !validMeta(page) {
				continue
			}
			body := page[pageHeader:]
			if found := uint64(binary.LittleEndian.Uint32(body[8:])); found != size {
				return 0, fmt.Errorf("has pages of %d bytes, and of %d", size, found)
			}
			if tx := binary.LittleEndian.Uint64(body[48:]); p.count == 0 || tx > newest {
				newest, p.size = tx, size
				root, p.count = binary.LittleEndian.Uint64(body[16:]), binary.LittleEndian.Uint64(body[40:])
			}
		}
		if p.count != 0 {
			break
		}
	}
	if p.count == 0 {
		return 0, errors.New("is no database: neither of its two first pages is whole")
	}
	if p.count > length/p.size {
		return 0, fmt.Errorf("is cut off: says that it has %d pages of %d bytes, and has %d bytes", p.count, p.size, length)
	}
	return root, nil
}

func validMeta(page []byte) bool {
	body := page[pageHeader:]
	sum := fnv.New64a()
	_, _ = sum.Write(body[:metaSize-8])
	return binary.LittleEndian.Uint16(page[8:])&metaPage != 0 &&
		binary.LittleEndian.Uint32(body) == boltMagic &&
		binary.LittleEndian.Uint32(body[4:]) == boltVersion &&
		binary.LittleEndian.Uint64(body[56:]) == sum.Sum64()
}

// order is the last key of a bucket that was passed, and the least that may
// come next. Lookups search for a key by halves, so one that is out of order is
// not found.
type order struct {
	last, least []byte // nil at the start, and where no branch says
}

var errOrder = errors.New("its keys are not in order")

// next passes a key of a leaf.
func (o *order) next(key []byte) error {
	if o.last != nil && bytes.Compare(key, o.last) <= 0 || bytes.Compare(key, o.least) < 0 {
		return errOrder
	}
	o.last, o.least = append(o.last[:0:0], key...), nil
	return nil
}

// enter passes a key of a branch, which no key below it may be before.
func (o *order) enter(key []byte) error {
	if o.last != nil && bytes.Compare(key, o.last) <= 0 || bytes.Compare(key, o.least) < 0 {
		return errOrder
	}
	o.least = bytes.Clone(key)
	return nil
}

// tree follows the page number id and all below it, of one bucket.
func (p *pages) tree(id uint64, keys *order, depth int) error {
	if err := context.Cause(p.ctx); err != nil {
		return err
	}
	if depth > maxPageDepth {
		return fmt.Errorf("page %d is below more than %d others", id, maxPageDepth)
	}
	page, err := p.read(id)
	if err != nil {
		return err
	}
	switch kind := binary.LittleEndian.Uint16(page[8:]); kind {
	case branchPage:
		err = p.branch(page, keys, depth)
	case leafPage:
		err = p.leaf(page, keys, depth)
	default:
		err = fmt.Errorf("is of kind %#x, expected a branch or a leaf", kind)
	}
	var inner *pageError
	if err == nil || errors.As(err, &inner) || context.Cause(p.ctx) != nil {
		return err
	}
	return &pageError{id, err}
}

// pageError is what is wrong with one page.
type pageError struct {
	id  uint64
	err error
}

func (e *pageError) Error() string { return fmt.Sprintf("is damaged: page %d: %v", e.id, e.err) }
func (e *pageError) Unwrap() error { return e.err }

// read returns a page with those that it overflows into, each at most once.
func (p *pages) read(id uint64) ([]byte, error) {
	fail := func(format string, args ...any) ([]byte, error) {
		return nil, &pageError{id, fmt.Errorf(format, args...)}
	}
	if id < boltMetaPages || id >= p.count {
		return fail("is outside the file")
	}
	if p.seen[id/64]&(1<<(id%64)) != 0 {
		return fail("is referred to twice")
	}
	p.seen[id/64] |= 1 << (id % 64)
	header := make([]byte, pageHeader)
	if _, err := p.file.ReadAt(header, int64(id*p.size)); err != nil {
		return fail("%w", err)
	}
	if found := binary.LittleEndian.Uint64(header); found != id {
		return fail("says that it is page %d", found)
	}
	overflow := uint64(binary.LittleEndian.Uint32(header[12:]))
	if overflow >= p.count-id || (overflow+1)*p.size > maxPageBytes {
		return fail("goes on for %d pages", overflow)
	}
	page := make([]byte, (overflow+1)*p.size)
	if _, err := p.file.ReadAt(page, int64(id*p.size)); err != nil {
		return fail("%w", err)
	}
	return page, nil
}

// element returns the header of a page's element, and what lies at its position
// with the given length.
func element(page []byte, i int, position, length func(head []byte) uint32) (head, data []byte, err error) {
	at := pageHeader + i*elementSize
	if at+elementSize > len(page) {
		return nil, nil, errors.New("its list of keys goes beyond its end")
	}
	head = page[at : at+elementSize]
	from := uint64(at) + uint64(position(head))
	to := from + uint64(length(head))
	if to > uint64(len(page)) {
		return nil, nil, errors.New("a key or value goes beyond its end")
	}
	return head, page[from:to], nil
}

func word(at int) func([]byte) uint32 {
	return func(b []byte) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
}

func (p *pages) branch(page []byte, keys *order, depth int) error {
	n := int(binary.LittleEndian.Uint16(page[10:]))
	if n == 0 {
		return errors.New("is a branch without children")
	}
	for i := range n {
		head, key, err := element(page, i, word(0), word(4))
		if err != nil {
			return err
		}
		if err := keys.enter(key); err != nil {
			return err
		}
		if err := p.tree(binary.LittleEndian.Uint64(head[8:]), keys, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (p *pages) leaf(page []byte, keys *order, depth int) error {
	for i := range int(binary.LittleEndian.Uint16(page[10:])) {
		head, both, err := element(page, i, word(4), func(h []byte) uint32 {
			k, v := binary.LittleEndian.Uint32(h[8:]), binary.LittleEndian.Uint32(h[12:])
			return uint32(min(uint64(k)+uint64(v), 1<<32-1))
		})
		if err != nil {
			return err
		}
		split := binary.LittleEndian.Uint32(head[8:])
		key, value := both[:split], both[split:]
		if err := keys.next(key); err != nil {
			return err
		}
		switch flags := binary.LittleEndian.Uint32(head); flags {
		case 0:
		case bucketLeaf:
			if err := p.bucket(value, depth); err != nil {
				return err
			}
		default:
			return fmt.Errorf("a value has the flags %#x", flags)
		}
	}
	return nil
}

// bucket follows a bucket, which has its pages elsewhere, or is small enough
// to have its only page behind its header.
func (p *pages) bucket(value []byte, depth int) error {
	if len(value) < bucketHeader {
		return errors.New("a bucket is shorter than its header")
	}
	if root := binary.LittleEndian.Uint64(value); root != 0 {
		return p.tree(root, &order{}, depth+1)
	}
	inline := value[bucketHeader:]
	if len(inline) < pageHeader || binary.LittleEndian.Uint16(inline[8:]) != leafPage {
		return errors.New("a bucket inside a page is no leaf")
	}
	if depth > maxPageDepth {
		return fmt.Errorf("has buckets inside more than %d others", maxPageDepth)
	}
	return p.leaf(inline, &order{}, depth+1)
}
