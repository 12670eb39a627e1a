package gate

import (
	"cmp"
	"slices"
	"time"

	"github.com/org/ai-ship/pkg/plain"
	"github.com/org/ai-ship/pkg/rule"
	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/testreport"
	"github.com/org/ai-ship/pkg/unit"
)

// Policy is everything that an image must satisfy. The zero value has no
// gates: it passes everything but failed tests, which no policy allows.
type Policy struct {
	Size    Size
	Metrics []Metric
	Rules   []Rule
	Scan    *Scan // nil: findings are not gated
}

// Size limits the image. Nil limits do not apply.
type Size struct {
	Max      *unit.Quantity // compressed bytes, as the registry stores them
	Warn     *unit.Quantity // compressed bytes from which on a size within Max is warned about
	Unpacked *unit.Quantity // bytes on the node's disk
	// Growth against Baseline's compressed size: a unit.Ratio or unit.Bytes.
	Growth *unit.Quantity
}

// Any reports whether a limit is set.
func (s Size) Any() bool { return s.Max != nil || s.Unpacked != nil || s.Growth != nil }

// Rule is an expression over all evidence, for what the short form cannot say.
type Rule struct {
	Name       string
	Expression *rule.Rule
	Warning    bool // a rule that does not hold warns and refuses nothing
}

// Evidence is what is known about the image.
type Evidence struct {
	Size     ImageSize
	Baseline *Baseline // nil: there is nothing to compare with yet
	Reports  []testreport.Report
	Findings scan.Findings
	Known    string // reference of the image whose vulnerabilities are no news; "" for none
	// NewestModel is the modification time of the newest model file, zero
	// when the image has none. Reports older than it measured something else.
	NewestModel     time.Time
	NewestModelPath string
	IgnoreUntil     string // the day, YYYY-MM-DD, that a sentence proposes to ignore a finding until
}

// ImageSize is one image's size in bytes, 0 where it is not known. Of an index:
// its largest image.
type ImageSize struct {
	Compressed int64
	Unpacked   int64
}

// Outcome is what a gate decided.
type Outcome string

// The outcomes, from the best to the worst.
const (
	Passed  Outcome = "passed"
	Warned  Outcome = "warned" // refuses nothing, and somebody should look
	Refused Outcome = "refused"
)

// Result is one gate's outcome. Value, Limit, Baseline, Noise and Spread are in
// Unit.
type Result struct {
	Name     string            `json:"name"`
	Check    Check             `json:"check"`
	Stat     string            `json:"stat,omitempty"`
	Where    map[string]string `json:"where,omitempty"`   // labels that were asked for
	Report   string            `json:"report,omitempty"`  // the one report that was asked for
	Pointer  string            `json:"pointer,omitempty"` // the place that was asked for
	Value    *float64          `json:"value"`             // null when there is none to show
	Unit     unit.Unit         `json:"unit"`
	Limit    *Limit            `json:"limit"`
	Margin   *float64          `json:"margin"` // room up to the limit as a share of it, negative beyond it; null where the limit is no measure
	Baseline *float64          `json:"baseline"`
	Outcome  Outcome           `json:"outcome"`
	Passed   bool              `json:"passed"` // not refused
	Required bool              `json:"required"`
	Reason   string            `json:"reason"` // one sentence; unless it passed it ends in what would have
	Rule     string            `json:"rule,omitempty"`
	// Samples are the measurements behind Value, 0 where the report does not
	// say; Noise is Value's standard error as they tell it, 0 when not known.
	Samples int     `json:"samples,omitempty"`
	Noise   float64 `json:"noise,omitempty"`
	Runs    int     `json:"runs,omitempty"` // of which Value is the median
	Spread  *Spread `json:"spread,omitempty"`
	// Histogram is how the samples are spread, where one report has them.
	Histogram *Histogram         `json:"histogram,omitempty"`
	Source    *testreport.Source `json:"source"` // of runs: the first by name
}

// Limit is the bound that was applied.
type Limit struct {
	Op    string  `json:"op"` // "<=", ">=" or "=="
	Value float64 `json:"value"`
}

// Spread is what several runs of one report vary between.
type Spread struct {
	Min float64 `json:"min"`
	Max float64 `json:"max"`
}

// Check is what a gate looks at.
type Check string

// The checks, as Result has them.
const (
	CheckSize        Check = "size"
	CheckUnpacked    Check = "unpacked"
	CheckGrowth      Check = "growth"
	CheckTests       Check = "tests"
	CheckMin         Check = "min"
	CheckMax         Check = "max"
	CheckEquals      Check = "equals"
	CheckRegression  Check = "regression"
	CheckImprovement Check = "improvement"
	CheckRule        Check = "rule"

	CheckVulnerabilities Check = "vulnerabilities"
	CheckModels          Check = "models"
	CheckSecrets         Check = "secrets"
	CheckLicenses        Check = "licenses"
	CheckScan            Check = "scan"
)

// Verdict is the outcome of all gates: sizes, then tests, then metrics, then
// rules, each in the policy's order.
type Verdict struct {
	// Passed says that no gate refused. A gate that is not required also passes
	// when its metric was not measured.
	Passed  bool
	Results []Result
	// Record is what the image should say about itself, so that the next run
	// can compare: what the gates against a baseline have read, once each.
	Record []Measurement
}

// Evaluate holds the evidence against the policy.
//
// Results are named "size", "size.unpacked" and "size.growth" for the limits
// that the policy sets, "tests" as soon as a report has tests, as the policy
// names its metrics: one Result for each of min, max, equals, regression and
// improvement, in this order; and as it names its rules. Neither argument is
// changed, the order of the reports does not matter, and equal arguments give
// equal verdicts.
func Evaluate(policy Policy, evidence Evidence) Verdict {
	evidence.Reports = sorted(evidence.Reports)
	c := court{Evidence: evidence, names: newIndex(evidence.Reports)}
	verdict := Verdict{Passed: true}
	verdict.Results = append(verdict.Results, sizes(policy.Size, evidence)...)
	verdict.Results = append(verdict.Results, tests(evidence)...)
	verdict.Results = append(verdict.Results, found(policy.Scan, evidence)...)
	for _, m := range policy.Metrics {
		results, record := c.metric(m)
		verdict.Results = append(verdict.Results, results...)
		verdict.record(record)
	}
	for _, r := range policy.Rules {
		result, record := c.rule(r)
		verdict.Results = append(verdict.Results, result)
		verdict.record(record...)
	}
	for i := range verdict.Results {
		r := &verdict.Results[i]
		r.Reason = plain.Text(r.Reason)
		r.Passed = r.Outcome != Refused
		if r.Value != nil && r.Limit != nil {
			r.Margin = margin(*r.Value, *r.Limit)
		}
		verdict.Passed = verdict.Passed && r.Passed
	}
	return verdict
}

// sorted are the reports in an order that does not depend on who read them.
func sorted(reports []testreport.Report) []testreport.Report {
	return slices.SortedStableFunc(slices.Values(reports), func(a, b testreport.Report) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.SHA256, b.SHA256))
	})
}

// court is the evidence with its index.
type court struct {
	Evidence
	names index
}

// record keeps measurements once each.
func (v *Verdict) record(measurements ...Measurement) {
	for _, m := range measurements {
		known := func(other Measurement) bool { return m.same(other) && comparable(m.Unit, other.Unit) }
		if m.Name != "" && !slices.ContainsFunc(v.Record, known) {
			v.Record = append(v.Record, m)
		}
	}
}
