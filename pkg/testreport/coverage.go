package testreport

func isCoverage(root node) bool {
	return root.member("meta").kind == '{' && root.member("files").kind == '{' && root.member("totals").has("percent_covered")
}

// coverage reads coverage.py's JSON: percentages of the whole as coverage,
// statement_coverage and branch_coverage, of each file as file_coverage and so
// on, with the label file. The lists of lines are no measurements.
func (w *walk) coverage(root node) error {
	return w.each(root, func(name string, item node) error {
		switch name {
		case "totals":
			return w.covered(item, "")
		case "files":
			return w.each(item, func(file string, item node) error {
				summary := func() error {
					return w.must(item, "summary", '{', func(n node) error { return w.covered(n, "file_") })
				}
				return w.labelled(summary, Label{"file", file})
			})
		}
		return w.value(item)
	})
}

func (w *walk) covered(summary node, prefix string) error {
	return w.each(summary, func(key string, item node) error {
		f, of, total := field{one: percent()}, "statement", "num_statements"
		switch key {
		case "percent_covered":
			f.name = prefix + "coverage"
		case "percent_statements_covered":
			f.name = prefix + "statement_coverage"
		case "percent_branches_covered":
			f.name, of, total = prefix+"branch_coverage", "branch", "num_branches"
		case "percent_covered_display", "percent_statements_covered_display", "percent_branches_covered_display":
			return nil // the same, rounded
		default:
			return w.value(item)
		}
		if summary.member(total).text == "0" { // coverage.py says 100 % of nothing
			return w.add(Metric{Name: f.name, Unit: f.one.Unit, Invalid: "a rate of no " + of}, pointer(w.path), w.name())
		}
		return w.share(f, item)
	})
}
