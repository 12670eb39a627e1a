package network

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
)

// Limits of a file of labelled images. The held-out set takes 67 KB.
const (
	maxSamplesFile = 4 << 20 // bytes
	maxSamples     = 10_000
)

// Sample is an image and the digit that is on it, 0 to 9.
type Sample struct {
	Image Image
	Digit int
}

// LoadSamples reads the labelled images from the CSV file at path. See ReadSamples.
func LoadSamples(path string) ([]Sample, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("loading images: %w", err)
	}
	defer file.Close()
	samples, err := ReadSamples(file)
	if err != nil {
		return nil, fmt.Errorf("loading images %q: %w", path, err)
	}
	return samples, nil
}

// ReadSamples reads CSV: a header p0 to p63 and digit, then a line for each
// image with whole pixels 0 to 16 and the digit. It returns them in the file's
// order, at least one and at most 10,000 of at most 4 MiB. An error names the line.
func ReadSamples(r io.Reader) ([]Sample, error) {
	limited := &io.LimitedReader{R: r, N: maxSamplesFile + 1}
	reader := csv.NewReader(limited)
	reader.FieldsPerRecord = Pixels + 1
	reader.ReuseRecord = true
	var samples []Sample
	for row := 0; ; row++ {
		record, err := reader.Read()
		switch {
		case limited.N == 0:
			return nil, fmt.Errorf("file is longer than %d bytes", maxSamplesFile)
		case errors.Is(err, io.EOF) && len(samples) == 0:
			return nil, errors.New("no image in it")
		case errors.Is(err, io.EOF):
			return samples, nil
		case err != nil:
			return nil, err
		case len(samples) == maxSamples:
			return nil, fmt.Errorf("more than %d images", maxSamples)
		}
		if row == 0 {
			err = checkColumns(record)
		} else {
			var sample Sample
			sample, err = parseSample(record)
			samples = append(samples, sample)
		}
		if err != nil {
			line, _ := reader.FieldPos(0)
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
	}
}

func columnName(i int) string {
	if i == Pixels {
		return "digit"
	}
	return "p" + strconv.Itoa(i)
}

func checkColumns(record []string) error {
	for i, name := range record {
		if want := columnName(i); name != want {
			return fmt.Errorf("column %d is named %.40q, want %q", i+1, name, want)
		}
	}
	return nil
}

func parseSample(record []string) (Sample, error) {
	var sample Sample
	for i, field := range record {
		limit := MaxPixel
		if i == Pixels {
			limit = Classes - 1
		}
		value, err := strconv.Atoi(field)
		if err != nil || value < 0 || value > limit {
			return Sample{}, fmt.Errorf("column %q is %.40q, want a whole number 0 to %d", columnName(i), field, limit)
		}
		if i < Pixels {
			sample.Image[i] = float32(value)
		} else {
			sample.Digit = value
		}
	}
	return sample, nil
}
