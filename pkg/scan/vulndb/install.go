package vulndb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// installer unpacks, checks and swaps in one archive.
type installer struct {
	store  store
	limits limits
	create func(*os.Root, string) (file, error)
	now    time.Time
	maxAge time.Duration
	// newerThan is the age of the one in use, which an older must not replace.
	newerThan time.Time
}

// install makes the archive the store's database. On an error the store is as
// it was.
func (i installer) install(ctx context.Context, archive io.Reader, ref, digest string) (db DB, err error) {
	name, dir, err := i.store.newFolder()
	if err != nil {
		return DB{}, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, i.store.root.RemoveAll(name))
		}
	}()
	r, err := i.fill(ctx, dir, archive)
	if err = errors.Join(err, dir.Close()); err != nil {
		return DB{}, err
	}
	r.Folder, r.Ref, r.Digest = name, ref, digest
	if err := i.store.commit(r); err != nil {
		return DB{}, err
	}
	return i.store.db(r), nil
}

// fill unpacks the archive into dir, and checks what came out.
func (i installer) fill(ctx context.Context, dir *os.Root, archive io.Reader) (record, error) {
	x := extraction{spec: i.store.spec, limits: i.limits, dir: dir, create: i.create}
	sum, err := x.run(ctx, archive)
	if err != nil {
		return record{}, err
	}
	m, err := readMetadata(dir, i.store.spec.schema)
	if err != nil {
		return record{}, err
	}
	if err := checkAge(m.UpdatedAt, i.now, i.maxAge); err != nil {
		return record{}, err
	}
	if m.UpdatedAt.Before(i.newerThan) {
		return record{}, fmt.Errorf("was made at %s, before the one on disk, %s", stamp(m.UpdatedAt), stamp(i.newerThan))
	}
	found, err := inspect(ctx, dir, i.store.spec)
	if err != nil {
		return record{}, err
	}
	if err := syncDir(dir); err != nil {
		return record{}, fmt.Errorf("flushing: %w", err)
	}
	return record{SHA256: sum, UpdatedAt: m.UpdatedAt.UTC(), contents: found}, nil
}
