package testreport

import (
	"time"

	"github.com/org/ai-ship/pkg/unit"
)

// Source says where a value stands, so that a reader can go and look.
type Source struct {
	File    string `json:"file"`    // path as the config's pattern gave it, slash-separated
	Pointer string `json:"pointer"` // JSON pointer (RFC 6901), or XPath-like place in XML
	SHA256  string `json:"sha256"`  // hex digest of the whole file
}

// Metric is one measured thing of one report.
type Metric struct {
	Name string // as gates name it: unit and statistic suffixes are taken off
	// Aliases are further names that gates may use: the name as the report
	// writes it, and names qualified by class, module or test. May be empty.
	Aliases []string
	Unit    unit.Unit // unit.None where the report does not say
	// Stat is the statistic that Value already is ("mean", "median", "p95",
	// "p99", "max", "min"), or "" for a single measurement.
	Stat  string
	Value float64 // finite; in Unit. Meaningless where Samples is not empty.
	// Samples are the raw measurements in Unit, in the report's order, where it
	// has them. Every statistic can be computed from them.
	Samples []float64
	// Count is how many measurements Value was computed from, 0 where the report
	// does not say. Where Samples is not empty, their number is it.
	Count int
	// Labels tell metrics of one name apart: task, dataset, class, quantile, GPU.
	// In the report's order; may be nil.
	Labels []Label
	// Invalid says why the report's value is no number ("NaN", "N/A"). Such a
	// metric is kept, because a gate on it must be refused and not be missed.
	Invalid string
	// Duration marks the time that a test case took, which is in every JUnit
	// report whether anybody meant to measure it or not. A metric that was
	// recorded under the same name is the one that a gate means.
	Duration bool
	Source   Source
}

// Label is one name and value of a metric, as Prometheus has them.
type Label struct {
	Name, Value string
}

// Failure is a test of the report that did not pass.
type Failure struct {
	Test    string // classname.name, as the report has them
	Message string // first line, cut to 200 characters
	Source  Source
}

// Report is one file, read.
type Report struct {
	Path     string // as in Source.File
	Format   string // "junit", "pytest-benchmark", "json" and the others of this package's constants
	SHA256   string
	Modified time.Time // of the file
	Tests    int       // test cases that ran (skipped ones do not count), or k6's thresholds; 0 where the format has none
	Failures []Failure
	Metrics  []Metric
}

// The formats, as Report.Format has them.
const (
	formatJUnit     = "junit"
	formatBenchmark = "pytest-benchmark"
	formatJSON      = "json"
)
