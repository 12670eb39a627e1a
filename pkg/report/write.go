package report

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// The names of the files that WriteFiles makes.
const (
	JSONFile    = "report.json"
	SummaryFile = "summary.md"
)

// WriteFiles writes report.json and summary.md into dir, which it makes when
// it is missing. Each file appears whole or stays as it was; nothing is
// written when the report cannot be printed.
func WriteFiles(dir string, r Report) error {
	var document, summary bytes.Buffer
	if err := JSON(&document, r); err != nil {
		return err
	}
	if err := Markdown(&summary, r); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the folder for reports: %w", err)
	}
	if err := replace(filepath.Join(dir, JSONFile), document.Bytes()); err != nil {
		return err
	}
	return replace(filepath.Join(dir, SummaryFile), summary.Bytes())
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
