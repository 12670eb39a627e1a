package testreport

import "fmt"

// isDVC looks for what dvc metrics show --json wraps around every file. What
// stands in the files of dvc.yaml themselves is read like any JSON.
func isDVC(root node) bool {
	files := 0
	for _, revision := range root.items {
		if root.kind != '{' || revision.kind != '{' {
			return false
		}
		data := revision.member("data")
		if data.kind != '{' && !revision.has("error") {
			return false
		}
		for _, file := range data.items {
			kind := file.member("data").kind
			if kind != '{' && kind != '[' && !file.has("error") {
				return false
			}
			files++
		}
	}
	return files > 0
}

// dvc reads the metrics of all revisions and files, named as in the file, with
// the labels rev and file.
func (w *walk) dvc(root node) error {
	return w.each(root, func(rev string, revision node) error {
		if revision.has("error") {
			return w.dvcError(revision)
		}
		return w.must(revision, "data", '{', func(data node) error {
			return w.each(data, func(file string, item node) error {
				if item.has("error") {
					return w.dvcError(item)
				}
				read := func() error {
					return w.in("data", func() error { return w.recorded(item.member("data"), file) })
				}
				return w.labelled(read, Label{"rev", rev}, Label{"file", file})
			})
		})
	})
}

// dvcError is about a file that DVC could not read: its metrics are missing.
func (w *walk) dvcError(n node) error {
	problem := n.member("error")
	message := problem.member("msg").text + problem.text
	return fmt.Errorf("%s: DVC reports %q", cut(pointer(w.path), maxMessage), cut(message, maxMessage))
}
