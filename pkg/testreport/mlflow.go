package testreport

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/org/ai-ship/pkg/unit"
)

func isMLflow(root node) bool {
	return isMLflowRun(root.member("run")) || isMLflowRun(root) || isLoggedModel(root.member("model"))
}

func isMLflowRun(n node) bool {
	info := n.member("info")
	return info.has("run_id") && info.has("status") && info.has("lifecycle_stage")
}

func isLoggedModel(n node) bool {
	info := n.member("info")
	return info.has("model_id") && info.has("status") && info.has("experiment_id")
}

// mlflow reads what MLflow's REST API answers about a run (runs/get) or a
// logged model (logged-models), and what `mlflow runs describe` prints. Of each
// metric a run has the latest value only; of the machine's (system/…), that is
// the mean of the last interval and no peak. Parameters and tags are no metrics.
func (w *walk) mlflow(root node) error {
	switch run, model := root.member("run"), root.member("model"); {
	case isMLflowRun(run):
		return w.in("run", func() error { return w.mlflowRun(run) })
	case isMLflowRun(root):
		return w.mlflowRun(root)
	default:
		return w.in("model", func() error { return w.loggedModel(model) })
	}
}

// mlflowRun reads a run. One that failed is a failed test, so that no gate
// passes; one that goes on or was deleted is an error.
func (w *walk) mlflowRun(run node) error {
	info := run.member("info")
	err := w.in("info", func() error {
		if stage := info.member("lifecycle_stage"); stage.text != "active" {
			return w.in("lifecycle_stage", func() error {
				return w.unexpected(stage, "an active run, for one that was deleted proves nothing")
			})
		}
		return w.ended("run", info.member("status"), "FINISHED, for the run has not ended (mlflow.end_run)")
	})
	if err != nil {
		return err
	}
	return w.mlflowMetrics(run, func(metrics node) error {
		if metrics.kind == '{' { // as runs describe prints them
			return w.each(metrics, func(key string, item node) error { return w.mlflowMetric(key, item, "") })
		}
		seen := make(map[string]bool)
		return w.each(metrics, func(_ string, item node) error {
			key := item.member("key").text
			if seen[key] {
				return w.repeated(key)
			}
			seen[key] = true
			return w.keyed(item, "")
		})
	})
}

// ended reads the status of a run or a model. One that failed is a failed test,
// one that goes on an error.
func (w *walk) ended(what string, status node, want string) error {
	return w.in("status", func() error {
		switch status.text {
		case "FINISHED", "LOGGED_MODEL_READY":
			return nil
		case "FAILED", "KILLED", "LOGGED_MODEL_UPLOAD_FAILED":
			return w.fail(what, "ended as "+status.text)
		}
		return w.unexpected(status, want)
	})
}

// mlflowMetrics visits data.metrics. MLflow leaves out what is empty.
func (w *walk) mlflowMetrics(n node, visit func(node) error) error {
	metrics := n.member("data").member("metrics")
	return w.in("data", func() error {
		return w.in("metrics", func() error {
			switch metrics.kind {
			case 0:
				return nil
			case '[', '{':
				return visit(metrics)
			}
			return w.unexpected(metrics, "an array")
		})
	})
}

func (w *walk) repeated(key string) error {
	return fmt.Errorf("%s: has the metric %q a second time", cut(pointer(w.path), maxMessage), cut(key, 80))
}

// keyed reads an item of the REST API's array of metrics.
func (w *walk) keyed(item node, zero string) error {
	key := item.member("key")
	if key.kind != '"' || key.text == "" {
		return w.unexpected(item, "a metric with key and value")
	}
	return w.in("value", func() error { return w.mlflowMetric(key.text, item.member("value"), zero) })
}

// mlflowMetric adds one value. MLflow's SQL stores keep an infinity as the
// largest number that there is. zero, if not empty, says what else a 0 may mean.
func (w *walk) mlflowMetric(key string, value node, zero string) error {
	f, labels := mlflowField(key)
	m, err := w.number(f, value)
	if err != nil {
		return err
	}
	if m.Invalid == "" {
		switch v, err := strconv.ParseFloat(value.text, 64); {
		case err == nil && math.Abs(v) == math.MaxFloat64:
			m.Invalid = value.text + ", which is how MLflow stores infinity"
		case m.Value == 0 && zero != "":
			m.Invalid = zero
		}
	}
	if m.Invalid != "" {
		m.Value = 0
	}
	return w.labelled(func() error { return w.add(m, pointer(w.path), key, twin(m.Name)) }, labels...)
}

// mlflowField reads a key. What mlflow.evaluate aggregates is named
// latency/p90, and its scores are named as in scikit-learn.
func mlflowField(key string) (field, []Label) {
	if f, labels, ok := systemField(key); ok {
		return f, labels
	}
	f := parseField(key)
	if i := strings.LastIndexByte(f.name, '/'); i > 0 && f.stat == "" {
		if stat, err := ParseStat(f.name[i+1:]); err == nil {
			f.name, f.stat = f.name[:i], stat
		}
	}
	switch f.name {
	case "accuracy_score", "f1_score":
		f.name = strings.TrimSuffix(f.name, "_score")
	}
	f.name = usual(f.name)
	return f, nil
}

// systemField knows what MLflow logs about the machine, as
// system/[NODE/][gpu_N_]NAME_UNIT. Its megabytes are 10^6 bytes.
func systemField(key string) (f field, labels []Label, ok bool) {
	name, ok := strings.CutPrefix(key, "system/")
	if node, rest, found := strings.Cut(name, "/"); ok && found {
		name, labels = rest, append(labels, Label{"node", node})
	}
	if rest, found := strings.CutPrefix(name, "gpu_"); found {
		index, rest, _ := strings.Cut(rest, "_")
		if _, err := strconv.ParseUint(index, 10, 16); err == nil {
			name, labels = "gpu_"+rest, append(labels, Label{"gpu", index})
		}
	}
	if size, found := strings.CutSuffix(name, "_megabytes"); found {
		f = field{name: size, one: unit.Quantity{Value: 1e6, Unit: unit.Bytes}}
	} else if share, found := strings.CutSuffix(name, "_percentage"); found {
		f = field{name: share, one: percent()}
	} else {
		f = parseField(name)
	}
	if f.name == "gpu_memory_usage" && f.one.Unit == unit.Bytes {
		f.name = "gpu_memory"
	}
	return f, labels, ok && f.name != ""
}

// measured is what tells the metrics of a logged model apart.
type measured struct{ key, dataset, digest, run string }

// moment orders the values of one metric as MLflow does.
type moment struct{ step, timestamp int64 }

func (m moment) before(other moment) bool {
	return m.step < other.step || m.step == other.step && m.timestamp < other.timestamp
}

// loggedModel reads the metrics of an MLflow 3 model. They come with all their
// steps, of which the last counts, and carry the labels dataset and run. The
// server answers 0 where NaN was logged, so that 0 is no number here.
func (w *walk) loggedModel(model node) error {
	err := w.in("info", func() error {
		return w.ended("model", model.member("info").member("status"), "LOGGED_MODEL_READY, for the model is not complete")
	})
	if err != nil {
		return err
	}
	return w.mlflowMetrics(model, func(metrics node) error {
		last := make(map[measured]moment)
		err := w.each(metrics, func(_ string, item node) error { return w.latest(item, last) })
		if err != nil {
			return err
		}
		return w.each(metrics, func(_ string, item node) error {
			id := measuredOf(item)
			if at, err := w.moment(item); err != nil || at != last[id] {
				return err
			}
			read := func() error {
				return w.keyed(item, "0, which MLflow also answers where NaN was logged to a model")
			}
			return w.labelled(read, id.labels()...)
		})
	})
}

func measuredOf(item node) measured {
	return measured{item.member("key").text, item.member("dataset_name").text, item.member("dataset_digest").text, item.member("run_id").text}
}

func (m measured) labels() []Label {
	var labels []Label
	for _, l := range []Label{{"dataset", m.dataset}, {"digest", m.digest}, {"run", m.run}} {
		if l.Value != "" {
			labels = append(labels, l)
		}
	}
	return labels
}

// latest notes an item's moment if no later one of its metric is known.
func (w *walk) latest(item node, last map[measured]moment) error {
	id := measuredOf(item)
	at, err := w.moment(item)
	if err != nil {
		return err
	}
	before, known := last[id]
	if known && at == before {
		return w.repeated(id.key)
	}
	if !known || before.before(at) {
		last[id] = at
	}
	return nil
}

func (w *walk) moment(item node) (at moment, err error) {
	for _, part := range []struct {
		name string
		into *int64
	}{{"step", &at.step}, {"timestamp", &at.timestamp}} {
		n := item.member(part.name)
		if n.kind == 0 {
			continue // 0, which some servers leave out
		}
		if *part.into, err = strconv.ParseInt(n.text, 10, 64); err != nil {
			return at, w.in(part.name, func() error { return w.unexpected(n, "a whole number") })
		}
	}
	return at, nil
}
