package gate

import (
	"fmt"

	"github.com/org/ai-ship/pkg/testreport"
)

// candidate is a metric that the gate may mean.
type candidate struct {
	*testreport.Metric
	report *testreport.Report
	exact  bool // meant by an alias or its pointer, which say which statistic it is
}

// key is the same for the statistics of one thing: of one report, with the same
// labels.
func (c candidate) key() string { return fmt.Sprintf("%q%q", c.report.Path, c.Labels) }

// index finds metrics by what gates call them, in the reports' order.
type index struct {
	names, pointers map[string][]candidate
}

func newIndex(reports []testreport.Report) index {
	x := index{names: make(map[string][]candidate), pointers: make(map[string][]candidate)}
	for i := range reports {
		report := &reports[i]
		for j := range report.Metrics {
			m := &report.Metrics[j]
			x.pointers[m.Source.Pointer] = append(x.pointers[m.Source.Pointer], candidate{m, report, true})
			x.names[m.Name] = append(x.names[m.Name], candidate{m, report, false})
			for _, alias := range m.Aliases {
				x.names[alias] = append(x.names[alias], candidate{m, report, true})
			}
		}
	}
	return x
}

// offered are the names, or the pointers, that the reports have.
func offered(reports []testreport.Report, pointers bool) []string {
	var all []string
	for _, report := range reports {
		for _, m := range report.Metrics {
			if pointers {
				all = append(all, m.Source.Pointer)
			} else {
				all = append(append(all, m.Name), m.Aliases...)
			}
		}
	}
	return all
}
