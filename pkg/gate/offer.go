package gate

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/org/ai-ship/pkg/testreport"
	"github.com/org/ai-ship/pkg/unit"
)

// Offer is a metric that the reports have, as a gate that the value of now
// just passes.
type Offer struct {
	Metric // with everything that makes its name unambiguous, and with Min or Max
	// Guess says that nothing tells whether more is better; Max is set then.
	Guess    bool
	Duration bool // the time that a test took, which is there whether anybody meant to measure it or not
	Value    unit.Quantity
	Samples  int
	Source   testreport.Source
	Problem  string // why no gate can pass on it; Metric has no limit then
}

// Offers lists what gates could be about, in the order of the reports' paths
// and then of their fields. A metric with samples is offered as its p95 when it
// is a time, else as its median.
func Offers(reports []testreport.Report) []Offer {
	reports = sorted(reports)
	c := court{Evidence: Evidence{Reports: reports}, names: newIndex(reports)}
	var offers []Offer
	seen := make(map[string]bool) // a report may have a value twice
	for i := range reports {
		for j := range reports[i].Metrics {
			o := c.offer(&reports[i].Metrics[j])
			key := fmt.Sprintf("%q %q %q %q", o.String(), o.Report, o.Pointer, o.Problem)
			if !seen[key] {
				seen[key], offers = true, append(offers, o)
			}
		}
	}
	return offers
}

func (c court) offer(m *testreport.Metric) Offer {
	o := Offer{Metric: Metric{Name: m.Name, Stat: m.Stat, Required: true}, Duration: m.Duration, Source: m.Source}
	switch {
	case len(m.Samples) > 0 && m.Unit == unit.Seconds:
		o.Stat = "p95"
	case len(m.Samples) > 1:
		o.Stat = "median"
	}
	found, problem := c.pin(&o.Metric, m)
	if problem != "" {
		o.Problem = problem
		return o
	}
	o.Value, o.Samples = found.value, found.samples
	higher, known := o.direction(found.value.Unit)
	o.Guess = !known
	if higher {
		o.Min = loose(found.value, true)
	} else {
		o.Max = loose(found.value, false)
	}
	return o
}

// loose is a value as a limit that it keeps, to three digits as people write
// limits.
func loose(q unit.Quantity, floor bool) *unit.Quantity {
	const digits = 3
	if q.Value == 0 || (q.Value == math.Trunc(q.Value) && math.Abs(q.Value) < 1000) {
		return &q
	}
	exponent := digits - 1 - int(math.Floor(math.Log10(math.Abs(q.Value))))
	scaled := math.Ceil(q.Value * math.Pow10(exponent))
	if floor {
		scaled = math.Floor(q.Value * math.Pow10(exponent))
	}
	// At the ends of the range there is no such number; the value itself does.
	v, err := strconv.ParseFloat(strconv.FormatFloat(scaled, 'f', -1, 64)+"e"+strconv.Itoa(-exponent), 64)
	if err == nil && (v == q.Value || floor == (v < q.Value)) {
		q.Value = v
	}
	return &q
}

// pin adds to the name what is needed to mean that one metric: labels, then the
// report, then the place.
func (c court) pin(metric *Metric, m *testreport.Metric) (measured, string) {
	steps := []func(){
		func() {},
		func() {
			metric.Where = make(map[string]string)
			for _, l := range m.Labels {
				metric.Where[l.Name] = l.Value
			}
		},
		func() { metric.Report = m.Source.File },
		func() { metric.Where, metric.Pointer = nil, m.Source.Pointer },
	}
	problem := ""
	for _, step := range steps {
		step()
		found, refused := c.measure(*metric, want{})
		if refused == nil && found.source == m.Source {
			return found, ""
		}
		if refused != nil {
			problem, _, _ = strings.Cut(refused.problem, "; set ")
		}
	}
	return measured{}, problem
}
