package testreport

import (
	"slices"
	"strings"
)

const memoryUsed = "memory.used"

// nvidiaHeader reports whether a line is nvidia-smi's header with the column
// that gates are about, which may be the only one.
func nvidiaHeader(line string) bool {
	return slices.ContainsFunc(strings.Split(line[:min(len(line), maxHead)], ","), isMemoryUsed)
}

func isMemoryUsed(column string) bool {
	name, _ := nvidiaColumn(column)
	return name == memoryUsed
}

// nvidiaColumn splits "memory.used [MiB]".
func nvidiaColumn(column string) (name, in string) {
	name, in, _ = strings.Cut(strings.TrimSpace(column), " [")
	return name, strings.TrimSuffix(in, "]")
}

// nvidia reads nvidia-smi --query-gpu=… --format=csv, whose header has each
// column's unit, with or without nounits. Memory is MiB even where the header
// does not say so. Rows of one GPU, which index or uuid name, are samples over
// time; without such a column all rows are samples of one.
func (c *collector) nvidia(t table) error {
	ids := make([]string, len(t.rows))
	for i, cells := range t.rows {
		for _, column := range []string{"uuid", "gpu_uuid", "index"} {
			if id := t.cell(cells, column); id != "" {
				ids[i] = id
			}
		}
	}
	for j, column := range t.header {
		name, in := nvidiaColumn(column)
		f := plain(name, "")
		switch {
		case name == memoryUsed:
			f = plain("gpu_memory", "").in("MiB")
		case strings.HasPrefix(name, "memory."):
			f = f.in("MiB")
		case in == "%":
			f = f.in("percent")
		case in == "":
			continue // an identity, a time or a state
		}
		if err := c.gpuColumn(t, j, f, ids); err != nil {
			return err
		}
	}
	return nil
}

// gpuColumn adds one column, a metric for each GPU, in the order of the first rows.
func (c *collector) gpuColumn(t table, j int, f field, ids []string) error {
	name, in := nvidiaColumn(t.header[j])
	rows := make(map[string][]string)
	order := []string{}
	for i, cells := range t.rows {
		if _, ok := rows[ids[i]]; !ok {
			order = append(order, ids[i])
		}
		text := strings.TrimSpace(strings.TrimSuffix(cells[j], in))
		rows[ids[i]] = append(rows[ids[i]], strings.Trim(text, "[]")) // [N/A]
	}
	for _, id := range order {
		m, ok := f.cells(rows[id])
		if !ok {
			m.Invalid = "no number in any row"
		}
		if len(m.Samples) == 1 {
			m.Value, m.Samples = m.Samples[0], nil
		}
		m.Labels = labelled("gpu", id)
		place := []string{name}
		if id != "" {
			place = append(place, id)
		}
		if err := c.add(m, pointer(place), name, t.header[j]); err != nil {
			return err
		}
	}
	return nil
}
