package vulndb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Open returns the database at path: a folder with trivy.db and metadata.json,
// or an archive of both as an artifact has it (db.tar.gz). An archive is
// unpacked into the store into, once as long as it does not change; a folder is
// used where it stands, and must not be written to while it is.
//
// Age and contents are checked as by Pull; the network is not used.
func Open(ctx context.Context, path string, into *os.Root, opts Options) (DB, error) {
	o := opts.defaults()
	db, err := open(ctx, path, into, o)
	if err == nil {
		return db, nil
	}
	err = fmt.Errorf("opening the %s %q: %w", o.Kind, path, err)
	var old *OldError
	if errors.As(err, &old) {
		return DB{}, advise(err)
	}
	return DB{}, err
}

func open(ctx context.Context, path string, into *os.Root, o Options) (DB, error) {
	info, err := os.Stat(path)
	if err != nil {
		return DB{}, errors.Unwrap(err)
	}
	if info.IsDir() {
		return openFolder(ctx, path, o)
	}
	if !info.Mode().IsRegular() {
		return DB{}, errors.New("is neither a folder nor a file")
	}
	return openArchive(ctx, path, into, o)
}

func openFolder(ctx context.Context, path string, o Options) (db DB, err error) {
	dir, err := os.OpenRoot(path)
	if err != nil {
		return DB{}, err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	s := o.Kind.spec()
	m, err := readMetadata(dir, s.schema)
	if err != nil {
		return DB{}, err
	}
	if err := checkAge(m.UpdatedAt, o.Now(), o.MaxAge); err != nil {
		return DB{}, err
	}
	found, err := inspect(ctx, dir, s)
	if err != nil {
		return DB{}, err
	}
	sum, err := hashFile(ctx, dir, s.file)
	if err != nil {
		return DB{}, err
	}
	full, err := filepath.Abs(path)
	if err != nil {
		return DB{}, err
	}
	return DB{
		Dir: full, Ref: path, Digest: "sha256:" + sum, UpdatedAt: m.UpdatedAt.UTC(),
		Fixture: found.Fixture, Ecosystems: found.Ecosystems,
	}, nil
}

func openArchive(ctx context.Context, path string, into *os.Root, o Options) (db DB, err error) {
	dir, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return DB{}, err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	file := filepath.Base(path)
	sum, err := hashFile(ctx, dir, file)
	if err != nil {
		return DB{}, err
	}
	digest := "sha256:" + sum
	s := newStore(into, o, true)
	if r, err := s.load(); err == nil && r.Digest == digest && s.verify(ctx, r) == nil {
		r.Ref = path
		return s.db(r), checkAge(r.UpdatedAt, o.Now(), o.MaxAge)
	}
	archive, err := openRegular(dir, file)
	if err != nil {
		return DB{}, err
	}
	defer func() { err = errors.Join(err, archive.Close()) }()
	i := installer{store: s, limits: defaultLimits(), create: createFile, now: o.Now(), maxAge: o.MaxAge}
	return i.install(ctx, archive, path, digest)
}
