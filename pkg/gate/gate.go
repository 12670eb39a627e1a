package gate

import (
	"time"

	"github.com/org/ai-ship/pkg/plain"
	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/testreport"
	"github.com/org/ai-ship/pkg/unit"
)

// Policy is everything that an image must satisfy. The zero value has no
// gates: it passes everything but failed tests, which no policy allows.
type Policy struct {
	Size    Size
	Metrics []Metric
}

// Size limits the image. Nil limits do not apply.
type Size struct {
	Max      *unit.Quantity // compressed bytes, as the registry stores them
	Unpacked *unit.Quantity // bytes on the node's disk
	// Growth against Baseline's compressed size: a unit.Ratio or unit.Bytes.
	Growth *unit.Quantity
}

// Metric limits one metric of the reports.
type Metric struct {
	Name     string // a metric's name or one of its aliases, case-sensitive
	Stat     string // "", mean, median, p95, p99, max, min, or any pNN
	Min, Max *unit.Quantity
	Unit     unit.Quantity // how to read a value whose report has no unit: 1 of this; zero = not told
	Report   string        // only this report counts, when set (exact path)
	Pointer  string        // JSON pointer (RFC 6901), or place in XML as Source.Pointer has it; the name is then only a label
	// Required refuses when the reports do not have the metric. One that is not
	// required may be absent; once it is measured, it must keep its limits.
	Required bool
}

// Evidence is what is known about the image.
type Evidence struct {
	Size     ImageSize
	Baseline *Baseline // nil: the channel points to nothing yet
	Reports  []testreport.Report
	Findings scan.Findings
	// NewestModel is the modification time of the newest model file, zero
	// when the image has none. Reports older than it measured something else.
	NewestModel     time.Time
	NewestModelPath string
}

// ImageSize is one image's size in bytes. Of an index: its largest image.
type ImageSize struct {
	Compressed int64
	Unpacked   int64
}

// Baseline is the image that the channel points to now.
type Baseline struct {
	Ref        string // repo:channel@digest
	Compressed int64
}

// Result is one gate's outcome. Value, Limit and Baseline are in Unit.
type Result struct {
	Name     string             `json:"name"`
	Stat     string             `json:"stat,omitempty"`
	Value    *float64           `json:"value"` // null when there is none to show
	Unit     unit.Unit          `json:"unit"`
	Limit    *Limit             `json:"limit"`
	Baseline *float64           `json:"baseline"`
	Passed   bool               `json:"passed"`
	Required bool               `json:"required"`
	Reason   string             `json:"reason"` // one sentence; for a refusal it ends in what would have passed
	Source   *testreport.Source `json:"source"`
}

// Limit is the bound that was applied.
type Limit struct {
	Op    string  `json:"op"` // "<=" or ">="
	Value float64 `json:"value"`
}

// Verdict is the outcome of all gates: sizes, then tests, then metrics, each
// in the policy's order.
type Verdict struct {
	// Passed says that every gate passed. A gate that is not required also
	// passes when its metric was not measured.
	Passed  bool
	Results []Result
}

// Evaluate holds the evidence against the policy.
//
// Results are named "size", "size.unpacked" and "size.growth" for the limits
// that the policy sets, "tests" as soon as a report has tests, and as the
// policy names its metrics: one Result for each of min and max, in this order.
// Neither argument is changed, and equal arguments give equal verdicts.
func Evaluate(policy Policy, evidence Evidence) Verdict {
	verdict := Verdict{Passed: true}
	verdict.Results = append(verdict.Results, sizes(policy.Size, evidence)...)
	verdict.Results = append(verdict.Results, tests(evidence)...)
	for _, m := range policy.Metrics {
		verdict.Results = append(verdict.Results, m.evaluate(evidence)...)
	}
	for i := range verdict.Results {
		r := &verdict.Results[i]
		r.Reason = plain.Text(r.Reason)
		verdict.Passed = verdict.Passed && r.Passed
	}
	return verdict
}
