package vulndb

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/seal"
)

// DB is a database that was checked, ready to be opened by a scanner.
type DB struct {
	// Dir holds trivy.db (or trivy-java.db) and metadata.json. One of a store is
	// never written again, and stays until it was replaced twice; one that the
	// user named is used where it stands.
	Dir       string
	Ref       string    // the reference that it was pulled from, or its path
	Digest    string    // sha256:… of the artifact's manifest, of the archive, or of trivy.db
	UpdatedAt time.Time // when its publisher made it, UTC
	Fixture   bool      // made by Build
	// Ecosystems are those with advisories, sorted by name; nil of a Java database.
	Ecosystems []Ecosystem
	// Note says, for the report, why this is an older one: no source had a newer.
	// Mostly "".
	Note string
}

// Database is what a report says about the database. Coverage is up to the
// caller, who knows the image's packages.
func (d DB) Database() scan.Database {
	return scan.Database{Ref: d.Ref, Digest: d.Digest, UpdatedAt: d.UpdatedAt, Fixture: d.Fixture}
}

// Advisories is how many there are for an ecosystem: pip, go, debian 12. With 0
// a package of it cannot be looked up, which does not make it safe.
func (d DB) Advisories(ecosystem string) int {
	i := slices.IndexFunc(d.Ecosystems, func(e Ecosystem) bool { return e.Name == ecosystem })
	if i < 0 {
		return 0
	}
	return d.Ecosystems[i].Advisories
}

const (
	recordVersion = 1
	maxRecord     = 4 << 20   // bytes of a record
	abandoned     = time.Hour // age of a folder that no record names and no process fills
)

// record names the database in use, and what was found when it was checked.
type record struct {
	Version   int       `json:"version"`
	Folder    string    `json:"folder"`
	Previous  string    `json:"previous,omitempty"` // kept for those who still read it
	Ref       string    `json:"ref"`
	Digest    string    `json:"digest"`
	SHA256    string    `json:"sha256"` // of the database file
	UpdatedAt time.Time `json:"updatedAt"`
	contents
}

// store is where databases of one kind, from the network or from files, are.
type store struct {
	root *os.Root
	spec spec
	key  seal.Key // of who may write records
	name string   // of the record, and the folders' prefix
}

func newStore(root *os.Root, o Options, local bool) store {
	s := o.Kind.spec()
	name := s.record
	if local {
		name += "-file" // so that it never replaces what was pulled
	}
	return store{root, s, o.Key, name}
}

func (s store) recordFile() string { return s.name + ".json" }

// folderPrefix ends with a dot, since one record's name starts another's.
func (s store) folderPrefix() string { return s.name + "." }

// load reads the record. Without one, the error is fs.ErrNotExist.
func (s store) load() (record, error) {
	sealed, err := readBounded(s.root, s.recordFile(), maxRecord)
	if err != nil {
		return record{}, err
	}
	data, ok := s.key.Unseal(s.recordFile(), sealed)
	if !ok {
		return record{}, fmt.Errorf("reading %q: was changed, or is not ours", s.recordFile())
	}
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		return record{}, fmt.Errorf("reading %q: %w", s.recordFile(), err)
	}
	if r.Version != recordVersion || !s.isFolder(r.Folder) {
		return record{}, fmt.Errorf("reading %q: found version %d and folder %q, expected version %d", s.recordFile(), r.Version, r.Folder, recordVersion)
	}
	return r, nil
}

func (s store) isFolder(name string) bool {
	return strings.HasPrefix(name, s.folderPrefix()) && !strings.ContainsAny(name, `/\`) && filepath.IsLocal(name)
}

// verify hashes the record's database file.
func (s store) verify(ctx context.Context, r record) (err error) {
	dir, err := s.root.OpenRoot(r.Folder)
	if err != nil {
		return fmt.Errorf("opening %q: %w", r.Folder, err)
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	m, err := readMetadata(dir, s.spec.schema)
	if err != nil {
		return err
	}
	if !m.UpdatedAt.Equal(r.UpdatedAt) {
		return fmt.Errorf("checking %s: was changed since it was installed", metadataFile)
	}
	sum, err := hashFile(ctx, dir, s.spec.file)
	if err != nil {
		return err
	}
	if sum != r.SHA256 {
		return fmt.Errorf("checking %s: was changed since it was installed", s.spec.file)
	}
	return nil
}

func hashFile(ctx context.Context, dir *os.Root, name string) (sum string, err error) {
	in, err := openRegular(dir, name)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	h := sha256.New()
	if _, err := io.Copy(h, &bounded{ctx, in, maxUnpacked}); err != nil {
		return "", fmt.Errorf("reading %q: %w", name, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// db is the record as callers see it.
func (s store) db(r record) DB {
	return DB{
		Dir: filepath.Join(s.root.Name(), r.Folder), Ref: r.Ref, Digest: r.Digest,
		UpdatedAt: r.UpdatedAt.UTC(), Fixture: r.Fixture, Ecosystems: r.Ecosystems,
	}
}

// newFolder makes an empty folder. drop removes it, for when it is not used.
func (s store) newFolder() (name string, dir *os.Root, err error) {
	name = s.folderPrefix() + strings.ToLower(rand.Text()[:16])
	if err := s.root.Mkdir(name, 0o755); err != nil {
		return "", nil, full(err)
	}
	dir, err = s.root.OpenRoot(name)
	if err != nil {
		return "", nil, errors.Join(err, s.root.Remove(name))
	}
	return name, dir, nil
}

// commit makes r the database in use, and removes those that nobody can use.
func (s store) commit(r record) error {
	if old, err := s.load(); err == nil {
		r.Previous = old.Folder
	}
	r.Version = recordVersion
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	temp := s.folderPrefix() + strings.ToLower(rand.Text()[:16]) + ".json"
	if err := s.replace(temp, s.key.Seal(s.recordFile(), append(data, '\n'))); err != nil {
		return fmt.Errorf("writing %q: %w", s.recordFile(), full(err))
	}
	s.sweep(r)
	return nil
}

func (s store) replace(temp string, data []byte) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreMissing(s.root.Remove(temp)))
		}
	}()
	out, err := s.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = out.Write(data)
	if err = cmp.Or(err, out.Sync()); err != nil {
		return errors.Join(err, out.Close())
	}
	if err := out.Close(); err != nil {
		return err
	}
	if err := s.root.Rename(temp, s.recordFile()); err != nil {
		return err
	}
	return syncDir(s.root)
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// syncDir makes a folder's entries survive a power failure, where the system
// can do that.
func syncDir(dir *os.Root) error {
	d, err := dir.Open(".")
	if err != nil {
		return err
	}
	_ = d.Sync() // some file systems refuse it for folders
	return d.Close()
}

// sweep removes what earlier processes left. It fails silently: another process
// may be doing the same.
func (s store) sweep(r record) {
	entries, err := fs.ReadDir(s.root.FS(), ".")
	if err != nil {
		return
	}
	for _, e := range entries {
		name := e.Name()
		if !s.isFolder(name) || name == r.Folder || name == r.Previous {
			continue
		}
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > abandoned {
			_ = s.root.RemoveAll(name)
		}
	}
}
