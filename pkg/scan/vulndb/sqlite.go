package vulndb

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver that trivy uses
)

const (
	sqliteHeader  = "SQLite format 3\x00"
	sqliteHead    = 100 // bytes of the file's header
	sqliteFormats = 18  // where it says who may write and read the file: 1, or 2 with a log beside it
)

// checkSQLite looks at all of a Java database: that every page is sound, and
// that it holds artifacts where trivy looks for them.
func checkSQLite(ctx context.Context, dir *os.Root, file *os.File, name string) (err error) {
	head := make([]byte, sqliteHead)
	if _, err := file.ReadAt(head, 0); err != nil || !bytes.HasPrefix(head, []byte(sqliteHeader)) {
		return errors.New("is no SQLite database")
	}
	if formats := head[sqliteFormats : sqliteFormats+2]; !bytes.Equal(formats, []byte{1, 1}) {
		return fmt.Errorf("has the formats %d, expected 1 and 1: it must be whole without a log beside it", formats)
	}
	defer func() { // SQLite was made for C, where damage may end the process
		if r := recover(); r != nil {
			err = fmt.Errorf("is damaged: %v", r)
		}
	}()
	path, err := filepath.Abs(filepath.Join(dir.Name(), name))
	if err != nil {
		return err
	}
	at := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path), RawQuery: "mode=ro&immutable=1"}
	db, err := sql.Open("sqlite", at.String())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return damaged(ctx, err)
	}
	if verdict != "ok" {
		return fmt.Errorf("is damaged: %.200q", verdict)
	}
	var found int
	const one = `SELECT 1 FROM indices i JOIN artifacts a ON a.id = i.artifact_id
		WHERE length(i.sha1) = 20 AND a.group_id <> '' AND a.artifact_id <> '' AND i.version <> '' AND i.archive_type <> '' LIMIT 1`
	switch err := db.QueryRowContext(ctx, one).Scan(&found); {
	case errors.Is(err, sql.ErrNoRows):
		return errors.New("holds no artifacts")
	case err != nil:
		return damaged(ctx, err)
	}
	return nil
}

// damaged is what a failed look into the file says, unless it was broken off.
func damaged(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return fmt.Errorf("is damaged: %w", err)
}
