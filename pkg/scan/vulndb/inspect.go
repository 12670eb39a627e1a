package vulndb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterr "go.etcd.io/bbolt/errors"
)

// Buckets of trivy-db's schema 2 that hold no advisories, and the one that marks
// a fixture.
const (
	bucketDetails  = "vulnerability"    // id → severity, title, references
	bucketSources  = "data-source"      // bucket → who publishes it
	bucketIDs      = "vulnerability-id" // left by builds that were not cleaned
	bucketDraft    = "advisory-detail"  // the same
	bucketCPE      = "Red Hat CPE"
	bucketFixture  = "ai-ship-fixture"
	ecosystemSplit = "::" // "pip::GitHub Security Advisory Pip"
	lockTime       = 5 * time.Second
	maxBucketDepth = 8
	maxBuckets     = 10_000 // at the top; the public database has about 300
)

// Ecosystem is how many advisories a database has for one.
type Ecosystem struct {
	Name       string `json:"name"` // as trivy names it: pip, go, debian 12, Red Hat
	Advisories int    `json:"advisories"`
}

// contents is what is in a database file.
type contents struct {
	Fixture    bool        `json:"fixture"`
	Ecosystems []Ecosystem `json:"ecosystems"` // sorted by name; nil of a Java database
}

// inspect opens the folder's database file for reading, and looks at all of it.
func inspect(ctx context.Context, dir *os.Root, s spec) (found contents, err error) {
	file, err := openRegular(dir, s.file)
	if err != nil {
		return contents{}, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if s.file != Advisories.spec().file {
		if err := checkSQLite(ctx, dir, file, s.file); err != nil {
			return contents{}, fmt.Errorf("checking %s: %w", s.file, err)
		}
		return contents{}, nil
	}
	info, err := file.Stat()
	if err != nil {
		return contents{}, err
	}
	if err := checkPages(ctx, file, info.Size()); err != nil {
		return contents{}, fmt.Errorf("checking %s: %w", s.file, err)
	}
	if found, err = survey(ctx, dir, s.file); err != nil {
		return contents{}, fmt.Errorf("checking %s: %w", s.file, err)
	}
	return found, nil
}

// survey counts what is in a bbolt file whose pages are sound.
func survey(ctx context.Context, dir *os.Root, name string) (found contents, err error) {
	// The file is mapped. Should another process cut it now, that is a fault,
	// which this turns into a panic of this goroutine.
	before := debug.SetPanicOnFault(true)
	defer debug.SetPanicOnFault(before)
	defer func() {
		if r := recover(); r != nil {
			found, err = contents{}, fmt.Errorf("is damaged: %v", r)
		}
	}()
	db, err := bolt.Open(name, 0o400, &bolt.Options{
		ReadOnly: true, Timeout: lockTime,
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) { return dir.OpenFile(name, flag, mode) },
	})
	if errors.Is(err, bolterr.ErrTimeout) {
		return contents{}, errors.New("another process is writing to it")
	}
	if err != nil {
		return contents{}, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	err = db.View(func(tx *bolt.Tx) error {
		found, err = census(ctx, tx)
		return err
	})
	return found, err
}

// census counts the advisories of each ecosystem, and asks for the buckets that
// trivy needs.
func census(ctx context.Context, tx *bolt.Tx) (contents, error) {
	counts := make(map[string]int)
	var found contents
	buckets := 0
	err := tx.ForEach(func(name []byte, b *bolt.Bucket) error {
		if buckets++; buckets > maxBuckets {
			return fmt.Errorf("has more than %d buckets", maxBuckets)
		}
		if b == nil { // to trivy it would be an ecosystem without advisories
			return fmt.Errorf("has a value %q outside of any bucket", name)
		}
		switch string(name) {
		case bucketFixture:
			found.Fixture = true
			return nil
		case bucketDetails, bucketSources, bucketIDs, bucketDraft, bucketCPE:
			return nil
		}
		n, err := leaves(ctx, b, 0)
		ecosystem, _, _ := strings.Cut(string(name), ecosystemSplit)
		counts[ecosystem] += n
		return err
	})
	if err != nil {
		return contents{}, err
	}
	for name, n := range counts {
		found.Ecosystems = append(found.Ecosystems, Ecosystem{name, n})
	}
	slices.SortFunc(found.Ecosystems, func(a, b Ecosystem) int { return strings.Compare(a.Name, b.Name) })
	if len(found.Ecosystems) == 0 {
		return contents{}, errors.New("has no bucket with advisories")
	}
	for _, name := range []string{bucketDetails, bucketSources} {
		if b := tx.Bucket([]byte(name)); b == nil {
			return contents{}, fmt.Errorf("has no bucket %q", name)
		} else if key, _ := b.Cursor().First(); key == nil {
			return contents{}, fmt.Errorf("has nothing in its bucket %q", name)
		}
	}
	return found, nil
}

// leaves counts the values in a bucket and the buckets inside it: a package's
// advisories are in a bucket of its name.
func leaves(ctx context.Context, b *bolt.Bucket, depth int) (n int, err error) {
	if depth > maxBucketDepth {
		return 0, fmt.Errorf("has buckets inside more than %d others", maxBucketDepth)
	}
	if err := context.Cause(ctx); err != nil {
		return 0, err
	}
	err = b.ForEach(func(key, value []byte) error {
		if value != nil {
			n++
			return nil
		}
		below, err := leaves(ctx, b.Bucket(key), depth+1)
		n += below
		return err
	})
	return n, err
}
