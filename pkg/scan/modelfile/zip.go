package modelfile

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"strings"

	"github.com/org/ai-ship/pkg/scan"
)

// APPNOTE.TXT 6.3.10, the ZIP file format: §4.3.7 local header, §4.3.12 central
// directory, §4.3.14 and §4.3.15 zip64's end, §4.3.16 end record.
const (
	localMagic   = "PK\x03\x04"
	centralMagic = "PK\x01\x02"
	endMagic     = "PK\x05\x06"
	end64Magic   = "PK\x06\x06"
	locatorMagic = "PK\x06\x07"
	descMagic    = "PK\x07\x08"

	localSize   = 30
	centralSize = 46
	endSize     = 22
	end64Size   = 56
	locatorSize = 20

	maxCentral = 64 << 20 // bytes of a central directory
	maxComment = 1<<16 - 1
)

// header is what a local header or the central directory says of a member.
type header struct {
	at       int64 // of this header
	name     string
	flags    uint16
	method   uint16
	crc      uint32
	packed   int64
	unpacked int64
	local    int64 // of the local header; of a central one as it says
	data     int64 // where a local one's content begins
	mode     uint32
	alias    string // a name in UTF-8 that takes the place of name
}

// directory is a central directory and the end record that led to it.
type directory struct {
	entries []header
	start   int64 // of the directory
	end     int64 // behind the end record and its comment
	record  int64 // of the end record
	shift   int64 // bytes before the archive, which all offsets leave out
	twofold bool  // two end records say different things
}

// isZip takes what begins as a zip, and what ends as one: readers look for the
// end record only, so that anything may stand before it. A tar's members are
// looked at by themselves.
func isZip(ctx context.Context, in *input, head []byte) bool {
	for _, magic := range []string{localMagic, endMagic, descMagic} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return true
		}
	}
	if isTar(ctx, in, head) {
		return false
	}
	_, err := findDirectory(in)
	return err == nil || endsLikeZip(in)
}

// endsLikeZip reports whether there is an end record with a directory or zip64's
// locator right before it: readers go on from there where findDirectory does not,
// with a split archive or offsets that are too large.
func endsLikeZip(in *input) bool {
	return slices.ContainsFunc(endRecords(in), func(at int64) bool {
		size := int64(littleEndian(in.at(at+12, 4))) //nolint:gosec // four bytes
		return size > 0 && string(in.at(at-size, 4)) == centralMagic || string(in.at(at-locatorSize, 4)) == locatorMagic
	})
}

var errNoEnd = errors.New("no end of a central directory")

// findDirectory looks for the end record from behind, as loaders do, and checks
// that a directory stands where it says.
func findDirectory(in *input) (directory, error) {
	ends := endRecords(in)
	for _, at := range slices.Backward(ends) {
		if d, err := endAt(in, at); err == nil {
			return d, nil
		}
	}
	return directory{}, errNoEnd
}

// endRecords is where an end record may stand.
func endRecords(in *input) []int64 {
	const most = 64 // that are tried
	from := max(0, in.Size-maxComment-endSize)
	tail := in.at(from, int(in.Size-from))
	var found []int64
	for i := 0; i+endSize <= len(tail); i++ {
		j := bytes.Index(tail[i:], []byte(endMagic))
		if j < 0 || i+j+endSize > len(tail) {
			break
		}
		i += j
		if found = append(found, from+int64(i)); len(found) > most {
			found = found[1:]
		}
	}
	return found
}

// endAt reads the end record at a place, and zip64's if there is one.
func endAt(in *input, at int64) (directory, error) {
	b := in.at(at, endSize)
	if len(b) < endSize {
		return directory{}, errNoEnd
	}
	le := binary.LittleEndian
	disk := le.Uint16(b[4:]) | le.Uint16(b[6:])
	size, start := int64(le.Uint32(b[12:])), int64(le.Uint32(b[16:]))
	end := at + endSize + int64(le.Uint16(b[20:]))
	before, twofold := at, false
	if l := in.at(at-locatorSize, locatorSize); at >= locatorSize && len(l) == locatorSize && string(l[:4]) == locatorMagic {
		record := int64(le.Uint64(l[8:])) //nolint:gosec // checked by at
		e := in.at(record, end64Size)
		if len(e) < end64Size || string(e[:4]) != end64Magic { // with bytes before the archive
			record = at - locatorSize - end64Size
			e = in.at(record, end64Size)
		}
		if len(e) < end64Size || string(e[:4]) != end64Magic {
			return directory{}, errors.New("the zip64 locator points to no end record")
		}
		// Python looks right before the locator, others where that points to; some
		// take the old record's values, where it has any (CVE-2025-8291).
		size64, start64 := int64(le.Uint64(e[40:])), int64(le.Uint64(e[48:])) //nolint:gosec // checked below
		twofold = record != at-locatorSize-end64Size || size != size64 && size != math.MaxUint32 || start != start64 && start != math.MaxUint32
		size, start, before = size64, start64, record
	}
	if disk != 0 && disk != 0xffff {
		return directory{}, errors.New("the archive is split")
	}
	if size < 0 || start < 0 || size > before || start > before-size {
		return directory{}, errNoEnd
	}
	d := directory{start: before - size, record: at, end: end, shift: before - size - start, twofold: twofold}
	if size > 0 && string(in.at(d.start, 4)) != centralMagic {
		return directory{}, errNoEnd
	}
	if size == 0 && at > 0 {
		return directory{}, errNoEnd // an empty archive is nothing but its end
	}
	if size > maxCentral {
		return directory{}, fmt.Errorf("the central directory has %d bytes, the limit is %d", size, maxCentral)
	}
	return d, readDirectory(in, &d, size)
}

// readDirectory reads the central headers.
func readDirectory(in *input, d *directory, size int64) error {
	b := in.at(d.start, int(size))
	le := binary.LittleEndian
	at := d.start
	for len(b) > 0 {
		if len(b) < centralSize || string(b[:4]) != centralMagic {
			if bytes.HasPrefix(b, []byte("PK\x05\x05")) { // a signature of the directory
				return nil
			}
			return fmt.Errorf("no central header at offset %d", at)
		}
		name, extra, comment := int(le.Uint16(b[28:])), int(le.Uint16(b[30:])), int(le.Uint16(b[32:]))
		all := centralSize + name + extra + comment
		if len(b) < all {
			return fmt.Errorf("the central header at offset %d is cut", at)
		}
		h := header{
			at: at, name: string(b[centralSize : centralSize+name]),
			flags: le.Uint16(b[8:]), method: le.Uint16(b[10:]), crc: le.Uint32(b[16:]),
			packed: int64(le.Uint32(b[20:])), unpacked: int64(le.Uint32(b[24:])), local: int64(le.Uint32(b[42:])),
		}
		if made := b[5]; made == 3 || made == 19 { // Unix, macOS
			h.mode = le.Uint32(b[38:]) >> 16
		}
		zip64(&h, b[centralSize+name:centralSize+name+extra], true)
		d.entries = append(d.entries, h)
		b = b[all:]
		at += int64(all)
	}
	return nil
}

// zip64 takes the values that do not fit into 32 bits from the extra field 1
// (§4.5.3): those only that stand as 0xffffffff in the header, in this order.
// It also finds a second name.
func zip64(h *header, extra []byte, central bool) {
	le, seen := binary.LittleEndian, false
	for len(extra) >= 4 {
		id, n := le.Uint16(extra), int(le.Uint16(extra[2:]))
		if n > len(extra)-4 {
			return
		}
		field := extra[4 : 4+n]
		extra = extra[4+n:]
		if id == 0x7075 && len(field) > 5 && field[0] == 1 && le.Uint32(field[1:]) == crc32.ChecksumIEEE([]byte(h.name)) {
			h.alias = string(field[5:]) // §4.6.9
		}
		if id != 1 || seen {
			continue
		}
		seen = true
		places := []*int64{&h.unpacked, &h.packed}
		if central {
			places = append(places, &h.local)
		}
		for _, p := range places {
			if *p == 0xffffffff && len(field) >= 8 {
				*p = int64(le.Uint64(field)) //nolint:gosec // negative ones are refused where they are used
				field = field[8:]
			}
		}
	}
}

// localAt reads a local header.
func localAt(in *input, at int64) (header, bool) {
	b := in.at(at, localSize)
	if len(b) < localSize || string(b[:4]) != localMagic {
		return header{}, false
	}
	le := binary.LittleEndian
	name, extra := int(le.Uint16(b[26:])), int(le.Uint16(b[28:]))
	rest := in.at(at+localSize, name+extra)
	if len(rest) < name+extra {
		return header{}, false
	}
	h := header{
		at: at, local: at, data: at + localSize + int64(name+extra), name: string(rest[:name]),
		flags: le.Uint16(b[6:]), method: le.Uint16(b[8:]), crc: le.Uint32(b[14:]),
		packed: int64(le.Uint32(b[18:])), unpacked: int64(le.Uint32(b[22:])),
	}
	zip64(&h, rest[name:], false)
	return h, true
}

const (
	flagEncrypted  = 1 << 0
	flagDescriptor = 1 << 3
	flagUTF8       = 1 << 11
	flagsKnown     = flagEncrypted | 1<<1 | 1<<2 | flagDescriptor | flagUTF8
)

// compare reports where a member's two headers differ: one reader takes the one,
// another the other.
func compare(in *input, c, l header) {
	var differ []string
	add := func(is bool, what string, central, local any) {
		if is {
			differ = append(differ, fmt.Sprintf("%s %v and %v", what, central, local))
		}
	}
	add(c.name != l.name, "name", shown(c.name, 60), shown(l.name, 60))
	for _, h := range []header{c, l} {
		add(h.alias != "" && h.alias != h.name, "name", shown(h.name, 60), shown(h.alias, 60))
	}
	add(c.method != l.method, "method", c.method, l.method)
	add(c.flags&^flagUTF8 != l.flags&^flagUTF8, "flags", c.flags, l.flags)
	deferred := l.flags&flagDescriptor != 0
	add(c.crc != l.crc && (!deferred || l.crc != 0), "checksum", c.crc, l.crc)
	add(c.packed != l.packed && (!deferred || l.packed != 0 && l.packed != 0xffffffff), "packed size", c.packed, l.packed)
	add(c.unpacked != l.unpacked && (!deferred || l.unpacked != 0 && l.unpacked != 0xffffffff), "size", c.unpacked, l.unpacked)
	if len(differ) > 0 {
		in.risk(zipRisk("zip-mismatch", l.at, strings.Join(differ, ", "),
			"The archive says two things of one member, so that what a scanner reads need not be what a loader loads."))
	}
}

func zipRisk(rule string, at int64, calls, why string) Risk {
	return Risk{
		Rule: rule, Severity: scan.High, Offset: at, Calls: calls, Why: why,
		Convert: "Save the model anew with the library that made it.",
	}
}

// checkHeader reports what in one header is meant to confuse or to escape.
func checkHeader(in *input, h header) {
	if odd := h.flags &^ flagsKnown; odd != 0 {
		in.risk(zipRisk("zip-flags", h.at, fmt.Sprintf("%s: flags 0x%04x", shown(h.name, 100), h.flags),
			"Flag bits are set that make some readers give up and others read on."))
	}
	if h.flags&flagEncrypted != 0 {
		in.unscanned("the member %q is encrypted, or says so", shown(h.name, maxName))
	}
	checkPath(in, h.name, h.at)
	checkNative(in, h)
	const kinds, link = 0xf000, 0xa000
	if h.mode&kinds == link {
		in.risk(linkRisk(h.name, h.at))
	}
}

// checkPath reports a member's name that leads out of the folder into which the
// archive is unpacked.
func checkPath(in *input, name string, at int64) {
	clean := strings.ReplaceAll(name, `\`, "/")
	out := strings.HasPrefix(clean, "/") || strings.ContainsRune(name, 0) || len(clean) > 1 && clean[1] == ':'
	for part := range strings.SplitSeq(clean, "/") {
		out = out || part == ".."
	}
	if out {
		in.risk(Risk{
			Rule: "archive-path", Severity: scan.High, Offset: at, Calls: shown(name, 150),
			Why: "The member's name leads out of the folder into which the archive is unpacked, or is cut short by some readers.",
		})
	}
}

func linkRisk(name string, at int64) Risk {
	return Risk{
		Rule: "archive-link", Severity: scan.High, Offset: at, Calls: shown(name, 150),
		Why: "The member is a link: unpacking it, and then writing through it, reaches files outside of the folder.",
	}
}
