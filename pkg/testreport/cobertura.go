package testreport

import (
	"errors"
	"fmt"

	"github.com/org/ai-ship/pkg/unit"
)

// cobertura reads Cobertura's coverage XML, as coverage.py and others write it:
// the whole project's rates as coverage and branch_coverage, each package's as
// package_coverage and package_branch_coverage with the label package. Rates
// are 0 to 1 (coverage-04.dtd).
type cobertura struct {
	*collector
	*xmlWalk
	noBranches bool // the report says that it measured none
}

func (c *cobertura) start(e *element) error {
	if len(c.stack) == 1 {
		if _, ok := e.attr("line-rate"); !ok {
			return errors.New("is XML with root coverage but without its line-rate, expected Cobertura's format")
		}
		branches, _ := e.attr("branches-valid")
		c.noBranches = branches == "0"
		lines, _ := e.attr("lines-valid")
		if err := c.rate(e, "line-rate", Metric{Name: "coverage", Invalid: nothing(lines == "0", "line")}); err != nil {
			return err
		}
		return c.rate(e, "branch-rate", Metric{Name: "branch_coverage", Invalid: nothing(c.noBranches, "branch")})
	}
	if e.name != "package" || len(c.stack) != 3 || !c.under("packages") {
		return nil
	}
	name, _ := e.attr("name")
	labels := []Label{{"package", name}}
	if err := c.rate(e, "line-rate", Metric{Name: "package_coverage", Labels: labels}, name+".line-rate"); err != nil {
		return err
	}
	return c.rate(e, "branch-rate", Metric{Name: "package_branch_coverage", Labels: labels, Invalid: nothing(c.noBranches, "branch")}, name+".branch-rate")
}

func (*cobertura) text(*element, []byte) {}
func (*cobertura) end(*element) error    { return nil }

// nothing says why a rate of nothing, which tools write as 0 or as 1, is none.
func nothing(measured bool, what string) string {
	if !measured {
		return ""
	}
	return "a rate of no " + what
}

// rate adds one attribute of e. For the root the attribute's name is an alias.
func (c *cobertura) rate(e *element, name string, m Metric, aliases ...string) error {
	text, ok := e.attr(name)
	if !ok {
		return nil
	}
	if len(aliases) == 0 {
		aliases = []string{name}
	}
	m.Unit = unit.Ratio
	if m.Invalid == "" {
		value, ok := field{one: unit.Quantity{Value: 1, Unit: unit.Ratio}}.metric(text)
		m.Value, m.Invalid = value.Value, value.Invalid
		if m.Invalid == "" && (!ok || value.Value < 0 || value.Value > 1) {
			m.Value, m.Invalid = 0, fmt.Sprintf("%q, which is no rate from 0 to 1", cut(text, 40))
		}
	}
	return c.add(m, e.place+"/@"+name, aliases...)
}
