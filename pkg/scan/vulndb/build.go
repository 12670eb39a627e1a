package vulndb

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
)

const (
	fixturePage   = 4096 // bytes, whatever the machine's are
	fixtureNext   = 24 * time.Hour
	fixtureNotice = "a few dozen advisories for tests and demonstrations; it says nothing about what it does not list"
)

// Build makes a database of Kind Advisories out of the *.yaml files of dir, as
// of now, and returns it as an artifact's layer: db.tar.gz. It carries a mark
// that makes DB.Fixture true.
//
// The same files and time give the same bytes. A file with an unknown key, an
// impossible value or the same advisory twice is an error that names file and
// line. The work is done in a temporary folder, which is removed.
func Build(dir fs.FS, now time.Time) (archive []byte, err error) {
	sheets, err := readSheets(dir)
	if err != nil {
		return nil, err
	}
	temp, err := os.MkdirTemp("", "vulndb-")
	if err != nil {
		return nil, fmt.Errorf("building database: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	file := filepath.Join(temp, Advisories.spec().file)
	if err := writeBolt(file, entries(sheets)); err != nil {
		return nil, fmt.Errorf("building database: %w", err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("building database: %w", err)
	}
	now = now.UTC().Truncate(time.Second)
	about, err := json.Marshal(metadata{Version: Advisories.spec().schema, UpdatedAt: now, NextUpdate: now.Add(fixtureNext)})
	if err != nil {
		return nil, fmt.Errorf("building database: %w", err)
	}
	return pack([]member{{Advisories.spec().file, data}, {metadataFile, append(about, '\n')}})
}

// entry is one value of the database, below one or two buckets.
type entry struct {
	buckets []string
	key     string
	value   any
}

// dbAdvisory is an advisory as trivy-db stores it.
type dbAdvisory struct {
	VendorIDs          []string `json:",omitempty"`
	FixedVersion       string   `json:",omitempty"`
	VulnerableVersions []string `json:",omitempty"`
	PatchedVersions    []string `json:",omitempty"`
	Status             int      `json:",omitempty"`
}

// dbVulnerability is what trivy-db stores once for each identifier.
type dbVulnerability struct {
	Title          string
	Severity       string         // the highest of VendorSeverity, in capitals
	CweIDs         []string       `json:",omitempty"`
	VendorSeverity map[string]int // by publisher: 0 unknown to 4 critical
	References     []string
	PublishedDate  *time.Time `json:",omitempty"`
}

// entries are all values of the database, in the order of writing.
func entries(sheets []sheet) []entry {
	all := []entry{{[]string{bucketFixture}, "notice", fixtureNotice}}
	details := make(map[string]*dbVulnerability)
	for _, s := range sheets {
		all = append(all, entry{[]string{bucketSources}, s.bucket(), s.Source})
		for _, a := range s.Advisories {
			all = append(all, entry{[]string{s.bucket(), a.Package}, a.ID, dbAdvisory{
				VendorIDs: a.Vendor, FixedVersion: a.Fixed, VulnerableVersions: a.Vulnerable,
				PatchedVersions: a.Patched, Status: max(0, slices.Index(statuses(), a.Status)),
			}})
			a.describe(details, s.SeverityBy)
		}
	}
	for id, d := range details {
		all = append(all, entry{[]string{bucketDetails}, id, d})
	}
	slices.SortFunc(all, func(a, b entry) int {
		if c := slices.Compare(a.buckets, b.buckets); c != 0 {
			return c
		}
		return strings.Compare(a.key, b.key)
	})
	return all
}

// describe adds what the advisory says about its vulnerability to what others
// said: the first title stays.
func (a advisory) describe(details map[string]*dbVulnerability, by string) {
	d := details[a.ID]
	if d == nil {
		d = &dbVulnerability{Title: a.Title, VendorSeverity: make(map[string]int)}
		details[a.ID] = d
	}
	d.VendorSeverity[by] = max(d.VendorSeverity[by], int(a.level))
	if highest := slices.Max(slices.Collect(maps.Values(d.VendorSeverity))); highest == int(a.level) {
		d.Severity = strings.ToUpper(a.level.String())
	}
	for _, cwe := range a.Weakness {
		if !slices.Contains(d.CweIDs, cwe) {
			d.CweIDs = append(d.CweIDs, cwe)
		}
	}
	if !slices.Contains(d.References, a.Link) {
		d.References = append(d.References, a.Link)
	}
	if d.PublishedDate == nil && !a.published.IsZero() {
		d.PublishedDate = &a.published
	}
}

// writeBolt writes the entries. bbolt places the buckets that one transaction
// touched in random order, so each innermost bucket has its own.
func writeBolt(file string, all []entry) (err error) {
	db, err := bolt.Open(file, 0o600, &bolt.Options{PageSize: fixturePage, NoSync: true, FreelistType: bolt.FreelistArrayType})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for len(all) > 0 {
		n := slices.IndexFunc(all, func(e entry) bool { return !slices.Equal(e.buckets, all[0].buckets) })
		if n < 0 {
			n = len(all)
		}
		if err := db.Update(func(tx *bolt.Tx) error { return writeBucket(tx, all[:n]) }); err != nil {
			return err
		}
		all = all[n:]
	}
	return db.Sync()
}

// writeBucket writes entries of the same buckets.
func writeBucket(tx *bolt.Tx, same []entry) error {
	b, err := tx.CreateBucketIfNotExists([]byte(same[0].buckets[0]))
	if err != nil {
		return err
	}
	for _, name := range same[0].buckets[1:] {
		if b, err = b.CreateBucketIfNotExists([]byte(name)); err != nil {
			return err
		}
	}
	for _, e := range same {
		value, err := json.Marshal(e.value)
		if err != nil {
			return err
		}
		if err := b.Put([]byte(e.key), value); err != nil {
			return err
		}
	}
	return nil
}

type member struct {
	name string
	data []byte
}

// pack writes a compressed archive that says nothing about the machine.
func pack(members []member) ([]byte, error) {
	var out bytes.Buffer
	zip, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	writer := tar.NewWriter(zip)
	for _, m := range members {
		header := tar.Header{Name: m.name, Size: int64(len(m.data)), Mode: 0o644, Typeflag: tar.TypeReg}
		if err := writer.WriteHeader(&header); err != nil {
			return nil, err
		}
		if _, err := writer.Write(m.data); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(writer.Close(), zip.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
