package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/org/ai-ship/pkg/scan"
)

// The names of the files that WriteFiles makes.
const (
	JSONFile    = "report.json"
	SummaryFile = "summary.md"
	PageFile    = "report.html"
	GatesFile   = "gates.xml"
	SARIFFile   = "findings.sarif" // when a scan ran
)

// WriteFiles writes report.json, summary.md, report.html and gates.xml into dir, which it
// makes when it is missing, after a scan also findings.sarif and the scanners'
// documents. Each file appears whole or stays as it was; nothing is written when
// the report cannot be printed, or a document has a name that no file of ours
// may have. A findings.sarif of an earlier run is removed when no scan ran.
//
// A document named findings.sarif is left out: the report's own says more. Of
// two that have one name, as an index with several images gives, the second is
// numbered: sbom-2.cdx.json.
func WriteFiles(dir string, r Report) error {
	files, err := render(r)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the folder for reports: %w", err)
	}
	for _, f := range files {
		if err := replace(filepath.Join(dir, f.Name), f.Data); err != nil {
			return err
		}
	}
	if r.Findings.Ran {
		return nil
	}
	if err := os.Remove(filepath.Join(dir, SARIFFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the findings of an earlier run: %w", err)
	}
	return nil
}

// render makes all files of a report.
func render(r Report) ([]scan.Document, error) {
	type writer struct {
		name  string
		write func(io.Writer, Report) error
	}
	writers := []writer{{JSONFile, JSON}, {SummaryFile, Markdown}, {PageFile, HTML}, {GatesFile, JUnit}}
	if r.Findings.Ran {
		writers = append(writers, writer{SARIFFile, SARIF})
	}
	var files []scan.Document
	for _, w := range writers {
		var data bytes.Buffer
		if err := w.write(&data, r); err != nil {
			return nil, err
		}
		files = append(files, scan.Document{Name: w.name, Data: data.Bytes()})
	}
	documents, err := documents(r.Findings.Documents)
	return append(files, documents...), err
}

// documentName is a name without folders, that starts no hidden file and means
// the same on every system.
var documentName = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,98}[a-z0-9])?$`)

// documents are the scanners' documents under names of their own.
func documents(all []scan.Document) ([]scan.Document, error) {
	var kept []scan.Document
	taken := make(map[string]bool)
	for i, d := range all {
		if d.Name == SARIFFile {
			continue
		}
		if !documentName.MatchString(d.Name) {
			return nil, fmt.Errorf("naming document %d of the scan: found %q, expected small letters, digits, dots and dashes", i, clean(d.Name))
		}
		if slices.Contains([]string{JSONFile, SummaryFile, PageFile, GatesFile}, d.Name) {
			return nil, fmt.Errorf("naming document %d of the scan: %q is a file of the report", i, d.Name)
		}
		d.Name = free(d.Name, taken)
		taken[d.Name] = true
		kept = append(kept, d)
	}
	return kept, nil
}

// free is name, with a number before its first dot when it is taken.
func free(name string, taken map[string]bool) string {
	stem, ext, _ := strings.Cut(name, ".")
	if ext != "" {
		ext = "." + ext
	}
	for n := 2; taken[name]; n++ {
		name = stem + "-" + strconv.Itoa(n) + ext
	}
	return name
}

// replace puts data at path by renaming a finished file onto it.
func replace(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("writing %q: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("writing %q: %w", path, errors.Join(err, os.Remove(f.Name())))
		}
	}()
	_, err = f.Write(data)
	// A later step of the job may run as another user.
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
