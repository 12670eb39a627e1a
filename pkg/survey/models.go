package survey

import (
	"context"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/scan/modelfile"
)

// The limits of looking at models. What is left out of a survey is not left out
// of a scan.
const (
	maxModels     = 200             // files that are looked into
	maxInspection = 5 * time.Second // for one of them
	minUnnamed    = 1 << 20         // bytes from which on a file is looked into whatever it is called
)

// Model is a file of weights.
type Model struct {
	Path     string
	Size     int64
	Modified time.Time
	Format   modelfile.Format
	// Risk says in one sentence why a gate would refuse it as it is, and Convert
	// what to ship instead; both are "" for a file that nothing is held against.
	Risk, Convert string
	// Folder is set where the file's folder belongs to it: configs and tokenizers
	// stand beside it, or a SavedModel's variables.
	Folder bool
	// Beside says that a source names the file by its path from the project's
	// folder, so that it must stand beside the sources.
	Beside bool
}

// weights are endings of files that hold some.
func weights() []string {
	return []string{
		".safetensors", ".onnx", ".gguf", ".pt", ".pth", ".ckpt", ".bin", ".pkl", ".pickle", ".joblib", ".dill", ".h5", ".hdf5",
		".keras", ".tflite", ".pb", ".model",
	}
}

// others are endings of large files that are no models.
func others() []string {
	return []string{
		".csv", ".parquet", ".json", ".jsonl", ".txt", ".xml", ".npy", ".npz", ".png", ".jpg", ".jpeg", ".gif", ".mp4", ".wav", ".mp3", ".pdf",
		".zip", ".gz", ".tgz", ".tar", ".zst", ".xz", ".bz2", ".whl", ".so", ".db", ".sqlite", ".log", ".ipynb", ".svg", ".html", ".arrow", ".tsv",
	}
}

func (l *looker) models(ctx context.Context) ([]Model, error) {
	var models []Model
	looked := 0
	for _, f := range l.files {
		end := strings.ToLower(path.Ext(f.path))
		if isTest(f.path) || f.size == 0 || slices.Contains(others(), end) || !slices.Contains(weights(), end) && f.size < minUnnamed {
			continue
		}
		if looked++; looked > maxModels {
			l.leave("there are more than %d files that may be models; the rest was not looked at", maxModels)
			break
		}
		m, ok, err := l.model(ctx, f)
		if err != nil {
			return nil, err
		}
		if ok {
			models = append(models, m)
		}
	}
	return models, nil
}

// model inspects one file. One that cannot be read in time is a model by its name.
func (l *looker) model(ctx context.Context, f file) (Model, bool, error) {
	content, err := l.root.Open(f.path)
	if err != nil {
		return Model{}, false, ctx.Err()
	}
	defer content.Close()
	within, cancel := context.WithTimeout(ctx, maxInspection)
	defer cancel()
	report, err := modelfile.Inspect(within, modelfile.Source{Path: f.path, Size: f.size, ReaderAt: content})
	if ctx.Err() != nil {
		return Model{}, false, ctx.Err()
	}
	if err != nil {
		l.leave("%s could not be looked into: %v", f.path, err)
		return Model{}, false, nil
	}
	switch report.Card.Format {
	case modelfile.Other, modelfile.JSON, modelfile.Archive, modelfile.NumPy, modelfile.NumPyZip, "":
		return Model{}, false, nil
	}
	info, err := content.Stat()
	if err != nil {
		return Model{}, false, ctx.Err()
	}
	m := Model{Path: f.path, Size: f.size, Modified: info.ModTime(), Format: report.Card.Format, Folder: l.accompanied(f.path), Beside: l.mentioned(f.path)}
	if dir := path.Dir(f.path); m.Folder && dir != "." {
		m.Beside = m.Beside || l.mentioned(dir)
	}
	m.Risk, m.Convert = held(report)
	return m, true, nil
}

// held is why the gates on models refuse a file where the config says nothing.
func held(r modelfile.Report) (risk, convert string) {
	for _, found := range r.Risks {
		if found.Severity >= scan.High {
			return strings.TrimSpace(found.Why + " " + found.Calls), found.Convert
		}
	}
	switch {
	case r.Card.Format == modelfile.Pickle, r.Card.Format == modelfile.Joblib:
		return "It is a " + string(r.Card.Format) + ", which can run code when it is loaded.", "Ship safetensors or ONNX."
	case r.Unscanned != "":
		return "It could not be looked at to its end: " + r.Unscanned + ".", ""
	}
	return "", ""
}

// accompanied reports whether a loader wants the file's folder rather than the file.
func (l *looker) accompanied(name string) bool {
	dir := path.Dir(name)
	if path.Base(name) == "saved_model.pb" {
		return true
	}
	for _, beside := range []string{"config.json", "tokenizer.json", "tokenizer_config.json", "model_index.json"} {
		if l.has(path.Join(dir, beside)) {
			return true
		}
	}
	return false
}

// variables are names under which servers are told where their model is.
func (l *looker) variables() []string {
	var names []string
	for _, name := range []string{"MODEL_DIR", "MODEL_PATH"} {
		if slices.ContainsFunc(l.named(".py", ".go"), func(f string) bool {
			return !isTest(f) && strings.Contains(l.text(f), `"`+name+`"`) || strings.Contains(l.text(f), `'`+name+`'`)
		}) {
			names = append(names, name)
		}
	}
	return names
}

// mentioned looks for the path as a server's source writes it when it is opened
// from the working directory: at the start of a string.
func (l *looker) mentioned(name string) bool {
	for _, f := range l.named(".py", ".go") {
		if isTest(f) || strings.HasPrefix(path.Base(f), "train") || path.Ext(f) == ".go" && !l.serves(path.Dir(f)) {
			continue
		}
		text := l.text(f)
		for _, quote := range []string{`"`, `'`, "`"} {
			if strings.Contains(text, quote+name) || strings.Contains(text, quote+"./"+name) {
				return true
			}
		}
	}
	return false
}

// serves reports whether a folder is a Go server's.
func (l *looker) serves(dir string) bool {
	return slices.ContainsFunc(l.golang, func(s Server) bool { return s.Path == dir })
}
