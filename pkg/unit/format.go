package unit

import (
	"math"
	"strconv"
	"strings"
)

const (
	rounded = 3  // significant digits of a time or a size
	plain   = 4  // significant digits of a plain number or a ratio
	precise = 12 // significant digits of Precise: all that a person wrote, no float64 noise
)

// String prints the quantity for people: 80.2ms, 1.10GB, 0.973. Times and
// sizes have three significant digits, other numbers four; whole digits are
// never rounded away. Sizes are decimal. Parse reads it back, a ratio as a
// number without unit.
func (q Quantity) String() string {
	scale, name := q.scale()
	digits := plain
	if q.Unit == Seconds || q.Unit == Bytes {
		digits = rounded
	}
	text := round(q.Value/scale, digits)
	if q.Unit == Bytes {
		if scale < 1e12 && math.Abs(q.Value) >= 1000 && strings.TrimPrefix(text, "-") == "1000" {
			return Quantity{math.Copysign(scale*1000, q.Value), Bytes}.String()
		}
		if scale == 1 && q.Value == math.Trunc(q.Value) {
			return trim(text) + name
		}
		return text + name
	}
	return trim(text) + name
}

// Precise prints like String but with twelve significant digits: for limits,
// which must read as their author wrote them, and for values too close to one.
func (q Quantity) Precise() string {
	scale, name := q.scale()
	return strconv.FormatFloat(q.Value/scale, 'g', precise, 64) + name
}

// FormatBytes prints a size in bytes as Quantity.String does: 1.10GB.
func FormatBytes(n int64) string {
	return Quantity{float64(n), Bytes}.String()
}

// Count prints how many of a thing there are: 1 file, 2 files.
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// scale returns what the printed number counts, and its symbol.
func (q Quantity) scale() (float64, string) {
	size := math.Abs(q.Value)
	switch q.Unit {
	case Seconds:
		switch {
		case size >= 1 || size == 0:
			return 1, "s"
		case size >= 1e-3:
			return 1e-3, "ms"
		case size >= 1e-6:
			return 1e-6, "µs"
		}
		return 1e-9, "ns"
	case Bytes:
		switch {
		case size >= 1e12:
			return 1e12, "TB"
		case size >= 1e9:
			return 1e9, "GB"
		case size >= 1e6:
			return 1e6, "MB"
		case size >= 1e3:
			return 1e3, "kB"
		}
		return 1, "B"
	}
	return 1, ""
}

// round keeps the given number of significant digits, but every whole digit.
func round(v float64, digits int) string {
	size := math.Abs(v)
	if math.IsNaN(v) || math.IsInf(v, 0) || size >= 1e15 || (size < 1e-3 && size != 0) {
		return strconv.FormatFloat(v, 'g', digits, 64)
	}
	whole := 1
	if size >= 1 {
		whole = int(math.Log10(size)) + 1
	} else if size != 0 {
		whole = int(math.Floor(math.Log10(size))) + 1 // 0.01 has its first digit one further
	}
	return strconv.FormatFloat(v, 'f', max(0, digits-whole), 64)
}

// trim takes the zeros off that follow a decimal point's last digit.
func trim(s string) string {
	if !strings.Contains(s, ".") || strings.Contains(s, "e") {
		return s
	}
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}
