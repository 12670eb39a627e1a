package unit

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrRange is in the chain of an error about a number that float64 cannot hold.
var ErrRange = errors.New("out of range")

const maxText = 64 // bytes of a quantity; longer text is no quantity

const (
	accepted = "expected a number (0.95), a percentage (95%), a time (100ms; ns, us, ms, s, m, h) " +
		"or a size (1.1GB; B, kB, MB, GB, TB are decimal, KiB, MiB, GiB, TiB binary)"
	acceptedNames = "expected ns, us, ms, s, m, h, percent, ratio, " +
		"B, kB, MB, GB, TB (decimal), KiB, MiB, GiB or TiB (binary)"
)

// Parse reads a quantity as people write it: 100ms, 1.5s, 250us, 95%, 0.95,
// 1.1GB (10^9 bytes), 2GiB (2^30 bytes), 12B. One space may stand before the
// unit. The number is decimal, with an optional minus and an optional
// exponent. A number without unit has Unit None. Units are case-sensitive, for
// Mb is no megabyte; m is minutes.
//
// The error names the text and lists what is accepted; it wraps ErrRange where
// the number is too large.
func Parse(s string) (Quantity, error) {
	if len(s) > maxText {
		return Quantity{}, fmt.Errorf("quantity %.20q… is longer than %d bytes; %s", s, maxText, accepted)
	}
	end := numberEnd(s)
	number, name := s[:end], strings.TrimPrefix(s[end:], " ")
	if end == 0 || (name == "" && end != len(s)) {
		return Quantity{}, fmt.Errorf("quantity %q is no number; %s", s, accepted)
	}
	one, ok := Quantity{1, None}, true
	if name != "" {
		one, ok = symbol(name)
	}
	if !ok {
		return Quantity{}, fmt.Errorf("quantity %q has the unknown unit %q; %s", s, name, accepted)
	}
	value, err := strconv.ParseFloat(number, 64)
	q := one.Times(value)
	if err != nil || !q.Finite() {
		return Quantity{}, fmt.Errorf("quantity %q is %w", s, ErrRange)
	}
	return q, nil
}

// ParseUnit reads a unit as reports and configs name it, and returns what one
// of it is: ms is 0.001 s, percent 0.01, MiB 1048576 B. Besides the symbols
// that Parse takes it knows words (milliseconds, bytes) and the lower-case
// sizes of field names (mb, mib).
func ParseUnit(s string) (Quantity, error) {
	if q, ok := symbol(s); ok {
		return q, nil
	}
	if q, ok := word(s); ok {
		return q, nil
	}
	return Quantity{}, fmt.Errorf("unknown unit %.40q; %s", s, acceptedNames)
}

// numberEnd returns the length of the decimal number that s begins with, 0 for none.
func numberEnd(s string) int {
	i, digits := 0, 0
	if strings.HasPrefix(s, "-") {
		i++
	}
	for dot := false; i < len(s); i++ {
		if s[i] == '.' && !dot {
			dot = true
		} else if isDigit(s[i]) {
			digits++
		} else {
			break
		}
	}
	if digits == 0 {
		return 0
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		j := i + 1
		if j < len(s) && (s[j] == '-' || s[j] == '+') {
			j++
		}
		first := j
		for j < len(s) && isDigit(s[j]) {
			j++
		}
		if j > first {
			i = j
		}
	}
	return i
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// symbol knows the units that stand behind a number.
func symbol(s string) (Quantity, bool) {
	switch s {
	case "ns":
		return Quantity{1e-9, Seconds}, true
	case "us", "µs", "μs": // micro sign and Greek letter
		return Quantity{1e-6, Seconds}, true
	case "ms":
		return Quantity{1e-3, Seconds}, true
	case "s":
		return Quantity{1, Seconds}, true
	case "m":
		return Quantity{60, Seconds}, true
	case "h":
		return Quantity{3600, Seconds}, true
	case "%":
		return Quantity{0.01, Ratio}, true
	}
	size, ok := size(s)
	return Quantity{size, Bytes}, ok
}

func size(s string) (float64, bool) {
	switch s {
	case "B":
		return 1, true
	case "kB", "KB":
		return 1e3, true
	case "MB":
		return 1e6, true
	case "GB":
		return 1e9, true
	case "TB":
		return 1e12, true
	case "KiB":
		return 1 << 10, true
	case "MiB":
		return 1 << 20, true
	case "GiB":
		return 1 << 30, true
	case "TiB":
		return 1 << 40, true
	}
	return 0, false
}

// word knows the spellings that only stand alone: in a report's unit field, or
// at the end of a field's name.
func word(s string) (Quantity, bool) {
	switch s {
	case "nanosecond", "nanoseconds", "nsec":
		return symbol("ns")
	case "microsecond", "microseconds", "usec":
		return symbol("us")
	case "millisecond", "milliseconds", "msec":
		return symbol("ms")
	case "second", "seconds", "sec":
		return symbol("s")
	case "minute", "minutes", "min":
		return symbol("m")
	case "hour", "hours":
		return symbol("h")
	case "percent", "pct":
		return symbol("%")
	case "ratio":
		return Quantity{1, Ratio}, true
	case "byte", "bytes":
		return symbol("B")
	case "kb", "mb", "gb", "tb":
		return symbol(strings.ToUpper(s))
	case "kib", "mib", "gib", "tib":
		return symbol(strings.ToUpper(s[:1]) + "iB")
	}
	return Quantity{}, false
}
