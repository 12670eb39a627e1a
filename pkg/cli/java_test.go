package cli_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha1"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/org/ai-ship/pkg/scan/vulndb"
)

// jar FILE [GROUP ARTIFACT VERSION] writes a Java archive that says who it is,
// or one that does not.
func jar(ts *testscript.TestScript, _ bool, args []string) {
	data, err := archiveOf(args[1:])
	ts.Check(err)
	file := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(filepath.Dir(file), 0o755))
	ts.Check(os.WriteFile(file, data, 0o644))
}

func archiveOf(who []string) ([]byte, error) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	path, text := "org/example/Main.class", "\xca\xfe\xba\xbe"
	if len(who) > 0 {
		path = "META-INF/maven/" + who[0] + "/" + who[1] + "/pom.properties"
		text = fmt.Sprintf("groupId=%s\nartifactId=%s\nversion=%s\n", who[0], who[1], who[2])
	}
	part, err := w.Create(path)
	if err != nil {
		return nil, err
	}
	_, err = part.Write([]byte(text))
	err = errors.Join(err, w.Close())
	return out.Bytes(), err
}

// javadb REF GROUP ARTIFACT VERSION publishes a Java database in which the
// archive that does not say who it is is this artifact.
func javadb(ts *testscript.TestScript, _ bool, args []string) {
	ref, err := name.NewTag(args[0])
	ts.Check(err)
	file := ts.MkAbs("trivy-java.db")
	db, err := sql.Open("sqlite", file)
	ts.Check(err)
	silent, err := archiveOf(nil)
	ts.Check(err)
	sum := sha1.Sum(silent)
	for _, s := range []struct {
		text string
		args []any
	}{
		{"CREATE TABLE artifacts(id INTEGER PRIMARY KEY, group_id TEXT, artifact_id TEXT)", nil},
		{"CREATE TABLE indices(artifact_id INTEGER, version TEXT, sha1 BLOB, archive_type TEXT, foreign key (artifact_id) references artifacts(id))", nil},
		{"INSERT INTO artifacts VALUES (1, ?, ?)", []any{args[1], args[2]}},
		{"INSERT INTO indices VALUES (1, ?, ?, 'jar')", []any{args[3], sum[:]}},
	} {
		_, err := db.Exec(s.text, s.args...)
		ts.Check(err)
	}
	ts.Check(db.Close())
	data, err := os.ReadFile(file)
	ts.Check(err)
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	w := tar.NewWriter(zip)
	for name, data := range map[string][]byte{
		"trivy-java.db": data,
		"metadata.json": fmt.Appendf(nil, `{"Version":1,"UpdatedAt":%q}`, time.Now().UTC().Format(time.RFC3339)),
	} {
		ts.Check(w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(data)), Typeflag: tar.TypeReg}))
		_, err := w.Write(data)
		ts.Check(err)
	}
	ts.Check(errors.Join(w.Close(), zip.Close()))
	_, err = vulndb.Publish(context.Background(), ref, out.Bytes(), vulndb.Options{Kind: vulndb.Java})
	ts.Check(err)
}
