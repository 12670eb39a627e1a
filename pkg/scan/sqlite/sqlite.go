// Package sqlite opens SQLite files that others wrote, for reading, and says
// whether all of their pages are sound: trivy takes a page that it cannot read
// for the end of a table. Importing it registers the driver "sqlite", which trivy
// asks for and leaves to the program to bring.
//
// A file must not change while it is open. A log beside it (-wal, -journal) is
// not read.
package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite" // SQLite without C, which trivy's command line brings too
)

// Open opens a file for reading only. What is wrong with it shows when it is
// asked. The caller closes it.
func Open(path string) (*sql.DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	path = "/" + strings.TrimPrefix(filepath.ToSlash(path), "/")
	at := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: "mode=ro&immutable=1"}
	return sql.Open("sqlite", at.String())
}

// Check reads every page of a file. A page that cannot be part of a database is
// an error, and so is the end of ctx.
func Check(ctx context.Context, db *sql.DB) (err error) {
	defer func() { // SQLite was made for C, where damage may end the process
		if r := recover(); r != nil {
			err = fmt.Errorf("is damaged: %v", r)
		}
	}()
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		return fmt.Errorf("is damaged: %w", err)
	}
	if verdict != "ok" {
		return fmt.Errorf("is damaged: %.200q", verdict)
	}
	return nil
}
