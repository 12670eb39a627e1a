package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// The names of the files that WriteFiles makes.
const (
	JSONFile    = "report.json"
	SummaryFile = "summary.md"
	GatesFile   = "gates.xml"
)

// WriteFiles writes report.json, summary.md and gates.xml into dir, which it
// makes when it is missing. Each file appears whole or stays as it was; nothing
// is written when the report cannot be printed.
func WriteFiles(dir string, r Report) error {
	files := []struct {
		name  string
		write func(io.Writer, Report) error
		data  bytes.Buffer
	}{{name: JSONFile, write: JSON}, {name: SummaryFile, write: Markdown}, {name: GatesFile, write: JUnit}}
	for i := range files {
		if err := files[i].write(&files[i].data, r); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the folder for reports: %w", err)
	}
	for i := range files {
		if err := replace(filepath.Join(dir, files[i].name), files[i].data.Bytes()); err != nil {
			return err
		}
	}
	return nil
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
