package testreport

import (
	"slices"
	"strings"

	"github.com/org/ai-ship/pkg/unit"
)

func isK6(root node) bool {
	return root.member("version").kind == '"' && root.member("results").member("metrics").kind == '['
}

func isK6Export(root node) bool {
	return root.member("root_group").kind == '{' && root.member("metrics").kind == '{'
}

// k6Metric is one metric of a summary, in whichever shape.
type k6Metric struct {
	name   string
	kind   string // trend, rate, counter or gauge
	one    unit.Quantity
	values node
}

// k6 reads the machine-readable summary of k6 1.5, which 2 writes by default.
func (w *walk) k6(root node) error {
	return w.each(root, func(name string, item node) error {
		if name != "results" {
			return w.value(item)
		}
		return w.each(item, func(name string, item node) error {
			switch name {
			case "metrics":
				return w.each(item, func(_ string, metric node) error { return w.k6Listed(metric) })
			case "checks":
				return w.k6Checks(item)
			case "passed":
				return w.k6Passed(item)
			}
			return w.value(item)
		})
	})
}

func (w *walk) k6Passed(n node) error {
	switch n.kind {
	case 't':
		return nil
	case 'f':
		return w.fail("k6", "results.passed is false")
	}
	return w.unexpected(n, "a boolean")
}

// k6Checks reads the metrics of checks, by name or in an array.
func (w *walk) k6Checks(checks node) error {
	return w.each(checks, func(name string, item node) error {
		if name != "metrics" {
			return w.value(item)
		}
		return w.each(item, func(_ string, metric node) error { return w.k6Listed(metric) })
	})
}

// k6Listed reads a metric that says its own name.
func (w *walk) k6Listed(metric node) error {
	name := metric.member("name")
	if name.kind != '"' || name.text == "" {
		return w.unexpected(metric, "a metric with name and values")
	}
	return w.k6Full(name.text, metric)
}

// k6Full reads a metric with its type, what it contains, values and thresholds.
func (w *walk) k6Full(name string, metric node) error {
	m := k6Metric{name: name, kind: metric.member("type").text, one: k6Unit(metric.member("contains").text)}
	if err := w.must(metric, "values", '{', func(values node) error {
		m.values = values
		return w.k6Values(m)
	}); err != nil || !metric.has("thresholds") {
		return err
	}
	return w.must(metric, "thresholds", '{', func(n node) error { return w.k6Thresholds(name, n, false) })
}

// k6Export reads what handleSummary is given, and the older --summary-export,
// whose metrics hold their values directly.
func (w *walk) k6Export(root node) error {
	flat := !slices.ContainsFunc(root.member("metrics").items, func(n node) bool { return n.has("values") })
	return w.each(root, func(name string, item node) error {
		if name != "metrics" {
			return w.value(item)
		}
		return w.each(item, func(name string, metric node) error {
			switch {
			case metric.kind != '{':
				return w.unexpected(metric, "an object")
			case flat:
				return w.k6Flat(name, metric)
			}
			return w.k6Full(name, metric)
		})
	})
}

// k6Flat reads a metric that says neither its type nor what it contains.
func (w *walk) k6Flat(name string, metric node) error {
	m := k6Metric{name: name, kind: "trend", one: k6Unit(k6Contains(name)), values: metric}
	switch {
	case metric.has("value") && metric.has("passes"):
		m.kind = "rate"
	case metric.has("value"):
		m.kind = "gauge"
	case metric.has("count") && metric.has("rate"):
		m.kind = "counter"
	}
	if err := w.k6Values(m); err != nil || !metric.has("thresholds") {
		return err
	}
	return w.must(metric, "thresholds", '{', func(n node) error { return w.k6Thresholds(name, n, true) })
}

// k6Contains knows what the built-in metrics contain.
func k6Contains(name string) string {
	name, _, _ = strings.Cut(name, "{")
	switch name {
	case "http_req_duration", "http_req_blocked", "http_req_connecting", "http_req_tls_handshaking",
		"http_req_sending", "http_req_waiting", "http_req_receiving", "iteration_duration", "group_duration",
		"grpc_req_duration", "ws_connecting", "ws_ping", "ws_session_duration":
		return "time"
	case "data_received", "data_sent":
		return "data"
	}
	return ""
}

// k6Unit is the one that k6 counts in, whatever it displays.
func k6Unit(contains string) unit.Quantity {
	switch contains {
	case "time":
		return milliseconds()
	case "data":
		return wholeBytes()
	}
	return unit.Quantity{}
}

// k6Values reads a metric's values. Counts among them are in no unit, and the
// rate of a counter is one per second.
func (w *walk) k6Values(m k6Metric) error {
	read := func() error {
		return w.each(m.values, func(key string, item node) error {
			f := field{name: k6Name(m.name), one: m.one}
			stat, isStat := k6Stat(key)
			f.count = k6Count(m)
			switch {
			case key == "thresholds":
				return nil
			case m.kind == "rate" && (key == "rate" || key == "value"):
				f.one = ratio()
				return w.share(f, item, m.name)
			case m.kind == "counter" && key == "rate" && m.name == "http_reqs":
				return w.known(field{name: "throughput"}, item)
			case m.kind == "counter" && key == "count", m.kind == "gauge" && key == "value":
				f.count = 0
			case (m.kind == "trend" || m.kind == "gauge") && isStat:
				f.stat = stat
			default:
				return w.value(item)
			}
			return w.known(f, item, m.name)
		})
	}
	return w.labelled(read, k6Labels(m.name)...)
}

// k6Count is how many measurements a trend or a rate is made of, where the
// summary says so: only with summaryTrendStats of count for a trend.
func k6Count(m k6Metric) int {
	passes, fails := m.values.member("passes"), m.values.member("fails")
	switch {
	case m.kind == "trend":
		return m.values.member("count").many()
	case m.kind == "rate" && m.values.has("total"):
		return m.values.member("total").many()
	case m.kind == "rate" && passes.kind == '0' && fails.kind == '0':
		return passes.many() + fails.many()
	}
	return 0
}

// k6Name is the name that people use for a built-in metric. One of a subset,
// http_req_duration{status:200}, keeps its own, or it would be ambiguous with
// the whole in every summary.
func k6Name(name string) string {
	switch name {
	case "http_req_duration":
		return "latency"
	case "http_req_failed":
		return "error_rate"
	case "checks_succeeded":
		return "checks"
	}
	return name
}

// k6Stat returns p95 for p(95).
func k6Stat(key string) (string, bool) {
	if p, ok := strings.CutPrefix(key, "p("); ok && strings.HasSuffix(p, ")") {
		key = "p" + strings.TrimSuffix(p, ")")
	}
	return statistic(key)
}

// k6Labels returns the tags of a subset, from name{tag:value,tag:value}.
func k6Labels(name string) []Label {
	_, tags, ok := strings.Cut(name, "{")
	if !ok {
		return nil
	}
	var labels []Label
	for tag := range strings.SplitSeq(strings.TrimSuffix(tags, "}"), ",") {
		name, value, _ := strings.Cut(tag, ":")
		labels = append(labels, Label{strings.TrimSpace(name), strings.TrimSpace(value)})
	}
	return labels
}

// k6Thresholds counts thresholds as tests. In the flat export a bare boolean
// says that the threshold was crossed: true is a failure there.
func (w *walk) k6Thresholds(metric string, thresholds node, flat bool) error {
	return w.each(thresholds, func(expression string, item node) error {
		verdict := item
		if !flat {
			verdict = item.member("ok")
		}
		if verdict.kind != 't' && verdict.kind != 'f' {
			want := "an object with the boolean ok"
			if flat {
				want = "a boolean"
			}
			return w.unexpected(item, want)
		}
		w.report.Tests++
		if (verdict.kind == 't') == flat {
			return w.fail(metric+" "+expression, "the threshold was crossed")
		}
		return nil
	})
}
