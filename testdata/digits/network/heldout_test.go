package network_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/org/ai-ship/testdata/digits/network"
)

func header() string {
	var b strings.Builder
	for i := range network.Pixels {
		fmt.Fprintf(&b, "p%d,", i)
	}
	return b.String() + "digit\n"
}

// row has the pixel value first, then zeros, then the digit.
func row(pixel, digit string) string {
	return pixel + strings.Repeat(",0", network.Pixels-1) + "," + digit + "\n"
}

func TestReadSamples(t *testing.T) {
	got, err := network.ReadSamples(strings.NewReader(header() + row("16", "9") + row("0", "0")))
	if err != nil {
		t.Fatal(err)
	}
	want := []network.Sample{{Image: network.Image{0: 16}, Digit: 9}, {}}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("ReadSamples = %v, want %v", got, want)
	}
}

func TestReadSamplesRefuses(t *testing.T) {
	for _, tc := range []struct{ name, file, want string }{
		{"empty", "", "no image"},
		{"header alone", header(), "no image"},
		{"no header", row("1", "1"), `line 1: column 1 is named "1", want "p0"`},
		{"last column", strings.Replace(header(), "digit", "label", 1), `column 65 is named "label", want "digit"`},
		{"pixel above 16", header() + row("1", "1") + row("17", "1"), `line 3: column "p0" is "17", want a whole number 0 to 16`},
		{"pixel below 0", header() + row("-1", "1"), `column "p0" is "-1"`},
		{"pixel a fraction", header() + row("0.5", "1"), `column "p0" is "0.5"`},
		{"pixel empty", header() + row("", "1"), `column "p0" is ""`},
		{"digit above 9", header() + row("1", "10"), `line 2: column "digit" is "10", want a whole number 0 to 9`},
		{"line too short", header() + "1,2,3\n", "wrong number of fields"},
		{"quote open", header() + `"` + row("1", "1"), "quote"},
		{"too many images", header() + strings.Repeat(row("1", "1"), 10_001), "more than 10000 images"},
		{"file too long", header() + strings.Repeat(" ", 4<<20), "longer than 4194304 bytes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := network.ReadSamples(strings.NewReader(tc.file))
			if err == nil || !strings.Contains(err.Error(), tc.want) || got != nil {
				t.Errorf("ReadSamples = %d images, %v; want an error that says %q", len(got), err, tc.want)
			}
		})
	}
}

// FuzzReadSamples: whatever is read is an image that Predict can take.
func FuzzReadSamples(f *testing.F) {
	f.Add(header())
	f.Add(header() + row("16", "9"))
	f.Fuzz(func(t *testing.T, file string) {
		samples, err := network.ReadSamples(strings.NewReader(file))
		if err != nil {
			return
		}
		if len(samples) == 0 {
			t.Error("no image and no error")
		}
		for i, sample := range samples {
			if sample.Digit < 0 || sample.Digit >= network.Classes {
				t.Errorf("image %d: digit %d", i, sample.Digit)
			}
			for _, pixel := range sample.Image {
				if !(pixel >= 0 && pixel <= network.MaxPixel) {
					t.Errorf("image %d: pixel %v", i, pixel)
				}
			}
		}
	})
}
