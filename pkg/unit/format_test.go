package unit_test

import (
	"math"
	"testing"

	"github.com/org/ai-ship/pkg/unit"
)

func TestString(t *testing.T) {
	for _, tc := range []struct {
		q             unit.Quantity
		text, precise string
	}{
		{unit.Quantity{0.0802, unit.Seconds}, "80.2ms", "80.2ms"},
		{unit.Quantity{0.1, unit.Seconds}, "100ms", "100ms"},
		{unit.Quantity{0.05, unit.Seconds}, "50ms", "50ms"},
		{unit.Quantity{0, unit.Seconds}, "0s", "0s"},
		{unit.Quantity{1.5, unit.Seconds}, "1.5s", "1.5s"},
		{unit.Quantity{3723.4, unit.Seconds}, "3723s", "3723.4s"},
		{unit.Quantity{0.00025, unit.Seconds}, "250µs", "250µs"},
		{unit.Quantity{8e-8, unit.Seconds}, "80ns", "80ns"},
		{unit.Quantity{8e-14, unit.Seconds}, "8e-05ns", "8e-05ns"},
		{unit.Quantity{0.1000001, unit.Seconds}, "100ms", "100.0001ms"},
		{unit.Quantity{1.1e9, unit.Bytes}, "1.10GB", "1.1GB"},
		{unit.Quantity{3.456e12, unit.Bytes}, "3.46TB", "3.456TB"},
		{unit.Quantity{512e6, unit.Bytes}, "512MB", "512MB"},
		{unit.Quantity{999_999, unit.Bytes}, "1.00MB", "999.999kB"},
		{unit.Quantity{-999_999, unit.Bytes}, "-1.00MB", "-999.999kB"},
		{unit.Quantity{12, unit.Bytes}, "12B", "12B"},
		{unit.Quantity{12.25, unit.Bytes}, "12.2B", "12.25B"},
		{unit.Quantity{0, unit.Bytes}, "0B", "0B"},
		{unit.Quantity{0.973, unit.Ratio}, "0.973", "0.973"},
		{unit.Quantity{0.9, unit.Ratio}, "0.9", "0.9"},
		{unit.Quantity{0.96666666, unit.Ratio}, "0.9667", "0.96666666"},
		{unit.Quantity{0.0012345, unit.Ratio}, "0.001234", "0.0012345"},
		{unit.Quantity{123456.7, unit.None}, "123457", "123456.7"},
		{unit.Quantity{-2.5, unit.None}, "-2.5", "-2.5"},
		{unit.Quantity{1e20, unit.None}, "1e+20", "1e+20"},
		{unit.Quantity{math.NaN(), unit.Seconds}, "NaNns", "NaNns"},
	} {
		if got := tc.q.String(); got != tc.text {
			t.Errorf("String of %v %s = %q, want %q", tc.q.Value, tc.q.Unit, got, tc.text)
		}
		if got := tc.q.Precise(); got != tc.precise {
			t.Errorf("Precise of %v %s = %q, want %q", tc.q.Value, tc.q.Unit, got, tc.precise)
		}
	}
	if got := unit.FormatBytes(1_100_000_000); got != "1.10GB" {
		t.Errorf("FormatBytes = %q", got)
	}
}

// A value and a limit that are the same decimal must be the same float64,
// whichever unit each was written in.
func TestTimesMovesTheDecimalPoint(t *testing.T) {
	for _, tc := range []struct {
		name string
		n    float64
		want float64
	}{
		{"percent", 99.9, 0.999},
		{"percent", 29, 0.29},
		{"ms", 100.1, 0.1001},
		{"us", 3, 3e-6},
		{"MB", 1.1, 1.1e6},
		{"MiB", 2, 2 << 20},
		{"m", 1.5, 90},
	} {
		one, err := unit.ParseUnit(tc.name)
		if err != nil {
			t.Fatal(err)
		}
		if got := one.Times(tc.n); got.Value != tc.want || got.Unit != one.Unit {
			t.Errorf("%v %s = %v, want %v", tc.n, tc.name, got.Value, tc.want)
		}
	}
	ms := unit.Quantity{0.001, unit.Seconds}
	if got := ms.Times(math.NaN()); !math.IsNaN(got.Value) {
		t.Errorf("NaN ms = %v", got.Value)
	}
	if got := (unit.Quantity{1e12, unit.Bytes}).Times(1e308); got.Finite() {
		t.Errorf("1e308 TB = %v, want an infinity", got.Value)
	}
}
