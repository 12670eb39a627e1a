package trivy_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha1"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	javadb "github.com/aquasecurity/trivy-java-db/pkg/db"
	javatypes "github.com/aquasecurity/trivy-java-db/pkg/types"
	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/scan/trivy"
	"github.com/org/ai-ship/pkg/scan/vulndb"
)

// archiveOf is a Java archive; files are names and contents.
func archiveOf(t *testing.T, files ...file) string {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range files {
		part, err := w.Create(f.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte(f.data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// log4shell says who it is, as Maven writes it; stripped does not.
func log4shell(t *testing.T) string {
	t.Helper()
	return archiveOf(t,
		file{"META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n"},
		file{"META-INF/maven/org.apache.logging.log4j/log4j-core/pom.properties", "version=2.14.1\ngroupId=org.apache.logging.log4j\nartifactId=log4j-core\n"})
}

func stripped(t *testing.T) string {
	t.Helper()
	return archiveOf(t, file{"META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n"}, file{"org/apache/logging/log4j/core/Core.class", "\xca\xfe\xba\xbe"})
}

// maven writes a Java database with the module that trivy's publisher uses, in
// which stripped is log4j-core 2.14.1.
func maven(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	db, err := javadb.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Init(); err != nil {
		t.Fatal(err)
	}
	sum := sha1.Sum([]byte(stripped(t)))
	indexes := []javatypes.Index{{GroupID: "org.apache.logging.log4j", ArtifactID: "log4j-core", Version: "2.14.1", SHA1: sum[:], ArchiveType: javatypes.JarType}}
	for i := range 2000 { // of several pages
		other := sha1.Sum([]byte{byte(i), byte(i >> 8)})
		indexes = append(indexes, javatypes.Index{GroupID: "org.example", ArtifactID: "other", Version: "1", SHA1: other[:], ArchiveType: javatypes.JarType})
	}
	for part := range slices.Chunk(indexes, 500) {
		if err := db.InsertIndexes(part); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func bring(dir string) func(context.Context) (trivy.Java, error) {
	return func(context.Context) (trivy.Java, error) { return trivy.Java{Dir: dir, Digest: "sha256:" + dir}, nil }
}

// advised are options with the fixture's advisories.
func advised(t *testing.T) trivy.Options {
	t.Helper()
	archive, err := vulndb.Build(os.DirFS("../../../testdata/vulndb"), now())
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "db.tar.gz")
	write(t, name, string(archive))
	into, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer into.Close()
	db, err := vulndb.Open(t.Context(), name, into, vulndb.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return trivy.Options{DatabaseDir: db.Dir, Now: now, Secrets: true}
}

func TestJavaArchives(t *testing.T) {
	log4j := []string{"CVE-2021-44228", "CVE-2021-45046", "CVE-2021-45105", "CVE-2021-44832"}
	broken := func(change func(*testing.T, string)) func(*testing.T) func(context.Context) (trivy.Java, error) {
		return func(t *testing.T) func(context.Context) (trivy.Java, error) {
			dir := maven(t)
			change(t, dir)
			return bring(dir)
		}
	}
	none := func(*testing.T) func(context.Context) (trivy.Java, error) { return nil }
	good := broken(func(*testing.T, string) {})
	without := []string{"jar-without-database"}
	tests := map[string]struct {
		java    func(*testing.T) func(context.Context) (trivy.Java, error)
		name    string
		content string
		want    []string // vulnerabilities
		missing []string
	}{
		"says who it is":             {good, "log4j-core-2.14.1.jar", log4shell(t), log4j, nil},
		"says so under another name": {good, "app.WAR", log4shell(t), log4j, nil},
		"known by its digest":        {good, "renamed.jar", stripped(t), log4j, nil},
		"inside of another":          {good, "app.jar", archiveOf(t, file{"BOOT-INF/lib/renamed.jar", stripped(t)}), log4j, nil},
		"known to nobody":            {good, "mine.jar", archiveOf(t, file{"a", "b"}), nil, nil},
		"says it without a database": {none, "log4j-core-2.14.1.jar", log4shell(t), log4j, without},
		"says it under another name": {none, "app.jar", log4shell(t), log4j, without},
		"empty":                      {none, "empty.jar", "", nil, nil},
		"silent without a database":  {none, "renamed.jar", stripped(t), nil, without},
		"no archive":                 {good, "log4j-core-2.14.1.jar", "garbage", nil, []string{"walk-error"}},
		"no archive inside":          {good, "app.jar", archiveOf(t, file{"lib/x.jar", "garbage"}), nil, []string{"analysis-error"}},
		"empty file as the database": {broken(func(t *testing.T, dir string) { write(t, filepath.Join(dir, "trivy-java.db"), "") }), "renamed.jar", stripped(t), nil, without},
		"garbage as the database": {broken(func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "trivy-java.db"), strings.Repeat("garbage ", 9999))
		}), "renamed.jar", stripped(t), nil, without},
		"damaged pages": {broken(func(t *testing.T, dir string) {
			spoil(t, dir, func(d []byte) []byte { return append(d[:4096], bytes.Repeat([]byte{0xff}, len(d)-4096)...) })
		}), "renamed.jar", stripped(t), nil, without},
		"database cut off":            {broken(func(t *testing.T, dir string) { spoil(t, dir, func(d []byte) []byte { return d[:2*4096] }) }), "renamed.jar", stripped(t), nil, without},
		"database without the tables": {broken(func(t *testing.T, dir string) { statement(t, dir, "DROP TABLE indices") }), "renamed.jar", stripped(t), nil, without},
		"names that cannot be read":   {broken(func(t *testing.T, dir string) { statement(t, dir, "UPDATE artifacts SET group_id = NULL") }), "renamed.jar", stripped(t), nil, []string{"jar-without-database", "walk-error"}},
		"no folder":                   {func(*testing.T) func(context.Context) (trivy.Java, error) { return bring("/dev/null/none") }, "renamed.jar", stripped(t), nil, without},
		"not to be had": {func(*testing.T) func(context.Context) (trivy.Java, error) {
			return func(context.Context) (trivy.Java, error) { return trivy.Java{}, errors.New("no source has one") }
		}, "renamed.jar", stripped(t), nil, without},
	}
	for title, test := range tests {
		t.Run(title, func(t *testing.T) {
			o := advised(t)
			remember(t, &o)
			o.Java = test.java(t)
			target := image(nil, layer(t, file{"app/lib/" + test.name, test.content}, dist("requests", "2.19.0"))).target(t)
			want := append(slices.Clone(test.want), "CVE-2018-18074")
			for _, run := range []string{"first", "again"} { // a cache must not hide it
				found := scanned(t, o, target)
				got := ids(found.Vulnerabilities)
				for _, id := range want {
					if !slices.Contains(got, id) {
						t.Errorf("%s: found %q, want %s among them", run, got, id)
					}
				}
				if n := strings.Count(strings.Join(got, " "), "CVE-2021-4"); n != len(test.want) {
					t.Errorf("%s: found %q, want %d of log4j", run, got, len(test.want))
				}
				if diff := cmp.Diff(test.missing, incomplete(found)); diff != "" {
					t.Errorf("%s: incomplete (-want +got):\n%s\n%+v", run, diff, found.Incomplete)
				}
			}
		})
	}
}

func spoil(t *testing.T, dir string, change func([]byte) []byte) {
	t.Helper()
	name := filepath.Join(dir, "trivy-java.db")
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	write(t, name, string(change(data)))
}

func statement(t *testing.T, dir, text string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "trivy-java.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(text); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// The database is brought for archives only, once a scan, and with the scan's
// context.
func TestJavaDatabaseIsBroughtLazily(t *testing.T) {
	o := advised(t)
	dir, brought := maven(t), 0
	o.Java = func(ctx context.Context) (trivy.Java, error) {
		brought++
		return trivy.Java{Dir: dir, Digest: "sha256:1", Note: "an old one"}, context.Cause(ctx)
	}
	found := scanned(t, o, image(layer(t, debian()...), layer(t, dist("requests", "2.19.0"))).target(t))
	if brought != 0 || len(found.Skipped) > 0 {
		t.Errorf("without archives it was brought %d times, skipped %v", brought, found.Skipped)
	}
	two := image(layer(t, debian()...), layer(t, file{"a.jar", stripped(t)}), layer(t, file{"b.jar", log4shell(t)})).target(t)
	found = scanned(t, o, two)
	if brought != 1 || !slices.Contains(found.Skipped, scan.Skip{Reason: "an old one"}) {
		t.Errorf("for two archives it was brought %d times, skipped %v", brought, found.Skipped)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("the user left")
	o.Java = func(ctx context.Context) (trivy.Java, error) {
		cancel(reason)
		<-ctx.Done()
		return trivy.Java{}, context.Cause(ctx)
	}
	if found, err := trivy.New(o).Scan(ctx, two); !errors.Is(err, reason) || found.Ran {
		t.Errorf("error is %v and ran %t, want %v and false", err, found.Ran, reason)
	}
}

// What one Java database did not know another may.
func TestResultsOfAnotherJavaDatabaseAreNotUsed(t *testing.T) {
	o := advised(t)
	remember(t, &o)
	l := layer(t, file{"a.jar", stripped(t)})
	target := image(nil, l).target(t)
	for _, step := range []struct {
		java         func(context.Context) (trivy.Java, error)
		found, reads bool
	}{{nil, false, true}, {nil, false, false}, {bring(maven(t)), true, true}, {nil, false, true}} {
		l.read.Store(0)
		o.Java = step.java
		found := scanned(t, o, target)
		if got := len(found.Vulnerabilities) > 0; got != step.found || got == (len(found.Incomplete) > 0) {
			t.Errorf("found %q, incomplete %q; want any: %t", ids(found.Vulnerabilities), incomplete(found), step.found)
		}
		if read := l.read.Load() > 0; read != step.reads {
			t.Errorf("the layer was read: %t, want %t", read, step.reads)
		}
	}
}
