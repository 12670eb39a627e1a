package gate

import (
	"math"
	"strconv"

	"github.com/org/ai-ship/pkg/unit"
)

// The room that a proposed limit leaves to the value of now: what differs
// between two machines, or two trainings of one model.
const (
	roomShare = 0.01 // of a ratio, which is what people argue about
	roomSize  = 1.1  // times
	roomSpeed = 2.0  // of times, and of rates
	roomOther = 1.25
)

// WithRoom is the offer with a limit that leaves room: accuracy may lose a
// hundredth, a time may double and a rate halve, a size grow by a tenth, anything
// else get worse by a quarter; each rounded away from the value, as people write limits. An
// offer with a problem, and one that nobody knows the direction of, has no
// limit to widen and stays as it is.
func (o Offer) WithRoom() Offer {
	if o.Problem != "" || o.Guess {
		return o
	}
	v := o.Value
	switch {
	case o.share("") && v.Value >= 0 && v.Value <= 1:
		if o.Min != nil {
			v.Value = math.Max(0, math.Floor((v.Value-roomShare)*100+rounding)/100)
		} else {
			v.Value = math.Min(1, math.Ceil((v.Value+roomShare)*100-rounding)/100)
		}
	case o.Min != nil:
		v.Value = step(v.Value/roomSpeed, false)
	case v.Unit == unit.Seconds:
		v.Value = step(v.Value*roomSpeed, true)
	case v.Unit == unit.Bytes:
		v.Value = digits(v.Value*roomSize, 2, true)
	default:
		v.Value = digits(v.Value*roomOther, 2, true)
	}
	if o.Min != nil && v.Value <= o.Value.Value {
		o.Min = &v
	} else if o.Max != nil && v.Value >= o.Value.Value {
		o.Max = &v
	}
	return o
}

// step is the next of 1, 2 and 5 times a power of ten.
func step(v float64, up bool) float64 {
	if v <= 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		return v
	}
	exponent := int(math.Floor(math.Log10(v)))
	lead := v / math.Pow10(exponent)
	chosen := 1.0
	for _, s := range []float64{1, 2, 5, 10} {
		if up && s >= lead-rounding {
			chosen = s
			break
		}
		if !up && s <= lead+rounding {
			chosen = s
		}
	}
	return exact(chosen, exponent)
}

// digits is v with n digits, rounded away.
func digits(v float64, n int, up bool) float64 {
	if v == 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		return v
	}
	exponent := int(math.Floor(math.Log10(math.Abs(v)))) - n + 1
	scaled := v / math.Pow10(exponent)
	if up {
		return exact(math.Ceil(scaled-rounding), exponent)
	}
	return exact(math.Floor(scaled+rounding), exponent)
}

// exact is the float64 nearest to the decimal number n·10^exponent, which is what
// a config says; n where there is none.
func exact(n float64, exponent int) float64 {
	v, err := strconv.ParseFloat(strconv.FormatFloat(n, 'f', -1, 64)+"e"+strconv.Itoa(exponent), 64)
	if err != nil {
		return n
	}
	return v
}
