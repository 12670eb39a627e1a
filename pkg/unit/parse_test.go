package unit_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/org/ai-ship/pkg/unit"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]unit.Quantity{
		"100ms":        {0.1, unit.Seconds},
		"100 ms":       {0.1, unit.Seconds},
		"1.5s":         {1.5, unit.Seconds},
		"250us":        {0.00025, unit.Seconds},
		"250µs":        {0.00025, unit.Seconds},
		"250\u03bcs":   {0.00025, unit.Seconds},
		"80ns":         {8e-8, unit.Seconds},
		"2m":           {120, unit.Seconds},
		"1h":           {3600, unit.Seconds},
		"95%":          {0.95, unit.Ratio},
		"99.9%":        {0.999, unit.Ratio},
		"99.9 %":       {0.999, unit.Ratio},
		"0.95":         {0.95, unit.None},
		"-0.5":         {-0.5, unit.None},
		".5":           {0.5, unit.None},
		"1e-3":         {0.001, unit.None},
		"1.5E+2":       {150, unit.None},
		"1.1GB":        {1.1e9, unit.Bytes},
		"2GiB":         {2 << 30, unit.Bytes},
		"1TiB":         {1 << 40, unit.Bytes},
		"3TB":          {3e12, unit.Bytes},
		"512MB":        {512e6, unit.Bytes},
		"512MiB":       {512 << 20, unit.Bytes},
		"800KB":        {800e3, unit.Bytes},
		"800kB":        {800e3, unit.Bytes},
		"1KiB":         {1024, unit.Bytes},
		"12B":          {12, unit.Bytes},
		"0":            {0, unit.None},
		"100.1ms":      {0.1001, unit.Seconds},
		"0.1100000MB":  {110000, unit.Bytes},
		"1000000000ns": {1, unit.Seconds},
	} {
		got, err := unit.Parse(text)
		if err != nil || got != want {
			t.Errorf("Parse(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	const accepted = "; expected a number (0.95), a percentage (95%), a time (100ms; ns, us, ms, s, m, h) " +
		"or a size (1.1GB; B, kB, MB, GB, TB are decimal, KiB, MiB, GiB, TiB binary)"
	for text, want := range map[string]string{
		"":         `quantity "" is no number` + accepted,
		"-":        `quantity "-" is no number` + accepted,
		".":        `quantity "." is no number` + accepted,
		"NaN":      `quantity "NaN" is no number` + accepted,
		"Inf":      `quantity "Inf" is no number` + accepted,
		"+5":       `quantity "+5" is no number` + accepted,
		" 5":       `quantity " 5" is no number` + accepted,
		"5 ":       `quantity "5 " is no number` + accepted,
		"ms":       `quantity "ms" is no number` + accepted,
		"0x10":     `quantity "0x10" has the unknown unit "x10"` + accepted,
		"1_000":    `quantity "1_000" has the unknown unit "_000"` + accepted,
		"1,5s":     `quantity "1,5s" has the unknown unit ",5s"` + accepted,
		"1.2.3":    `quantity "1.2.3" has the unknown unit ".3"` + accepted,
		"1e":       `quantity "1e" has the unknown unit "e"` + accepted,
		"1Gb":      `quantity "1Gb" has the unknown unit "Gb"` + accepted,
		"12  B":    `quantity "12  B" has the unknown unit " B"` + accepted,
		"1GB 2":    `quantity "1GB 2" has the unknown unit "GB 2"` + accepted,
		"95%%":     `quantity "95%%" has the unknown unit "%%"` + accepted,
		"1e999":    `quantity "1e999" is out of range`,
		"-1e999s":  `quantity "-1e999s" is out of range`,
		"1e308GiB": `quantity "1e308GiB" is out of range`,
		"1e308TB":  `quantity "1e308TB" is out of range`,
		strings.Repeat("9", 65): `quantity "99999999999999999999"… is longer than 64 bytes` +
			accepted,
	} {
		got, err := unit.Parse(text)
		if err == nil || err.Error() != want {
			t.Errorf("Parse(%q) = %v, %v, want error %s", text, got, err, want)
		}
		if isRange := strings.HasSuffix(want, "out of range"); errors.Is(err, unit.ErrRange) != isRange {
			t.Errorf("Parse(%q): errors.Is ErrRange is not %v", text, isRange)
		}
	}
}

func TestParseUnit(t *testing.T) {
	for want, names := range map[unit.Quantity][]string{
		{1e-9, unit.Seconds}:  {"ns", "nanoseconds"},
		{1e-6, unit.Seconds}:  {"us", "µs", "microseconds"},
		{1e-3, unit.Seconds}:  {"ms", "milliseconds"},
		{1, unit.Seconds}:     {"s", "seconds"},
		{60, unit.Seconds}:    {"m", "minutes"},
		{3600, unit.Seconds}:  {"h", "hours"},
		{0.01, unit.Ratio}:    {"%", "percent", "pct"},
		{1, unit.Ratio}:       {"ratio"},
		{1, unit.Bytes}:       {"B", "bytes"},
		{1e3, unit.Bytes}:     {"KB", "kB", "kb"},
		{1e6, unit.Bytes}:     {"MB", "mb"},
		{1e9, unit.Bytes}:     {"GB", "gb"},
		{1 << 10, unit.Bytes}: {"KiB", "kib"},
		{1 << 20, unit.Bytes}: {"MiB", "mib"},
		{1 << 30, unit.Bytes}: {"GiB", "gib"},
		{1 << 40, unit.Bytes}: {"TiB", "tib"},
		{1e12, unit.Bytes}:    {"TB", "tb"},
	} {
		for _, name := range names {
			if got, err := unit.ParseUnit(name); err != nil || got != want {
				t.Errorf("ParseUnit(%q) = %v, %v, want %v", name, got, err, want)
			}
		}
	}
	for _, name := range []string{"", "Mb", "furlong", "5ms", "tokens/s", "b"} {
		_, err := unit.ParseUnit(name)
		if err == nil || !strings.Contains(err.Error(), "unknown unit") || !strings.Contains(err.Error(), "expected ns, us, ms") {
			t.Errorf("ParseUnit(%q): %v, want an error that lists the units", name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"100ms", "1.5 s", "250µs", "95%", "0.95", "1.1GB", "2GiB", "-0", "1e-300", "1e308TB", "NaN", "999.9995kB"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := unit.Parse(s)
		if err != nil {
			return
		}
		if !q.Finite() {
			t.Fatalf("Parse(%q) = %v, which is not finite", s, q.Value)
		}
		if math.Abs(q.Value) > 1e300 {
			return // its rounded form may be out of range
		}
		for text, tolerance := range map[string]float64{q.String(): 0.006, q.Precise(): 1e-11} {
			back, err := unit.Parse(text)
			if err != nil {
				t.Fatalf("Parse(%q) prints as %q, which does not parse: %v", s, text, err)
			}
			if math.Abs(back.Value-q.Value) > tolerance*math.Abs(q.Value)+1e-300 {
				t.Errorf("Parse(%q) = %v prints as %q = %v", s, q.Value, text, back.Value)
			}
			if q.Unit != unit.Ratio && back.Unit != q.Unit {
				t.Errorf("Parse(%q) has unit %q, its form %q has %q", s, q.Unit, text, back.Unit)
			}
		}
	})
}
