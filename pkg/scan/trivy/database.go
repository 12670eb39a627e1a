package trivy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	tdb "github.com/aquasecurity/trivy-db/pkg/db"
	"github.com/aquasecurity/trivy-db/pkg/metadata"
	"github.com/aquasecurity/trivy/pkg/db"
	bolt "go.etcd.io/bbolt"

	"github.com/org/ai-ship/pkg/hint"
)

const (
	maxMetadata = 1 << 20         // bytes of metadata.json
	lockTimeout = 5 * time.Second // for a writer of the database to end
)

// database is the open vulnerability database; nil is none.
type database struct {
	bolt     *bolt.DB
	metadata metadata.Metadata
}

// openDatabase opens the database twice: for this package, which takes the
// lock within a bound and looks at it first, and for trivy, which would wait
// for ever, and delete a file that it cannot read.
func openDatabase(dir string) (*database, error) {
	if dir == "" {
		return nil, nil //nolint:nilnil // no database is one of two modes
	}
	d := &database{}
	err := guarded("opening the vulnerability database", func() error {
		if err := d.readMetadata(filepath.Join(dir, "metadata.json")); err != nil {
			return err
		}
		name := tdb.Path(dir)
		if info, err := os.Stat(name); err != nil {
			return err
		} else if info.Size() == 0 {
			return fmt.Errorf("opening %q: it is empty", name)
		}
		var err error
		d.bolt, err = bolt.Open(name, 0o600, &bolt.Options{ReadOnly: true, Timeout: lockTimeout})
		if err != nil {
			return fmt.Errorf("opening %q: %w", name, err)
		}
		return d.bolt.View(func(tx *bolt.Tx) error {
			if tx.Bucket([]byte("vulnerability")) == nil {
				return fmt.Errorf("reading %q: found no bucket \"vulnerability\", expected trivy's schema %d", name, tdb.SchemaVersion)
			}
			return nil
		})
	})
	if err == nil {
		err = guarded("opening the vulnerability database", func() error { return db.Init(dir) })
	}
	if err != nil {
		d.close(err)
		return nil, hint.Wrap(fmt.Errorf("reading the vulnerability database: %w", err), "pull the database again, or name another one with scan.db")
	}
	return d, nil
}

func (d *database) readMetadata(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxMetadata))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &d.metadata); err != nil {
		return fmt.Errorf("reading %q: %w", name, err)
	}
	if d.metadata.Version != tdb.SchemaVersion {
		return fmt.Errorf("reading %q: found schema %d, expected %d", name, d.metadata.Version, tdb.SchemaVersion)
	}
	return nil
}

// close ends the scan's use of the database. After a panic it stays open: the
// panic may have come while bbolt held its locks, and closing would wait for
// them for ever.
func (d *database) close(after error) {
	if d == nil || d.bolt == nil || errors.Is(after, errPanic) {
		return
	}
	// Reading left nothing to write, so closing has nothing to report.
	_ = errors.Join(db.Close(), d.bolt.Close())
}
