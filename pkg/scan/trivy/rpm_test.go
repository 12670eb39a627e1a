package trivy_test

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// rpmHeader is a package in the form that RPM stores: an index of tags, and
// their values.
func rpmHeader(name string) []byte {
	const text = 6 // type of a value that ends with a zero
	tags := []struct {
		tag   uint32
		value string
	}{
		{1000, name}, {1001, "1.0"}, {1002, "1.el9"}, {1011, "Rocky Enterprise Software Foundation"},
		{1014, "MIT"}, {1022, "x86_64"}, {1044, name + "-1.0-1.el9.src.rpm"},
	}
	var index, data bytes.Buffer
	for _, t := range tags {
		binary.Write(&index, binary.BigEndian, []uint32{t.tag, text, uint32(data.Len()), 1})
		data.WriteString(t.value + "\x00")
	}
	head := binary.BigEndian.AppendUint32(nil, uint32(len(tags)))
	head = binary.BigEndian.AppendUint32(head, uint32(data.Len()))
	return slices.Concat(head, index.Bytes(), data.Bytes())
}

// rpmDatabase is what dnf leaves: SQLite, with a log that is empty.
func rpmDatabase(t *testing.T, packages int) []byte {
	t.Helper()
	name := filepath.Join(t.TempDir(), "rpmdb.sqlite")
	db, err := sql.Open("sqlite", name)
	if err != nil {
		t.Fatal(err)
	}
	run := func(statement string, args ...any) {
		t.Helper()
		if _, err := db.Exec(statement, args...); err != nil {
			t.Fatal(err)
		}
	}
	run("PRAGMA journal_mode=WAL")
	run("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
	run("BEGIN")
	for i := range packages {
		run("INSERT INTO Packages (blob) VALUES (?)", rpmHeader(fmt.Sprintf("package%d", i)))
	}
	run("COMMIT")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestRPMDatabase(t *testing.T) {
	const packages = 500
	good := rpmDatabase(t, packages)
	for title, test := range map[string]struct {
		data []byte
		want []string
	}{
		"sound":                {good, []string{"no-advisories-rocky"}},
		"cut off":              {good[:len(good)/2], []string{"analysis-error", "analysis-error", "no-os-packages"}},
		"a page is damaged":    {slices.Concat(good[:len(good)/2], bytes.Repeat([]byte{0xff}, 4096), good[len(good)/2+4096:]), []string{"analysis-error", "no-advisories-rocky"}},
		"nothing but a header": {good[:4096], []string{"analysis-error", "analysis-error", "no-os-packages"}},
	} {
		t.Run(title, func(t *testing.T) {
			found := scanned(t, options(t), image(layer(t, append(rocky(), file{"var/lib/rpm/rpmdb.sqlite", string(test.data)})...)).target(t))
			if got := incomplete(found); !slices.Equal(got, test.want) {
				t.Errorf("incomplete %q, want %q: %+v", got, test.want, found.Incomplete)
			}
			if c := found.Database.Coverage; title == "sound" && (len(c) != 1 || c[0].Packages != packages) {
				t.Errorf("coverage is %+v, want %d packages", c, packages)
			}
		})
	}
}
