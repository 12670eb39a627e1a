package testreport

import (
	"fmt"
	"strconv"

	"github.com/org/ai-ship/pkg/unit"
)

func isBenchmark(root node) bool {
	return root.member("benchmarks").kind == '[' && root.member("machine_info").kind == '{'
}

// benchmarks reads pytest-benchmark's array: times in seconds under stats, the
// raw ones in stats.data where --benchmark-save-data kept them, and what the
// test itself recorded under extra_info.
func (w *walk) benchmarks(root node) error {
	w.path = append(w.path, "benchmarks")
	for i, item := range root.member("benchmarks").list() {
		name, fullname := item.member("name").text, item.member("fullname").text
		if name == "" || item.member("stats").kind != '{' {
			return fmt.Errorf("/benchmarks/%d: is no benchmark, expected an object with name and stats", i)
		}
		err := w.in(strconv.Itoa(i), func() error {
			if err := w.stats(item.member("stats"), name, fullname); err != nil {
				return err
			}
			return w.extra(item.member("extra_info"), name)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) stats(stats node, name, fullname string) error {
	return w.in("stats", func() error {
		rounds := stats.member("rounds").many()
		for i, item := range stats.items {
			f := field{name: name, one: unit.Quantity{Value: 1, Unit: unit.Seconds}, count: rounds}
			switch stats.names[i] {
			case "mean", "median", "min", "max", "stddev":
				f.stat = stats.names[i]
			case "data":
				if !isSamples(item) {
					continue
				}
			default: // counts, rates and quartiles
				continue
			}
			if err := w.in(stats.names[i], func() error { return w.leaf(f, item, fullname) }); err != nil {
				return err
			}
		}
		return nil
	})
}

func (w *walk) extra(info node, test string) error {
	return w.in("extra_info", func() error {
		w.prefix, w.owner = len(w.path), test
		return w.value(info)
	})
}
