package vulndb

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/org/ai-ship/pkg/scan/sqlite"
)

const (
	sqliteHeader  = "SQLite format 3\x00"
	sqliteHead    = 100 // bytes of the file's header
	sqliteFormats = 18  // where it says who may write and read the file: 1, or 2 with a log beside it
)

// oneArtifact asks for what trivy's lookups need.
const oneArtifact = `SELECT 1 FROM indices i JOIN artifacts a ON a.id = i.artifact_id
	WHERE length(i.sha1) = 20 AND a.group_id <> '' AND a.artifact_id <> '' AND i.version <> '' AND i.archive_type <> '' LIMIT 1`

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
	db, err := sqlite.Open(filepath.Join(dir.Name(), name))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := sqlite.Check(ctx, db); err != nil {
		return err
	}
	var found int
	switch err := db.QueryRowContext(ctx, oneArtifact).Scan(&found); {
	case errors.Is(err, sql.ErrNoRows):
		return errors.New("holds no artifacts")
	case err != nil:
		return fmt.Errorf("holds no artifacts where they are looked for: %w", err)
	}
	return nil
}
