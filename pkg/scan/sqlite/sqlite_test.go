package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/org/ai-ship/pkg/scan/sqlite"
)

const page = 4096 // bytes

// rows is a file of several pages.
func rows(t *testing.T) []byte {
	t.Helper()
	name := filepath.Join(t.TempDir(), "a.db")
	db, err := sql.Open("sqlite", name)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec("CREATE TABLE t (a TEXT); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 500) INSERT INTO t SELECT hex(randomblob(40)) FROM n")
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func check(t *testing.T, ctx context.Context, path string) error {
	t.Helper()
	db, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	return sqlite.Check(ctx, db)
}

func TestCheck(t *testing.T) {
	good := rows(t)
	if len(good) < 8*page {
		t.Fatalf("%d bytes are too few pages", len(good))
	}
	path := filepath.Join(t.TempDir(), "a b?c#d%20e.db")
	write := func(data []byte) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(good)
	if err := check(t, t.Context(), path); err != nil {
		t.Error(err)
	}
	for at := page; at < len(good); at += page {
		damaged := bytes.Clone(good)
		copy(damaged[at:], bytes.Repeat([]byte{0xff}, page))
		for title, data := range map[string][]byte{"damaged": damaged, "cut off": good[:at]} {
			write(data)
			if err := check(t, t.Context(), path); err == nil || !strings.Contains(err.Error(), "is damaged") {
				t.Errorf("%s at %d: error is %v", title, at, err)
			}
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("the user left")
	cancel(reason)
	write(good)
	if err := check(t, ctx, path); !errors.Is(err, reason) {
		t.Errorf("error is %v, want %v", err, reason)
	}
}

func TestNothingIsWritten(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "none.db")
	if err := check(t, t.Context(), missing); err == nil {
		t.Error("a missing file is sound")
	}
	path := filepath.Join(dir, "a.db")
	if err := os.WriteFile(path, rows(t), 0o644); err != nil {
		t.Fatal(err)
	}
	db, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("DELETE FROM t"); err == nil || !strings.Contains(err.Error(), "readonly") {
		t.Errorf("writing: error is %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %s, %v", fmt.Sprint(entries), err)
	}
}
