package rule

import (
	"fmt"

	"github.com/google/cel-go/cel"
)

const (
	maxText  = 4 << 10 // bytes of a rule
	maxDepth = 100     // parentheses and operators inside each other
	maxCost  = 20_000  // CEL's cost units of one evaluation; the longest rule takes fewer
)

// Rule is a checked expression. It is immutable and safe for concurrent use.
type Rule struct {
	text       string
	facts      []fact
	operations []operation
	program    cel.Program
}

// Uses are the values that a rule names, whether it reads or only tests them.
// It is exact: a rule can read nothing else.
type Uses struct {
	Metrics      []string // names as written, in order, each once
	Baseline     []string // the same, of baseline.metrics
	Size         bool     // size.compressed, size.unpacked or size.growth
	BaselineSize bool     // baseline.size, or size.growth, which compares with it
	Tests        bool     // tests.total or tests.failed
}

// Compile checks a rule: its syntax, that every name is known, that numbers and
// truth values stand where they may, that dimensions go together as far as they
// are known without the metrics, and that the whole is true or false.
//
// The error is an *Error with the place, wrapped with a hint where there is
// advice.
func Compile(text string) (*Rule, error) {
	if err := bounded(text); err != nil {
		return nil, err
	}
	env, err := language()
	if err != nil {
		return nil, fmt.Errorf("preparing the rule language: %w", err)
	}
	parsed, issues := env.Parse(text)
	if issues.Err() != nil {
		return nil, syntaxError(text, issues.Errors())
	}
	lowered, err := lower(text, parsed.NativeRep())
	if err != nil {
		return nil, err
	}
	checked, issues := env.Check(parsed)
	if err := issues.Err(); err != nil {
		return nil, fmt.Errorf("checking rule %q: %w", text, err)
	}
	program, err := env.Program(checked, cel.CostLimit(maxCost))
	if err != nil {
		return nil, fmt.Errorf("planning rule %q: %w", text, err)
	}
	return &Rule{text: text, facts: lowered.facts, operations: lowered.operations, program: program}, nil
}

// String returns the rule as it was written.
func (r *Rule) String() string { return r.text }

// Uses returns what the rule names, so that a run can record what a later one
// will compare with.
func (r *Rule) Uses() Uses {
	var uses Uses
	for _, f := range r.facts {
		switch f.group {
		case inMetrics:
			uses.Metrics = append(uses.Metrics, f.name)
		case inBaselineMetrics:
			uses.Baseline = append(uses.Baseline, f.name)
		case inSize:
			uses.Size = true
			uses.BaselineSize = uses.BaselineSize || f.name == growth
		case inBaselineSize:
			uses.BaselineSize = true
		case inTests:
			uses.Tests = true
		}
	}
	return uses
}
