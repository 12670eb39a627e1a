package modelfile

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/org/ai-ship/pkg/scan"
)

const (
	maxPath   = 4096      // bytes of a path that a config names
	maxWanted = 20_000    // files that one config names
	maxCard   = 256 << 10 // bytes of a model card's front matter
)

// wanted is what a config says lies beside it.
type wanted struct {
	File   string // from the config's own folder
	Calls  string // what of it is loaded as code; empty for data
	Folder bool   // a folder, which may be named from the root or the working directory too
	Offset int64  // in the config
}

// wants notes a file that goes with this one. What archives hold has no files
// beside it.
func (in *input) wants(w wanted) {
	if in.member != "" {
		return
	}
	if len(in.wanted) == maxWanted {
		in.unscanned("it names more than %d files", maxWanted)
		return
	}
	in.wanted = append(in.wanted, w)
}

// beside notes a Python file that is run for calls.
func (in *input) beside(file, calls string, off int64) {
	if file != "" && len(file) <= maxPath {
		in.wants(wanted{File: file, Calls: shown(calls, maxCalls), Offset: off})
	}
}

// folders holds the files of an image against each other, as loaders of model
// folders do, and adds what it finds to their reports: code that a config runs,
// parts that are missing, and what a model card says. reports has one entry for
// each of files. The error is ctx's.
func folders(ctx context.Context, files []scan.File, reports []Report) error {
	f := &folder{reports: reports, at: map[string]int{}, dirs: map[string]bool{}, models: map[string]bool{}}
	for i, file := range files {
		f.at[file.Path] = i
		for dir := path.Dir(file.Path); dir != "." && dir != "/" && !f.dirs[dir]; dir = path.Dir(dir) {
			f.dirs[dir] = true
		}
		if format := reports[i].Card.Format; format != Other && format != "" {
			f.models[path.Dir(file.Path)] = true
		}
	}
	cards := map[string]notes{}
	for i, file := range files {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("looking at model folders: %w", err)
		}
		f.named(i)
		f.known(i)
		if dir := path.Dir(file.Path); path.Base(file.Path) == "README.md" && f.models[dir] {
			cards[dir] = reports[i].notes
		}
	}
	for i := range reports {
		reports[i].linked(f.at)
		reports[i].describe(cards)
	}
	return nil
}

type folder struct {
	reports []Report
	at      map[string]int  // report of a path
	dirs    map[string]bool // every folder
	models  map[string]bool // folders that model files lie in
}

// named looks for what a config names.
func (f *folder) named(i int) {
	r := &f.reports[i]
	dir := path.Dir(r.Path)
	for _, w := range r.wanted {
		at, ok := f.at[path.Join(dir, w.File)]
		switch {
		case w.Folder:
			if !f.holds(dir, w.File) {
				r.once(Risk{
					Rule: "missing-file", Severity: scan.Low, Offset: w.Offset, Calls: shown(w.File, maxCalls),
					Why:     "The model that this adapter belongs to is not in the image, so that it is loaded from elsewhere or not at all.",
					Convert: "Ship the base model in the image and name its path, or merge the adapter into it.",
				})
			}
		case w.Calls != "" && ok:
			f.reports[at].once(code(w.Calls, path.Base(r.Path)+" beside it names this code, which is loaded and run with the model."))
		case w.Calls == "" && !ok:
			r.once(Risk{
				Rule: "missing-file", Severity: scan.Medium, Offset: w.Offset, Calls: shown(w.File, maxCalls),
				Why:     "The index names a file that is not in the image, so that the model does not load, or loads without a part of its weights.",
				Convert: "Ship every file of the index, or save the model anew.",
			})
		}
	}
}

// holds reports whether the image has a folder that is named from dir, from the
// root, or from somewhere above dir.
func (f *folder) holds(dir, name string) bool {
	if strings.HasPrefix(name, "/") {
		return f.dirs[strings.TrimPrefix(path.Clean(name), "/")]
	}
	for ; ; dir = path.Dir(dir) {
		if f.dirs[path.Join(dir, name)] {
			return true
		}
		if dir == "." || dir == "/" {
			return false
		}
	}
}

// known looks for code that loaders find by its name alone.
func (f *folder) known(i int) {
	r := &f.reports[i]
	dir, base := path.Split(r.Path)
	dir = path.Clean(dir)
	switch {
	case base == "generate.py" && path.Base(dir) == "custom_generate" && f.models[path.Dir(dir)]:
		r.once(code("custom_generate/generate.py", "The file is a model's own way to generate, which transformers loads and runs with trust_remote_code."))
	case base == "pipeline.py" && f.has(dir, "model_index.json"):
		risk := code("pipeline.py", "The file is a pipeline of its own, which diffusers loads and runs where the folder is given as custom_pipeline.")
		risk.Severity = scan.Medium
		r.once(risk)
	}
}

func (f *folder) has(dir, name string) bool {
	_, ok := f.at[path.Join(dir, name)]
	return ok
}

func code(calls, why string) Risk {
	return Risk{
		Rule: "remote-code", Severity: scan.High, Offset: -1, Calls: calls, Why: why,
		Convert: "Use an architecture that the library has itself, and leave the Python file out.",
	}
}

// once adds a risk once, up to what a report can hold.
func (r *Report) once(risk Risk) {
	const reason = "there are more risks than a report can hold"
	if len(r.Risks) >= defaultBudget().risks {
		if !strings.Contains(r.Unscanned, reason) {
			r.Unscanned = strings.TrimPrefix(r.Unscanned+"; "+reason, "; ")
		}
		return
	}
	for _, old := range r.Risks {
		if old.Rule == risk.Rule && old.Calls == risk.Calls {
			return
		}
	}
	r.Risks = append(r.Risks, risk)
}

// notes are what a model card says about the models beside and below it.
type notes struct {
	License  string   `json:",omitempty"`
	Datasets []string `json:",omitempty"`
}

func (n notes) empty() bool { return n.License == "" && len(n.Datasets) == 0 }

// describe takes the licence of the nearest model card above that has one, where
// the file has none itself, and likewise the datasets.
func (r *Report) describe(cards map[string]notes) {
	if r.Card.Format == Other {
		return
	}
	for dir := path.Dir(r.Path); ; dir = path.Dir(dir) {
		card := cards[dir]
		r.Card.License = cmp.Or(r.Card.License, card.License)
		if len(r.Card.Datasets) == 0 {
			r.Card.Datasets = card.Datasets
		}
		if dir == "." || dir == "/" {
			return
		}
	}
}

// frontMatter is the YAML between the first two lines of dashes; nil where there
// is none, or more than maxCard of it.
func frontMatter(card Source) ([]byte, error) {
	text := make([]byte, min(card.Size, maxCard))
	if n, err := card.ReadAt(text, 0); err != nil && !errors.Is(err, io.EOF) || n < len(text) {
		return nil, fmt.Errorf("reading model card %q: %d of %d bytes: %w", card.Path, n, len(text), errors.Join(err, io.ErrUnexpectedEOF))
	}
	text = bytes.ReplaceAll(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")), []byte("\r\n"), []byte("\n"))
	rest, ok := bytes.CutPrefix(text, []byte("---\n"))
	text, _, end := bytes.Cut(rest, []byte("\n---"))
	if !ok || !end {
		return nil, nil
	}
	return text, nil
}

// licence is what a card's front matter gives: license, a text or a list of
// them, or license_name where that is "other". A card that is no YAML has none.
func licence(text []byte) string {
	const most = 100 // characters
	var card struct {
		License string `yaml:"license"`
		Name    string `yaml:"license_name"`
	}
	var several struct {
		License []string `yaml:"license"`
	}
	switch {
	case len(text) == 0:
	case yaml.Unmarshal(text, &card) == nil:
		if card.License == "other" && card.Name != "" {
			return shown(card.Name, most)
		}
		return shown(card.License, most)
	case yaml.Unmarshal(text, &several) == nil:
		return shown(strings.Join(several.License, ", "), most)
	}
	return ""
}

// datasets are those that a card's front matter names: datasets, a text or a list
// of them. A card that is no YAML has none.
func datasets(text []byte) (names []string) {
	const (
		most = 100 // characters of a name
		many = 50
	)
	var one struct {
		Datasets string `yaml:"datasets"`
	}
	var several struct {
		Datasets []string `yaml:"datasets"`
	}
	switch {
	case len(text) == 0:
	case yaml.Unmarshal(text, &one) == nil:
		several.Datasets = []string{one.Datasets}
	case yaml.Unmarshal(text, &several) != nil:
		return nil
	}
	for _, name := range several.Datasets[:min(len(several.Datasets), many)] {
		if name != "" {
			names = append(names, shown(name, most))
		}
	}
	return names
}
