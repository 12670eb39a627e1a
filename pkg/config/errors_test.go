package config_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/config"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares got with the file, or rewrites the file.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got); run with -update if this is right:\n%s", file, diff)
	}
}

// TestErrors holds the exact text of every error of the files in
// testdata/invalid.
func TestErrors(t *testing.T) {
	files, err := filepath.Glob("testdata/invalid/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c, err := config.Parse("ai-ship.yaml", data, environ)
			var errs config.Errors
			if c != nil || !errors.As(err, &errs) {
				t.Fatalf("Parse = %v, %v; want no config and Errors", c, err)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".golden", []byte(err.Error()+"\n"))
			if !slices.IsSortedFunc(errs, func(a, b config.Error) int { return a.Line - b.Line }) {
				t.Error("the errors are not sorted by line")
			}
		})
	}
}

func TestErrorsAreBounded(t *testing.T) {
	var text strings.Builder
	for i := range 60 {
		fmt.Fprintf(&text, "key%d: 1\n", i)
	}
	_, err := config.Parse("ai-ship.yaml", []byte(text.String()), environ)
	lines := strings.Split(err.Error(), "\n")
	if last := lines[len(lines)-1]; last != "and 13 more" { // 60 unknown, image, base and app missing
		t.Errorf("last line = %q, want and 13 more", last)
	}
	if shown := strings.Count(err.Error(), "ai-ship.yaml:"); shown != 50 {
		t.Errorf("%d errors shown, want 50", shown)
	}
}

func TestErrorsUnwrap(t *testing.T) {
	_, err := config.Parse("ai-ship.yaml", []byte(minimal+"usr: x\n"), environ)
	var one config.Error
	if !errors.As(err, &one) {
		t.Fatalf("error %v holds no Error", err)
	}
	one = config.Error{File: one.File, Line: one.Line, Column: one.Column, Path: one.Path, Hint: one.Hint}
	want := config.Error{File: "ai-ship.yaml", Line: 4, Column: 1, Path: "usr", Hint: `did you mean "user"?`}
	if one != want {
		t.Errorf("error = %+v, want %+v", one, want)
	}
}
