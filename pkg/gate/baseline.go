package gate

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"

	"github.com/org/ai-ship/pkg/unit"
)

// RecordAnnotation is the key under which an image's manifest, or its index,
// says what was measured of it: the text of EncodeRecord.
const RecordAnnotation = "dev.ai-ship.measurements"

const (
	maxRecord       = 256 << 10 // bytes of an encoded record; registries take manifests of 4 MiB
	maxMeasurements = 1000
)

// Baseline is what an image is compared with: the one that the channel points
// to now, or a file's.
type Baseline struct {
	Ref          string // repo:channel@digest, or the file's path
	Compressed   int64  // bytes; 0 when not known
	Measurements []Measurement
}

// Measurement is one metric's value as an image recorded it. Value and Noise
// are in Unit.
type Measurement struct {
	Name    string            `json:"name"`
	Stat    string            `json:"stat,omitempty"`
	Where   map[string]string `json:"where,omitempty"`
	Report  string            `json:"report,omitempty"`  // where the gate was about one report only
	Pointer string            `json:"pointer,omitempty"` // where the gate was about one place
	Value   float64           `json:"value"`
	Unit    unit.Unit         `json:"unit,omitempty"`
	Samples int               `json:"samples,omitempty"` // 0: not known
	Noise   float64           `json:"noise,omitempty"`   // standard error; 0: not known
}

// same reports whether two measurements are of one thing.
func (m Measurement) same(other Measurement) bool {
	return m.Name == other.Name && m.Stat == other.Stat && m.Report == other.Report && m.Pointer == other.Pointer && maps.Equal(m.Where, other.Where)
}

// find returns what the baseline measured of the same thing, in a dimension
// that compares; nil when there is no such thing, or no baseline.
func (b *Baseline) find(want Measurement) *Measurement {
	if b == nil {
		return nil
	}
	for i := range b.Measurements {
		if m := b.Measurements[i]; m.same(want) && comparable(m.Unit, want.Unit) {
			return &b.Measurements[i]
		}
	}
	return nil
}

// Measurements are the values that the results show, once each, for a file that
// a later run compares with.
func Measurements(results []Result) []Measurement {
	var v Verdict
	for _, r := range results {
		if r.Value != nil && r.Source != nil && r.Check != CheckTests {
			v.record(Measurement{Name: r.Name, Stat: r.Stat, Where: r.Where, Report: r.Report, Pointer: r.Pointer,
				Value: *r.Value, Unit: r.Unit, Samples: r.Samples, Noise: r.Noise})
		}
	}
	return v.Record
}

// EncodeRecord writes measurements for RecordAnnotation: a JSON array, the same
// text for the same measurements.
func EncodeRecord(record []Measurement) (string, error) {
	if len(record) > maxMeasurements {
		return "", fmt.Errorf("recording what was measured: found %d measurements to compare with later, at most %d fit", len(record), maxMeasurements)
	}
	text, err := json.Marshal(record)
	if err == nil && len(text) > maxRecord {
		err = fmt.Errorf("found %d bytes, at most %d fit", len(text), maxRecord)
	}
	if err != nil {
		return "", fmt.Errorf("recording what was measured: %w", err)
	}
	return string(text), nil
}

// DecodeRecord reads what EncodeRecord wrote. The text comes from a registry,
// so it is bounded and checked.
func DecodeRecord(text string) ([]Measurement, error) {
	if len(text) > maxRecord {
		return nil, fmt.Errorf("found %d bytes, expected at most %d", len(text), maxRecord)
	}
	var record []Measurement
	if err := json.Unmarshal([]byte(text), &record); err != nil {
		return nil, err
	}
	if len(record) > maxMeasurements {
		return nil, fmt.Errorf("found %d measurements, expected at most %d", len(record), maxMeasurements)
	}
	for i, m := range record {
		if err := m.check(); err != nil {
			return nil, fmt.Errorf("measurement %d: %w", i, err)
		}
	}
	return record, nil
}

func (m Measurement) check() error {
	switch {
	case m.Name == "":
		return errors.New("has no name")
	case m.Samples < 0, m.Noise < 0, math.IsInf(m.Noise, 0), math.IsInf(m.Value, 0):
		return fmt.Errorf("%q has a number out of range", short(m.Name))
	}
	switch m.Unit {
	case unit.None, unit.Seconds, unit.Bytes, unit.Ratio:
		return nil
	}
	return fmt.Errorf("%q has the unknown unit %q", short(m.Name), short(string(m.Unit)))
}
