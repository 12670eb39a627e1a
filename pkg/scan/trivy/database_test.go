package trivy_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	dbtypes "github.com/aquasecurity/trivy-db/pkg/types"
	bolt "go.etcd.io/bbolt"

	"github.com/org/ai-ship/pkg/scan/trivy"
)

const metadata = `{"Version":2,"NextUpdate":"2026-08-02T00:00:00Z","UpdatedAt":"2026-08-01T00:00:00Z"}`

// advisories are made up, and by source and package.
func advisories() map[string]map[string]map[string]any {
	const pip = "pip::Test Advisories"
	return map[string]map[string]map[string]any{
		pip: {
			"pillow":   {"CVE-2026-0001": dbtypes.Advisory{VulnerableVersions: []string{"<9.0.1"}, PatchedVersions: []string{"9.0.1"}}},
			"requests": {"CVE-2026-0002": dbtypes.Advisory{VulnerableVersions: []string{"<2.20.0"}}},
			"odd":      {"CVE-2026-0003": dbtypes.Advisory{VulnerableVersions: []string{"=2.0.0-final", "<1.3.2"}}},
		},
		"debian 12": {
			"openssl": {"CVE-2026-0004": &dbtypes.Advisory{FixedVersion: "3.0.15-1~deb12u1"}},
			"glibc":   {"CVE-2026-0005": &dbtypes.Advisory{Status: dbtypes.StatusWillNotFix, Severity: dbtypes.SeverityLow}},
		},
		"data-source": {},
		"vulnerability": {
			"": {
				"CVE-2026-0001": dbtypes.Vulnerability{Title: "pillow reads beyond a buffer\nand more", Description: "Long.", References: []string{"https://example.com/1", "see elsewhere"}, VendorSeverity: dbtypes.VendorSeverity{"nvd": dbtypes.SeverityCritical}},
				"CVE-2026-0004": dbtypes.Vulnerability{Title: "openssl misreads", VendorSeverity: dbtypes.VendorSeverity{"nvd": dbtypes.SeverityHigh}},
			},
		},
	}
}

// database writes a small database and returns its folder.
func database(t *testing.T) string {
	t.Helper()
	return databaseWith(t, advisories())
}

func databaseWith(t *testing.T, content map[string]map[string]map[string]any) string {
	t.Helper()
	dir := t.TempDir()
	db, err := bolt.Open(filepath.Join(dir, "trivy.db"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for source, packages := range content {
			root, err := tx.CreateBucketIfNotExists([]byte(source))
			if err != nil {
				return err
			}
			for name, entries := range packages {
				b := root
				if name != "" {
					if b, err = root.CreateBucketIfNotExists([]byte(name)); err != nil {
						return err
					}
				}
				for id, entry := range entries {
					data, err := json.Marshal(entry)
					if err != nil {
						return err
					}
					if err := b.Put([]byte(id), data); err != nil {
						return err
					}
				}
			}
		}
		data, err := json.Marshal(dbtypes.DataSource{ID: "osv", Name: "Test Advisories", URL: "https://example.com"})
		if err != nil {
			return err
		}
		return tx.Bucket([]byte("data-source")).Put([]byte("pip::Test Advisories"), data)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "metadata.json"), metadata)
	return dir
}

func write(t *testing.T, name, data string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestUnusableDatabaseIsAnError(t *testing.T) {
	tests := map[string]struct {
		break_ func(t *testing.T, dir string)
		want   string
	}{
		"no folder": {func(t *testing.T, dir string) {
			remove(t, filepath.Join(dir, "trivy.db"))
			remove(t, filepath.Join(dir, "metadata.json"))
			remove(t, dir)
		}, "metadata.json: no such file"},
		"no file":          {func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "trivy.db")) }, "trivy.db: no such file"},
		"no metadata":      {func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "metadata.json")) }, "metadata.json: no such file"},
		"damaged metadata": {func(t *testing.T, dir string) { write(t, filepath.Join(dir, "metadata.json"), "{") }, "metadata.json\": "},
		"old schema":       {func(t *testing.T, dir string) { write(t, filepath.Join(dir, "metadata.json"), `{"Version":1}`) }, "found schema 1, expected 2"},
		"empty":            {func(t *testing.T, dir string) { write(t, filepath.Join(dir, "trivy.db"), "") }, "it is empty"},
		"garbage": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "trivy.db"), strings.Repeat("garbage ", 4096))
		}, "invalid database"},
		"truncated": {func(t *testing.T, dir string) {
			damage(t, dir, func(d []byte) []byte { return d[:3*os.Getpagesize()] })
		}, "reading the vulnerability database"},
		"damaged pages": {func(t *testing.T, dir string) {
			damage(t, dir, func(d []byte) []byte {
				for i := 2 * os.Getpagesize(); i < len(d); i++ {
					d[i] = 0xff
				}
				return d
			})
		}, "reading the vulnerability database"},
		"another kind": {func(t *testing.T, dir string) {
			remove(t, filepath.Join(dir, "trivy.db"))
			db, err := bolt.Open(filepath.Join(dir, "trivy.db"), 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		}, `found no bucket "vulnerability"`},
	}
	target := image(layer(t, debian()...), layer(t, dist("pillow", "9.0.0"))).target(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			o := options(t)
			test.break_(t, o.DatabaseDir)
			before, _ := os.ReadFile(filepath.Join(o.DatabaseDir, "trivy.db")) // nil of none
			found, err := trivy.New(o).Scan(t.Context(), target)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want one with %q", err, test.want)
			}
			if found.Ran {
				t.Error("the findings say that it was scanned")
			}
			// Trivy removes a database that it panics of.
			if after, _ := os.ReadFile(filepath.Join(o.DatabaseDir, "trivy.db")); !bytes.Equal(before, after) {
				t.Errorf("the database had %d bytes and has %d", len(before), len(after))
			}
		})
	}
}

func remove(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
}

func damage(t *testing.T, dir string, change func([]byte) []byte) {
	t.Helper()
	name := filepath.Join(dir, "trivy.db")
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	write(t, name, string(change(data)))
}

// A writer holds the lock. Trivy alone would wait for ever.
func TestDatabaseBeingWrittenIsAnError(t *testing.T) {
	o := options(t)
	db, err := bolt.Open(filepath.Join(o.DatabaseDir, "trivy.db"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	_, err = engineScan(t, o, image(layer(t, debian()...)).target(t))
	if err == nil {
		t.Fatal("no error")
	}
	contains(t, err.Error(), "timeout")
}

// A database that is cut while it is read ends a process that does not expect
// it, with a signal.
func TestDatabaseCutWhileItIsReadIsAnError(t *testing.T) {
	o := options(t)
	content := advisories()
	many := make(map[string]map[string]any)
	for i := range 20000 {
		many["package-"+strconv.Itoa(i)] = map[string]any{"CVE-2026-0009": dbtypes.Advisory{VulnerableVersions: []string{"<1"}}}
	}
	content["pip::Many"] = many
	o.DatabaseDir = databaseWith(t, content)
	l := layer(t, dist("pillow", "9.0.0"))
	whole := l.open
	l.open = func() (io.ReadCloser, error) { // the database is open by now
		if err := os.Truncate(filepath.Join(o.DatabaseDir, "trivy.db"), 0); err != nil {
			t.Error(err)
		}
		return whole()
	}
	found, err := engineScan(t, o, image(nil, l).target(t))
	if err == nil || found.Ran {
		t.Fatal("no error, or a result")
	}
	contains(t, err.Error(), "trivy panicked")
	// Closing it would wait for ever; the next scan must not.
	scanned(t, options(t), image(nil, layer(t, dist("pillow", "9.0.0"))).target(t))
}
