package testreport

import "strings"

// isClassification goes by the rows that every report has: accuracy is left out
// for a subset of the labels.
func isClassification(root node) bool {
	return root.member("macro avg").has("f1-score") && root.member("weighted avg").has("f1-score")
}

// classification reads scikit-learn's classification_report(output_dict=True):
// f1, precision, recall and support, with the label class, or average for the
// rows that average over the classes. The count of a score is its row's support,
// of the accuracy that of all rows.
func (w *walk) classification(root node) error {
	return w.each(root, func(name string, item node) error {
		if name == "accuracy" && item.kind != '{' { // an object is a class of that name
			return w.share(field{name: name, count: root.member("weighted avg").member("support").many()}, item)
		}
		if !item.has("f1-score") {
			return w.value(item)
		}
		label := Label{"class", name}
		switch name {
		case "micro avg", "macro avg", "weighted avg", "samples avg":
			label = Label{"average", strings.TrimSuffix(name, " avg")}
		}
		return w.labelled(func() error { return w.scores(item) }, label)
	})
}

func (w *walk) scores(row node) error {
	return w.each(row, func(name string, item node) error {
		switch name {
		case "f1-score", "precision", "recall":
			return w.share(field{name: usual(name), count: row.member("support").many()}, item)
		case "support":
			return w.known(field{name: name}, item)
		}
		return w.value(item)
	})
}
