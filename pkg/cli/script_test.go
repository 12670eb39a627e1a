package cli_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/org/ai-ship/pkg/cli"
	"github.com/org/ai-ship/pkg/scan/vulndb"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"ai-ship": func() {
			os.Exit(cli.Run(context.Background(), cli.Process{
				Args: os.Args[1:], Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv, Version: "test",
			}))
		},
	})
}

// TestScripts runs the command line as its users do. In every script $REGISTRY
// is the host of an empty registry, $DENIED of one that lets nobody in, and
// $DATABASE a file with the fixture database of vulnerabilities.
func TestScripts(t *testing.T) {
	archive, err := vulndb.Build(os.DirFS(filepath.Join("..", "..", "testdata", "vulndb")), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	database := filepath.Join(t.TempDir(), "db.tar.gz")
	if err := os.WriteFile(database, archive, 0o644); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("..", "..", "testdata", "script"),
		Setup: func(env *testscript.Env) error {
			open := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
			denied := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("WWW-Authenticate", `Basic realm="acme"`)
				http.Error(w, `{"errors":[{"code":"UNAUTHORIZED"}]}`, http.StatusUnauthorized)
			}))
			env.Defer(open.Close)
			env.Defer(denied.Close)
			env.Setenv("REGISTRY", strings.TrimPrefix(open.URL, "http://"))
			env.Setenv("DATABASE", database)
			env.Setenv("XDG_CACHE_HOME", filepath.Join(filepath.Dir(database), "cache"))
			env.Setenv("DENIED", strings.TrimPrefix(denied.URL, "http://"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":  exits,
			"digest": digest,
			"count":  count,
			"jar":    jar,
			"javadb": javadb,

			"database": advisories,
		},
	})
}

// exits CODE COMMAND... runs a command and expects its exit code.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// digest REF [NAME] keeps the digest behind a tag in the variable NAME; with !
// the tag must not exist.
func digest(ts *testscript.TestScript, neg bool, args []string) {
	ref, err := name.NewTag(args[0])
	ts.Check(err)
	found, err := remote.Head(ref)
	if neg != (err != nil) {
		ts.Fatalf("%s: %v, %v", ref, found, err)
	}
	if !neg && len(args) > 1 {
		if before := ts.Getenv(args[1]); before != "" && before != found.Digest.String() {
			ts.Fatalf("%s is %s, was %s", ref, found.Digest, before)
		}
		ts.Setenv(args[1], found.Digest.String())
	}
}

// database OUT DIR builds a database of vulnerabilities from the advisories in DIR.
func advisories(ts *testscript.TestScript, _ bool, args []string) {
	archive, err := vulndb.Build(os.DirFS(ts.MkAbs(args[1])), time.Now())
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), archive, 0o644))
}

// count N DIR expects that many files below a folder.
func count(ts *testscript.TestScript, _ bool, args []string) {
	var files []string
	err := filepath.WalkDir(ts.MkAbs(args[1]), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return err
	})
	ts.Check(err)
	if fmt.Sprint(len(files)) != args[0] {
		ts.Fatalf("%d files, want %s: %q", len(files), args[0], files)
	}
}
