package bom

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// Known is what a run learns of its models after they were scanned.
type Known struct {
	Hashes  map[string]string // sha256 in hex, by the file's path in the image
	Metrics []Metric
}

// Metric is a value that a gate measured. The reports do not say of which model
// file, so that every model of the image has all of them.
type Metric struct {
	Type  string // such as accuracy or latency p95
	Unit  string // s, B, ratio or "" for none
	Slice string // the part of the data that it is about, "" for all
	Value float64
	// Noise is the value's standard error, 0 when it is not known.
	Noise float64
}

// z is the two-sided normal quantile of a confidence of 95 %.
const z = 1.959964

// estimated are the digits of an interval's bounds, which are estimates.
const estimated = 6

// Describe adds what is known by now to the models of a CycloneDX document: the
// metrics as their cards' quantitative analysis, with the interval that holds the
// value with 95 % confidence where its noise is known, and the hashes of files
// that have none. A document without models, or knowledge, is returned as it is.
func Describe(document []byte, known Known) ([]byte, error) {
	bom := new(cdx.BOM)
	if err := cdx.NewBOMDecoder(bytes.NewReader(document), cdx.BOMFileFormatJSON).Decode(bom); err != nil {
		return nil, fmt.Errorf("describing models in %s: %w", Name, err)
	}
	if bom.Components == nil || len(known.Hashes)+len(known.Metrics) == 0 {
		return document, nil
	}
	changed := false
	for i := range *bom.Components {
		c := &(*bom.Components)[i]
		path, ours := strings.CutPrefix(c.BOMRef, modelRef)
		if !ours {
			continue
		}
		changed = true
		if sum := known.Hashes[path]; sum != "" && c.Hashes == nil {
			c.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: sum}}
		}
		if c.Type == cdx.ComponentTypeMachineLearningModel && len(known.Metrics) > 0 {
			if c.ModelCard == nil {
				c.ModelCard = new(cdx.MLModelCard)
			}
			c.ModelCard.QuantitativeAnalysis = &cdx.MLQuantitativeAnalysis{PerformanceMetrics: performance(known.Metrics)}
		}
	}
	if !changed {
		return document, nil
	}
	return encoded(bom)
}

func performance(metrics []Metric) *[]cdx.MLPerformanceMetric {
	var all []cdx.MLPerformanceMetric
	for _, m := range metrics {
		p := cdx.MLPerformanceMetric{Type: m.Type, Value: m.text(m.Value, -1), Slice: m.Slice}
		if m.Noise > 0 {
			p.ConfidenceInterval = &cdx.MLPerformanceMetricConfidenceInterval{
				LowerBound: m.text(m.Value-z*m.Noise, estimated), UpperBound: m.text(m.Value+z*m.Noise, estimated),
			}
		}
		all = append(all, p)
	}
	return &all
}

// text is a value with its unit, which CycloneDX has no field for.
func (m Metric) text(value float64, digits int) string {
	text := strconv.FormatFloat(value, 'g', digits, 64)
	if m.Unit == "" || m.Unit == "ratio" {
		return text
	}
	return text + " " + m.Unit
}
