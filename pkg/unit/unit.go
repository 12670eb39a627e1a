package unit

import (
	"math"
	"strconv"
	"strings"
)

// Unit is the dimension of a quantity, named after the one unit it is held in.
type Unit string

const (
	None    Unit = ""      // a plain number: its unit is not known
	Seconds Unit = "s"     // time
	Bytes   Unit = "B"     // memory and storage
	Ratio   Unit = "ratio" // 0.95 for 95 %
)

// Quantity is a finite number in one of the units above.
type Quantity struct {
	Value float64
	Unit  Unit
}

// Times returns n of q: 80.2 times a millisecond is 0.0802 s.
//
// Where q is a power of ten the decimal point is moved instead of multiplied,
// so that 99.9 percent is the same number as 0.999 and a value that stands
// exactly on its limit passes. The result may be infinite; callers that read
// user input check it with Finite.
func (q Quantity) Times(n float64) Quantity {
	digits, exponent, found := strings.Cut(strconv.FormatFloat(n, 'e', -1, 64), "e")
	shift, decimal := powerOfTen(q.Value)
	have, err := strconv.Atoi(exponent)
	if !found || !decimal || err != nil {
		return Quantity{n * q.Value, q.Unit}
	}
	// On overflow ParseFloat returns the infinity that Finite looks for.
	value, _ := strconv.ParseFloat(digits+"e"+strconv.Itoa(have+shift), 64)
	return Quantity{value, q.Unit}
}

// Finite reports whether the value is a number that can be compared.
func (q Quantity) Finite() bool {
	return !math.IsNaN(q.Value) && !math.IsInf(q.Value, 0)
}

// powerOfTen returns e where v is exactly 10^e, for the units' range.
func powerOfTen(v float64) (int, bool) {
	for e := -9; e <= 12; e++ {
		if v == math.Pow10(e) {
			return e, true
		}
	}
	return 0, false
}
