package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// content is a file to be.
type content struct {
	name  string // inside the directory
	bytes []byte
}

// replaceAll writes every file beside its place first and renames last, so
// that no reader sees half a file and a full disk leaves the old files
// together. A temporary file never outlives the call.
func replaceAll(dir string, files []content) (err error) {
	var staged []string
	defer func() {
		for _, path := range staged {
			if rest := os.Remove(path); !errors.Is(rest, os.ErrNotExist) {
				err = errors.Join(err, rest)
			}
		}
	}()
	for _, file := range files {
		temporary, err := stage(dir, file)
		if temporary != "" {
			staged = append(staged, temporary)
		}
		if err != nil {
			return fmt.Errorf("writing %q: %w", filepath.Join(dir, file.name), err)
		}
	}
	for i, file := range files {
		if err := os.Rename(staged[i], filepath.Join(dir, file.name)); err != nil {
			return fmt.Errorf("writing %q: %w", filepath.Join(dir, file.name), err)
		}
	}
	return nil
}

// stage writes a temporary file and returns its path, also with an error where
// the file was made.
func stage(dir string, file content) (path string, err error) {
	temporary, err := os.CreateTemp(dir, "."+file.name+".*")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, temporary.Close()) }()
	// CreateTemp makes files that only their owner can read; a report is for all.
	if err := temporary.Chmod(0o644); err != nil {
		return temporary.Name(), err
	}
	_, err = temporary.Write(file.bytes)
	return temporary.Name(), err
}
