package vulndb

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

type tarEntry struct {
	header tar.Header
	data   string
}

func tarball(t testing.TB, tail string, entries ...tarEntry) []byte {
	t.Helper()
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	w := tar.NewWriter(zip)
	for _, e := range entries {
		h := e.header
		if h.Size == 0 {
			h.Size = int64(len(e.data))
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.data); err != nil {
			t.Fatal(err)
		}
	}
	w.Flush() // its end is in tail, if any
	io.WriteString(zip, tail)
	zip.Close()
	return out.Bytes()
}

func regular(name, data string) tarEntry {
	return tarEntry{tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644}, data}
}

// endOfTar is what closes an archive.
const endOfTar = 1024

func TestExtract(t *testing.T) {
	db, meta := regular("trivy.db", "pages"), regular(metadataFile, "{}")
	end := strings.Repeat("\x00", endOfTar)
	good := tarball(t, end, db, meta)
	small := limits{compressed: 1 << 20, unpacked: 1 << 10, trailing: 2048}
	for _, tc := range []struct {
		name    string
		archive []byte
		limits  limits
		error   string
	}{
		{"good", good, small, ""},
		{"with ./", tarball(t, end, tarEntry{tar.Header{Name: "./", Typeflag: tar.TypeDir, Mode: 0o755}, ""}, regular("./trivy.db", "pages"), regular("./metadata.json", "{}")), small, ""},
		{"leads away", tarball(t, end, regular("../trivy.db", "x")), small, `found member "../trivy.db"`},
		{"absolute", tarball(t, end, regular("/etc/passwd", "x")), small, `found member "/etc/passwd"`},
		{"in a folder", tarball(t, end, regular("db/trivy.db", "x")), small, `found member "db/trivy.db"`},
		{"another", tarball(t, end, db, meta, regular("evil.so", "x")), small, `found member "evil.so", expected trivy.db and metadata.json only`},
		{"symbolic link", tarball(t, end, tarEntry{tar.Header{Name: "trivy.db", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}, ""}), small, "is no regular file"},
		{"hard link", tarball(t, end, tarEntry{tar.Header{Name: "trivy.db", Typeflag: tar.TypeLink, Linkname: "metadata.json"}, ""}), small, "is no regular file"},
		{"device", tarball(t, end, tarEntry{tar.Header{Name: "trivy.db", Typeflag: tar.TypeChar}, ""}), small, "is no regular file"},
		{"folder of that name", tarball(t, end, tarEntry{tar.Header{Name: "trivy.db/", Typeflag: tar.TypeDir}, ""}), small, "found member"},
		{"twice", tarball(t, end, db, db), small, `holds member "trivy.db" twice`},
		{"many folders", tarball(t, end, slices.Repeat([]tarEntry{{tar.Header{Name: "./", Typeflag: tar.TypeDir}, ""}}, 9)...), small, "more than 8 entries"},
		{"large member", tarball(t, end, regular("trivy.db", strings.Repeat("x", 1025))), small, "more than 1024 bytes"},
		{"large together", tarball(t, end, regular("trivy.db", strings.Repeat("x", 1023)), meta), small, "more than 1024 bytes"},
		{"large metadata", tarball(t, end, regular(metadataFile, strings.Repeat(" ", maxMetadata+1))), defaultLimits(), "at most 65536 are allowed"},
		{"claims 5 GiB", tarball(t, "", tarEntry{tar.Header{Name: "trivy.db", Typeflag: tar.TypeReg, Size: 5 << 30}, "x"}), defaultLimits(), "more than 4294967296 bytes"},
		{"bomb behind the end", tarball(t, end+strings.Repeat("\x00", 8<<20), db, meta), small, "more than 2048 bytes follow"},
		{"large as sent", good, limits{20, 1 << 10, 2048}, "is larger than allowed"},
		{"cut inside a member", tarball(t, "", tarEntry{tar.Header{Name: "trivy.db", Typeflag: tar.TypeReg, Size: 100}, "x"}), small, "unexpected EOF"},
		{"checksum", append(good[:len(good)-8:len(good)-8], 0, 0, 0, 0, 0, 0, 0, 0), small, "checksum"},
		{"more behind", append(bytes.Clone(good), "trailing"...), small, "unexpected EOF"},
		{"empty", nil, small, "EOF"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := root(t)
			x := extraction{spec: Advisories.spec(), limits: tc.limits, dir: dir, create: createFile}
			sum, err := x.run(t.Context(), bytes.NewReader(tc.archive))
			if tc.error == "" {
				if err != nil || sum != "bfa062de040f55a15ce910800757061ec3d2fc31d6b7c72d9fa02b75a9ad1133" {
					t.Errorf("sum %q, error %v", sum, err)
				}
				return
			}
			wantError(t, err, tc.error)
			for name, data := range snapshot(t, dir.Name()) {
				if len(data) > 1<<17 {
					t.Errorf("%s has %d bytes", name, len(data))
				}
			}
		})
	}
}

func TestParseMetadata(t *testing.T) {
	for _, tc := range []struct{ data, error string }{
		{`{"Version":2,"UpdatedAt":"2026-11-21T00:00:00Z","NextUpdate":"2026-11-22T00:00:00Z","More":1}`, ""},
		{`{"Version":3,"UpdatedAt":"2026-11-21T00:00:00Z"}`, "found schema 3, expected 2"},
		{`{"Version":2,"UpdatedAt":"yesterday"}`, "parsing time"},
		{`{"Version":2}`, "found no UpdatedAt"},
		{`{"Version":2,"UpdatedAt":"2026-11-21T00:00:00Z"}{}`, "more than one JSON value"},
		{`[]`, "reading metadata.json: "},
		{``, "EOF"},
		{strings.Repeat(" ", maxMetadata+1), "larger than 64 KiB"},
	} {
		_, err := parseMetadata([]byte(tc.data), 2)
		if tc.error == "" {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		wantError(t, err, tc.error)
	}
}

func FuzzMetadata(f *testing.F) {
	f.Add([]byte(`{"Version":2,"UpdatedAt":"2026-11-21T00:00:00Z"}`))
	f.Add([]byte(`{"Version":2,"UpdatedAt":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseMetadata(data, 2)
		if err == nil && (m.Version != 2 || m.UpdatedAt.IsZero()) {
			t.Errorf("accepted %+v", m)
		}
	})
}

// FuzzArchive installs any bytes; what is not refused must be whole.
func FuzzArchive(f *testing.F) {
	good := build(f, time.Hour)
	f.Add(good)
	f.Add(tarball(f, "", regular("trivy.db", "x"), regular(metadataFile, "{}")))
	f.Add(tarball(f, "", regular("../trivy.db", "x")))
	f.Fuzz(func(t *testing.T, data []byte) {
		into := root(t)
		i := installer{
			store: newStore(into, Options{Kind: Advisories}, false), create: createFile, now: now(), maxAge: defaultMaxAge,
			limits: limits{compressed: 1 << 20, unpacked: 1 << 20, trailing: 1 << 16},
		}
		db, err := i.install(t.Context(), bytes.NewReader(data), "ref", "digest")
		if err != nil {
			if left := folders(t, into); len(left) > 0 {
				t.Errorf("it left %q", left)
			}
			return
		}
		if len(db.Ecosystems) == 0 || db.UpdatedAt.IsZero() {
			t.Errorf("accepted %+v", db)
		}
		if entries, err := os.ReadDir(db.Dir); err != nil || len(entries) != 2 {
			t.Errorf("the folder holds %v, %v", entries, err)
		}
	})
}
