package testreport

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/org/ai-ship/pkg/unit"
)

// maxLocust is how many requests of one report are kept as samples: once for
// their endpoint and once for the whole.
const maxLocust = 100_000

func isLocustJSON(root node) bool {
	return root.kind == '[' && len(root.items) > 0 && root.items[0].has("response_times") && root.items[0].has("num_requests")
}

// responseTimes is how many requests took which time.
type responseTimes struct {
	bars  []bar // in the order of their times
	total int   // requests
}

type bar struct {
	seconds float64
	many    int
}

// locustJSON reads Locust's --json: for each endpoint a histogram of response
// times in milliseconds, of two digits each. As in the CSV an endpoint's numbers
// are endpoint_latency and endpoint_error_rate, with the labels method and
// endpoint; latency and error_rate are of all endpoints together.
func (w *walk) locustJSON(root node) error {
	all := make([]responseTimes, 0, len(root.items))
	total := 0
	err := w.each(root, func(_ string, entry node) error {
		return w.must(entry, "response_times", '{', func(times node) error {
			h, err := w.responseTimes(times)
			all = append(all, h)
			if total += h.total; err == nil && total > maxCount {
				err = w.unexpected(times, fmt.Sprintf("at most %d requests in all", maxCount))
			}
			return err
		})
	})
	if err != nil {
		return err
	}
	if err := w.locustWhole(root, all, total <= maxLocust); err != nil {
		return err
	}
	return w.each(root, func(_ string, entry node) error {
		h := all[0]
		all = all[1:]
		read := func() error { return w.locustEntry(entry, h, total <= maxLocust) }
		return w.labelled(read, labelled("method", entry.member("method").text, "endpoint", entry.member("name").text)...)
	})
}

// locustWhole adds what the CSV's row Aggregated has. It stands in no one place
// of the report, so its pointers have * for the endpoints.
func (w *walk) locustWhole(root node, parts []responseTimes, raw bool) error {
	var whole responseTimes
	for _, h := range parts {
		whole.bars = append(whole.bars, h.bars...)
		whole.total += h.total
	}
	slices.SortStableFunc(whole.bars, func(a, b bar) int { return cmp.Compare(a.seconds, b.seconds) })
	requests, failures := 0, 0
	err := w.each(root, func(_ string, entry node) error {
		many, failed, err := w.locustCounts(entry)
		requests, failures = requests+many, failures+failed
		return err
	})
	if err != nil {
		return err
	}
	return w.in("*", func() error {
		if err := w.errorRate("error_rate", requests, failures); err != nil {
			return err
		}
		return w.in("response_times", func() error { return w.locustTimes("latency", whole, raw) })
	})
}

// locustCounts returns the requests of one endpoint, and how many failed.
func (w *walk) locustCounts(entry node) (requests, failures int, err error) {
	if requests, err = w.countOf(entry, "num_requests"); err != nil {
		return 0, 0, err
	}
	failures, err = w.countOf(entry, "num_failures")
	return requests, failures, err
}

// responseTimes reads {"150": 3}: three requests took 150 ms.
func (w *walk) responseTimes(times node) (h responseTimes, err error) {
	err = w.each(times, func(key string, item node) error {
		took, err := strconv.ParseFloat(key, 64)
		q := unit.Quantity{Value: took}
		if err != nil || !q.Finite() {
			return w.unexpected(node{kind: '"', text: key}, "a time in milliseconds")
		}
		many, err := w.count(item)
		if h.total += many; h.total > maxCount {
			return w.unexpected(item, fmt.Sprintf("at most %d requests in all", maxCount))
		}
		h.bars = append(h.bars, bar{milliseconds().Times(took).Value, many})
		return err
	})
	slices.SortFunc(h.bars, func(a, b bar) int { return cmp.Compare(a.seconds, b.seconds) })
	return h, err
}

func (w *walk) locustEntry(entry node, h responseTimes, raw bool) error {
	requests, failures, err := w.locustCounts(entry)
	if err != nil {
		return err
	}
	if err := w.errorRate(endpointPrefix+"error_rate", requests, failures); err != nil {
		return err
	}
	return w.each(entry, func(name string, item node) error {
		switch name {
		case "response_times":
			return w.locustTimes(endpointPrefix+"latency", h, raw)
		case "num_failures", "num_reqs_per_sec", "num_fail_per_sec": // errorRate has it; what happened in which second
			return nil
		case "total_response_time", "max_response_time", "min_response_time":
			return w.known(field{name: name, one: milliseconds()}, item)
		}
		return w.value(item)
	})
}

// errorRate adds failures as a ratio of the requests.
func (w *walk) errorRate(name string, requests, failures int) error {
	m := Metric{Name: name, Unit: unit.Ratio, Count: requests, Invalid: "a rate of no request"}
	if failures > requests {
		m.Invalid = fmt.Sprintf("%d failures of %d requests", failures, requests)
	} else if requests > 0 {
		m.Invalid, m.Value = "", float64(failures)/float64(requests)
	}
	return w.in("num_failures", func() error { return w.add(m, pointer(w.path), w.name()) })
}

// locustTimes adds the response times as samples, or their statistics where
// there are too many.
func (w *walk) locustTimes(name string, h responseTimes, raw bool) error {
	m := Metric{Name: name, Unit: unit.Seconds}
	switch {
	case h.total == 0:
		m.Invalid = "a time of no request"
	case raw:
		m.Samples = make([]float64, 0, h.total)
		for _, b := range h.bars {
			m.Samples = append(m.Samples, slices.Repeat([]float64{b.seconds}, b.many)...)
		}
	default:
		for _, stat := range []string{"mean", "median", "p90", "p95", "p99", "p99.9", "min", "max"} {
			m.Stat, m.Value, m.Count = stat, h.statistic(stat), h.total
			if err := w.add(m, pointer(w.path), w.name(), twin(m.Name)); err != nil {
				return err
			}
		}
		return nil
	}
	return w.add(m, pointer(w.path), w.name(), twin(m.Name))
}

// statistic computes what Statistic would of the single times.
func (h responseTimes) statistic(stat string) float64 {
	switch stat {
	case "mean":
		mean := 0.0
		for _, b := range h.bars {
			mean += b.seconds * (float64(b.many) / float64(h.total))
		}
		return mean
	case "min":
		return h.at(0)
	case "max":
		return h.at(h.total - 1)
	case "median":
		stat = "p50"
	}
	p, _ := percentile(stat)
	rank := float64(h.total-1) * (p / 100)
	below := int(rank)
	part := rank - float64(below)
	return h.at(below)*(1-part) + h.at(min(below+1, h.total-1))*part
}

// at returns the time of one request, counted from the fastest.
func (h responseTimes) at(rank int) float64 {
	for _, b := range h.bars {
		if rank < b.many {
			return b.seconds
		}
		rank -= b.many
	}
	return 0
}
