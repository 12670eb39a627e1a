package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/config"
)

// FuzzParse holds that Parse never panics, that each error stands inside the
// file, and that the schema accepts whatever Parse accepts.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	schema := compile(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := config.Parse("ai-ship.yaml", data, environ)
		if err == nil {
			if err := validate(t, schema, string(data)); err != nil {
				t.Errorf("Parse accepts what the schema refuses: %v", err)
			}
			again, err := config.Parse("ai-ship.yaml", data, environ)
			if diff := cmp.Diff(c, again); err != nil || diff != "" {
				t.Errorf("parsing again: %v\n%s", err, diff)
			}
			return
		}
		var errs config.Errors
		if !errors.As(err, &errs) || len(errs) == 0 || errs.Error() == "" {
			t.Fatalf("error %v is no Errors", err)
		}
		for _, e := range errs {
			if e.Line < 1 || e.Column < 1 || e.Message == "" {
				t.Errorf("error without place or message: %+v", e)
			}
		}
	})
}
