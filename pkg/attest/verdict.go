package attest

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	testresult "github.com/in-toto/attestation/go/predicates/test_result/v0"
	ita "github.com/in-toto/attestation/go/v1"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/sign"
)

const (
	maxVerdict = 4 << 20 // bytes of a verdict that is read back
	maxGates   = 10_000
)

// Judged is the predicate of type Verdict: what the gates measured and decided.
// Its JSON schema is docs/verdict.schema.json; fields are only ever added.
type Judged struct {
	Passed      bool          `json:"passed"`
	EvaluatedOn time.Time     `json:"evaluatedOn"`
	Tool        Tool          `json:"tool"`
	Version     string        `json:"version"` // of the image
	Policy      File          `json:"policy"`  // the config that the gates stand in
	Gates       []gate.Result `json:"gates"`
	Reports     []Report      `json:"reports"` // what values may have come from
	Size        Size          `json:"size"`
	Baseline    *Baseline     `json:"baseline"` // what was compared with; null for nothing
	// Measurements are what the next image is compared with.
	Measurements []gate.Measurement `json:"measurements"`
}

// Tool is what evaluated the gates.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Report is a test report that was read.
type Report struct {
	Path   string `json:"path"`
	Format string `json:"format"`
	SHA256 string `json:"sha256"` // hex
}

// Size is the image's, in bytes; 0 where it was not measured.
type Size struct {
	Compressed int64 `json:"compressed"`
	Unpacked   int64 `json:"unpacked"`
}

// Baseline is the image that this one was compared with.
type Baseline struct {
	Ref        string `json:"ref"`
	Compressed int64  `json:"compressed"`
}

// Judgement is what a verdict is made of.
type Judgement struct {
	Run      Run
	Version  string
	Verdict  gate.Verdict
	Size     gate.ImageSize
	Baseline *gate.Baseline
	Reports  []Report
}

// Statement is the verdict as it is signed.
func (j Judgement) Statement() (sign.Statement, error) {
	p := Judged{
		Passed: j.Verdict.Passed, EvaluatedOn: j.Run.Finished.UTC(), Version: j.Version, Policy: j.Run.Config,
		Tool: Tool{Name: "ai-ship", Version: j.Run.Tool}, Size: Size(j.Size),
		Gates: full(j.Verdict.Results), Reports: full(j.Reports), Measurements: full(j.measurements()),
	}
	if j.Baseline != nil {
		p.Baseline = &Baseline{Ref: j.Baseline.Ref, Compressed: j.Baseline.Compressed}
	}
	data, err := json.Marshal(p)
	if err != nil {
		return sign.Statement{}, fmt.Errorf("writing the verdict: %w", err)
	}
	return sign.Statement{PredicateType: Verdict, Predicate: data}, nil
}

// measurements are what gates compared with the baseline, and then whatever
// else they measured, so that a gate which is added later has a baseline too.
func (j Judgement) measurements() []gate.Measurement {
	return gate.Merge(j.Verdict.Record, gate.Measurements(j.Verdict.Results))
}

// TestResult is the verdict in in-toto's words, for policies that know nothing
// of ours.
func (j Judgement) TestResult() (sign.Statement, error) {
	p := &testresult.TestResult{
		Result: "PASSED", Url: j.Run.URL,
		Configuration: []*ita.ResourceDescriptor{material(j.Run.Config.Name, "", j.Run.Config.SHA256)},
	}
	for _, r := range j.Verdict.Results {
		name := r.Name + "/" + string(r.Check)
		switch r.Outcome {
		case gate.Passed:
			p.PassedTests = append(p.PassedTests, name)
		case gate.Warned:
			p.WarnedTests = append(p.WarnedTests, name)
		default:
			p.FailedTests = append(p.FailedTests, name)
		}
	}
	switch {
	case !j.Verdict.Passed:
		p.Result = "FAILED"
	case len(p.WarnedTests) > 0:
		p.Result = "WARNED"
	}
	return encoded(TestResult, p)
}

// ReadVerdict reads a verified statement. It holds the parts against each
// other: a verdict that passed has no gate that refused.
func ReadVerdict(s sign.Statement) (Judged, error) {
	var p Judged
	if s.PredicateType != Verdict {
		return p, fmt.Errorf("found the predicate type %q, expected %q", s.PredicateType, Verdict)
	}
	if len(s.Predicate) > maxVerdict {
		return p, fmt.Errorf("reading the verdict: found %d bytes, expected at most %d", len(s.Predicate), maxVerdict)
	}
	if err := json.Unmarshal(s.Predicate, &p); err != nil {
		return Judged{}, fmt.Errorf("reading the verdict: %w", err)
	}
	switch {
	case p.EvaluatedOn.IsZero():
		return Judged{}, errors.New("reading the verdict: it has no evaluatedOn")
	case len(p.Gates) > maxGates:
		return Judged{}, fmt.Errorf("reading the verdict: found %d gates, expected at most %d", len(p.Gates), maxGates)
	}
	for i, r := range p.Gates {
		if r.Name == "" || r.Outcome != gate.Passed && r.Outcome != gate.Warned && r.Outcome != gate.Refused {
			return Judged{}, fmt.Errorf("reading the verdict: gates[%d] has the name %q and the outcome %q", i, r.Name, r.Outcome)
		}
		if p.Passed && (r.Outcome == gate.Refused || !r.Passed) {
			return Judged{}, fmt.Errorf("reading the verdict: it says that it passed, and that gate %q refused", r.Name)
		}
	}
	return p, nil
}

// LastVerdict is the last verdict that can be read, zero for none.
func LastVerdict(e sign.Evidence) (last Judged) {
	for _, a := range e.Attestations {
		if v, err := ReadVerdict(a.Statement); err == nil {
			last = v
		}
	}
	return last
}

// full is s, or an empty slice: in JSON a list is never null.
func full[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
