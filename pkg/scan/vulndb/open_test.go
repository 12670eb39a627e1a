package vulndb

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// unpack writes an archive's members into a folder of their own.
func unpack(t testing.TB, archive []byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range members(t, archive) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func sha(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func TestOpenFolder(t *testing.T) {
	archive := build(t, time.Hour)
	dir, into := unpack(t, archive), root(t)
	got, err := Open(t.Context(), dir, into, options())
	if err != nil {
		t.Fatal(err)
	}
	want := DB{
		Dir: dir, Ref: dir, Digest: sha(members(t, archive)["trivy.db"]), UpdatedAt: now().Add(-time.Hour),
		Fixture: true, Ecosystems: []Ecosystem{{"pip", 1}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("database (-want +got):\n%s", diff)
	}
	if files := snapshot(t, into.Name()); len(files) > 0 {
		t.Errorf("the store holds %v", files)
	}
}

func TestOpenArchive(t *testing.T) {
	archive := build(t, time.Hour)
	path, into := filepath.Join(t.TempDir(), "db.tar.gz"), root(t)
	write := func(data []byte) {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(archive)
	first, err := Open(t.Context(), path, into, options())
	if err != nil {
		t.Fatal(err)
	}
	if first.Digest != sha(archive) || first.Ref != path || filepath.Dir(first.Dir) != into.Name() || !first.Fixture {
		t.Errorf("database is %+v", first)
	}
	again, err := Open(t.Context(), path, into, options())
	if diff := cmp.Diff(first, again); err != nil || diff != "" {
		t.Errorf("error %v, -first +second:\n%s", err, diff)
	}
	o := options()
	o.MaxAge = time.Minute
	_, err = Open(t.Context(), path, into, o)
	wantError(t, err, "1h0m0s ago, at most 1m0s is allowed")

	write(build(t, 2*time.Hour))
	other, err := Open(t.Context(), path, into, options())
	if err != nil || other.Dir == first.Dir || !other.UpdatedAt.Equal(now().Add(-2*time.Hour)) {
		t.Errorf("Open = %+v, %v", other, err)
	}
	write(archive[:100])
	before := snapshot(t, into.Name())
	_, err = Open(t.Context(), path, into, options())
	wantError(t, err, "reading archive")
	if diff := cmp.Diff(before, snapshot(t, into.Name())); diff != "" {
		t.Errorf("the store changed:\n%s", diff)
	}
}

func TestOpenRefuses(t *testing.T) {
	good := build(t, time.Hour)
	without := func(name string) string {
		dir := unpack(t, good)
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	with := func(name string, data []byte) string {
		dir := without(name)
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	folder := without("trivy.db")
	if err := os.Mkdir(filepath.Join(folder, "trivy.db"), 0o755); err != nil {
		t.Fatal(err)
	}
	db := members(t, good)["trivy.db"]
	dated := func(updated, next string) []byte {
		return []byte(`{"Version":2,"UpdatedAt":"` + updated + `","NextUpdate":"` + next + `","DownloadedAt":"` + now().Format(time.RFC3339) + `"}`)
	}
	for _, tc := range []struct{ name, path, error string }{
		{"missing", filepath.Join(t.TempDir(), "none"), "no such file"},
		{"no metadata", without(metadataFile), `opening "metadata.json": no such file`},
		{"no database", without("trivy.db"), `opening "trivy.db": no such file`},
		{"a folder as the file", folder, `opening "trivy.db": is no regular file`},
		{"old", unpack(t, build(t, 100*time.Hour)), "100h ago, at most 48h is allowed"},
		{"old, and due for years", with(metadataFile, dated("2024-11-20T00:00:00Z", "2024-11-21T00:00:00Z")), "17556h ago"},
		{"old, and the newest for years", with(metadataFile, dated("2024-11-20T00:00:00Z", "2099-01-01T00:00:00Z")), "17556h ago"},
		{"schema 1", with(metadataFile, about(t, 1, now())), "found schema 1, expected 2"},
		{"schema", with(metadataFile, about(t, 3, now())), "found schema 3, expected 2"},
		{"large metadata", with(metadataFile, []byte(strings.Repeat(" ", maxMetadata+1))), "is larger than 64 KiB"},
		{"no bytes", with("trivy.db", nil), "is too short for a database"},
		{"cut off", with("trivy.db", db[:3*fixturePage]), "is cut off"},
		{"device", os.DevNull, "is neither a folder nor a file"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			into := root(t)
			_, err := Open(t.Context(), tc.path, into, options())
			wantError(t, err, tc.error)
			wantError(t, err, "opening the vulnerability database ")
			if tc.name == "old" {
				wantHint(t, err, "scan.max-age")
			}
			if files := snapshot(t, into.Name()); len(files) > 0 {
				t.Errorf("the store holds %v", files)
			}
		})
	}
}

// artifacts is a Java database with one artifact, changed by more statements.
func artifacts(t testing.TB, more ...string) []byte {
	t.Helper()
	name := filepath.Join(t.TempDir(), "trivy-java.db")
	db, err := sql.Open("sqlite", name)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range append([]string{
		"CREATE TABLE artifacts(id INTEGER PRIMARY KEY, group_id TEXT, artifact_id TEXT)",
		"CREATE TABLE indices(artifact_id INTEGER, version TEXT, sha1 BLOB, archive_type TEXT, foreign key (artifact_id) references artifacts(id))",
		"CREATE UNIQUE INDEX indices_sha1_idx ON indices(sha1)",
		"INSERT INTO artifacts VALUES (1, 'org.apache.logging.log4j', 'log4j-core')",
		"INSERT INTO indices VALUES (1, '2.14.1', x'9141212b8507ab50a45525b545b39d224614528b', 'jar')",
	}, more...) {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// flipped is data with some bytes changed, from at on.
func flipped(data []byte, at, n int) []byte {
	out := append([]byte(nil), data...)
	for i := at; i < at+n; i++ {
		out[i] ^= 0x55
	}
	return out
}

func javaArchive(t testing.TB, db []byte, version int, age time.Duration) []byte {
	t.Helper()
	out, err := pack([]member{{"trivy-java.db", db}, {metadataFile, about(t, version, now().Add(-age))}})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestJava(t *testing.T) {
	s, into := serve(t), root(t)
	o := options()
	o.Kind = Java
	publish := func(tag string, archive []byte) {
		if _, err := Publish(t.Context(), s.ref(t, tag), archive, o); err != nil {
			t.Fatal(err)
		}
	}
	good := artifacts(t)
	publish("1", javaArchive(t, good, 1, 100*time.Hour))
	got, err := Pull(t.Context(), refs(s.ref(t, "1")), into, o)
	if err != nil || got.Fixture || got.Ecosystems != nil {
		t.Fatalf("Pull = %+v, %v", got, err)
	}
	if _, err := os.Stat(filepath.Join(got.Dir, "trivy-java.db")); err != nil {
		t.Error(err)
	}
	if opened, err := Open(t.Context(), got.Dir, into, o); err != nil || opened.Dir != got.Dir {
		t.Errorf("Open = %+v, %v", opened, err)
	}
	for tag, tc := range map[string]struct {
		archive []byte
		error   string
	}{
		"schema":     {javaArchive(t, good, 2, 100*time.Hour), "found schema 2, expected 1"},
		"garbage":    {javaArchive(t, make([]byte, 1000), 1, 100*time.Hour), "is no SQLite database"},
		"short":      {javaArchive(t, []byte(sqliteHeader), 1, 100*time.Hour), "is no SQLite database"},
		"header":     {javaArchive(t, good[:sqliteHead], 1, 100*time.Hour), "is damaged"},
		"nothing":    {javaArchive(t, append(good[:sqliteHead:sqliteHead], make([]byte, len(good))...), 1, 100*time.Hour), "is damaged"},
		"cut-off":    {javaArchive(t, good[:len(good)/2], 1, 100*time.Hour), "is damaged"},
		"pages":      {javaArchive(t, flipped(good, 4096, 64), 1, 100*time.Hour), "is damaged"},
		"last-page":  {javaArchive(t, flipped(good, len(good)-4096, 64), 1, 100*time.Hour), "is damaged"},
		"log-beside": {javaArchive(t, artifacts(t, "PRAGMA journal_mode=WAL"), 1, 100*time.Hour), "has the formats [2 2], expected 1 and 1"},
		"no-rows":    {javaArchive(t, artifacts(t, "DELETE FROM indices"), 1, 100*time.Hour), "holds no artifacts"},
		"no-names":   {javaArchive(t, artifacts(t, "UPDATE artifacts SET artifact_id = ''"), 1, 100*time.Hour), "holds no artifacts"},
		"no-table":   {javaArchive(t, artifacts(t, "DROP TABLE indices"), 1, 100*time.Hour), "holds no artifacts where they are looked for"},
		"old":        {javaArchive(t, good, 1, 15*24*time.Hour), "360h ago, at most 336h is allowed"},
	} {
		publish(tag, tc.archive)
		_, err := Pull(t.Context(), refs(s.ref(t, tag)), root(t), o)
		wantError(t, err, "pulling the Java database: ")
		wantError(t, err, tc.error)
	}
	_, err = Pull(t.Context(), refs(s.ref(t, "1")), root(t), options())
	wantError(t, err, "is no vulnerability database: its layer is of media type")
}
