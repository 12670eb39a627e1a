package vulndb

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

const (
	metadataFile = "metadata.json"
	maxMetadata  = 64 << 10 // bytes of metadata.json; the real ones have 150
)

// metadata is the file beside a database, as trivy-db's package metadata
// writes it. Fields that are not listed are allowed, as publishers add some.
type metadata struct {
	Version      int       `json:"Version"`
	NextUpdate   time.Time `json:"NextUpdate"`
	UpdatedAt    time.Time `json:"UpdatedAt"`
	DownloadedAt time.Time `json:"DownloadedAt"`
}

// parseMetadata reads metadata.json of a database with the given schema.
func parseMetadata(data []byte, schema int) (metadata, error) {
	var m metadata
	if len(data) > maxMetadata {
		return m, fmt.Errorf("reading %s: is larger than %d KiB", metadataFile, maxMetadata>>10)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&m); err != nil {
		return metadata{}, fmt.Errorf("reading %s: %w", metadataFile, err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return metadata{}, fmt.Errorf("reading %s: holds more than one JSON value", metadataFile)
	}
	switch {
	case m.Version != schema:
		return metadata{}, fmt.Errorf("reading %s: found schema %d, expected %d", metadataFile, m.Version, schema)
	case m.UpdatedAt.IsZero():
		return metadata{}, fmt.Errorf("reading %s: found no UpdatedAt, so its age is not known", metadataFile)
	}
	return m, nil
}

func readMetadata(dir *os.Root, schema int) (metadata, error) {
	data, err := readBounded(dir, metadataFile, maxMetadata)
	if err != nil {
		return metadata{}, err
	}
	return parseMetadata(data, schema)
}

// readBounded reads a regular file of at most limit bytes.
func readBounded(dir *os.Root, name string, limit int64) (data []byte, err error) {
	file, err := openRegular(dir, name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	data, err = io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", name, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("reading %q: is larger than %d KiB", name, limit>>10)
	}
	return data, nil
}

// openRegular opens a file for reading, and no device or pipe. The caller
// closes it.
func openRegular(dir *os.Root, name string) (*os.File, error) {
	info, err := dir.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("opening %q: %w", name, errors.Unwrap(err))
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("opening %q: is no regular file", name)
	}
	return dir.Open(name)
}
