package testreport

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const frontMatter = "---" // the line before and after a model card's YAML

// isModelCard wants YAML between two lines --- that has the key model-index.
func isModelCard(body []byte) bool {
	text, ok := cardYAML(body)
	return ok && (bytes.HasPrefix(text, []byte("model-index:")) || bytes.Contains(text, []byte("\nmodel-index:")))
}

// cardYAML returns what stands between the first line, which must be ---, and
// the next such line.
func cardYAML(body []byte) (text []byte, ok bool) {
	start := 0
	for line := range bytes.Lines(body) {
		isMark := string(bytes.TrimRight(line, " \t\r\n")) == frontMatter
		if len(text) == 0 && start == 0 {
			if !isMark {
				return nil, false
			}
			start = len(line)
			text = body[start:start]
			continue
		}
		if isMark {
			return text, true
		}
		text = body[start : start+len(text)+len(line)]
	}
	return nil, false
}

// readModelCard reads the model-index of a Hugging Face model card: README.md
// with YAML in front (hub-docs, modelcard.md).
func (c *collector) readModelCard(data []byte) error {
	c.report.Format = formatModelCard
	body := bytes.TrimLeft(data, " \t\r\n")
	text, _ := cardYAML(body)
	before := 1 + bytes.Count(data[:len(data)-len(body)], []byte("\n"))
	root, err := parseYAML(string(text), before)
	if err != nil {
		return err
	}
	return c.modelIndex(root.member("model-index"))
}

// modelIndex adds model-index[].results[].metrics[] by their type, with their
// name as alias, and labels of task and dataset. Whether 61 is a percentage is
// not guessed: the card does not say.
func (c *collector) modelIndex(models node) error {
	for i, model := range models.items {
		for j, result := range model.member("results").items {
			task, dataset := result.member("task"), result.member("dataset")
			labels := labelled("task", task.member("type").text, "dataset", first(dataset, "type", "name"),
				"config", dataset.member("config").text, "split", dataset.member("split").text)
			for k, metric := range result.member("metrics").items {
				path := []string{"model-index", strconv.Itoa(i), "results", strconv.Itoa(j), "metrics", strconv.Itoa(k)}
				name := first(metric, "type", "name")
				if name == "" {
					return fmt.Errorf("%s: is no metric, expected type and value", pointer(path))
				}
				m := scored(name, metric.member("value"))
				m.Labels = labels
				if err := c.add(m, pointer(append(path, "value")), name, metric.member("name").text); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// isEvalResults wants a list whose first item is a value with its dataset.
func isEvalResults(root node) bool {
	return root.kind == '[' && len(root.items) > 0 && isEvalResult(root.items[0])
}

func isEvalResult(n node) bool {
	return n.member("dataset").member("id").kind == '"' && n.has("value")
}

// evalResults reads .eval_results/*.yaml of a Hugging Face model. It names no
// metric, only a benchmark: that is score, with the labels task and dataset, and
// as aliases value, the dataset's id and the task.
func (c *collector) evalResults(root node) error {
	for i, item := range root.items {
		if !isEvalResult(item) {
			return fmt.Errorf("/%d: is no result, expected dataset.id and value", i)
		}
		dataset := item.member("dataset")
		id := dataset.member("id").text
		task := first(item, "task")
		if task == "" {
			task = first(dataset, "task_id", "task")
		}
		name := first(item, "metric")
		if name == "" {
			name = "score"
		}
		m := scored(name, item.member("value"))
		m.Labels = labelled("task", task, "dataset", id, "config", dataset.member("config").text, "split", dataset.member("split").text)
		if err := c.add(m, pointer([]string{strconv.Itoa(i), "value"}), name, "value", id, task); err != nil {
			return err
		}
	}
	return nil
}

// first returns the text of the first member that has any, or of the name of
// its type, where the member is an object as task often is.
func first(n node, names ...string) string {
	for _, name := range names {
		if text := n.member(name).text; text != "" {
			return text
		}
		if text := n.member(name).member("type").text; text != "" {
			return text
		}
	}
	return ""
}

// labelled makes labels of names and values, without those that are empty.
func labelled(pairs ...string) []Label {
	var labels []Label
	for pair := range slices.Chunk(pairs, 2) {
		if pair[1] != "" {
			labels = append(labels, Label{pair[0], pair[1]})
		}
	}
	return labels
}

// scored reads a score, of which cards may also write the deviation: "20.0 ±
// 1.2". A score that is no number is kept as Invalid, for it was announced.
func scored(name string, value node) Metric {
	text := value.number()
	for _, sign := range []string{"±", "+/-", "+-"} {
		text, _, _ = strings.Cut(text, sign)
	}
	f := parseField(name)
	m, ok := f.metric(text)
	switch {
	case !value.scalar():
		return Metric{Name: f.name, Stat: f.stat, Unit: f.one.Unit, Invalid: "no number"}
	case !ok:
		return Metric{Name: f.name, Stat: f.stat, Unit: f.one.Unit, Invalid: fmt.Sprintf("%q, which is no number", cut(text, 40))}
	}
	return m
}
