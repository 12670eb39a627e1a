package vulndb

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/org/ai-ship/pkg/seal"
)

// brimful is a file on a disk that has room for a few bytes.
type brimful struct {
	file
	room int
}

func (b *brimful) Write(p []byte) (int, error) {
	if len(p) > b.room {
		n, _ := b.file.Write(p[:b.room])
		b.room = 0
		return n, &os.PathError{Op: "write", Path: "trivy.db", Err: syscall.ENOSPC}
	}
	b.room -= len(p)
	return b.file.Write(p)
}

type unsynced struct{ file }

func (unsynced) Sync() error { return errors.New("the disk is gone") }

func TestTheGoodDatabaseSurvives(t *testing.T) {
	s, into := serve(t), root(t)
	ref := s.publish(t, "2", build(t, 30*time.Hour))
	first, err := Pull(t.Context(), refs(ref), into, options())
	if err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, into.Name())
	newer := build(t, time.Hour)
	db := members(t, newer)["trivy.db"]
	damaged := append([]byte(nil), db...)
	for i := 3 * fixturePage; i < len(damaged); i++ {
		damaged[i] ^= 0x55
	}
	for _, tc := range []struct {
		name    string
		archive []byte
		create  func(*os.Root, string) (file, error)
		error   string
	}{
		{"disk full", newer, func(dir *os.Root, name string) (file, error) {
			f, err := createFile(dir, name)
			return &brimful{f, 5000}, err
		}, "no space left on device"},
		{"disk full at once", newer, func(*os.Root, string) (file, error) { return nil, syscall.EDQUOT }, "quota"},
		{"not flushed", newer, func(dir *os.Root, name string) (file, error) {
			f, err := createFile(dir, name)
			return unsynced{f}, err
		}, "the disk is gone"},
		{"cut off", newer[:len(newer)-100], createFile, "unexpected EOF"},
		{"damaged", repack(t, newer, "trivy.db", damaged), createFile, "is damaged: page"},
		{"older than it", build(t, 40*time.Hour), createFile, "before the one on disk"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s.publish(t, "2", tc.archive)
			p := newPuller(into, options())
			p.create = tc.create
			got, err := p.pull(t.Context(), refs(ref))
			if err != nil {
				t.Fatal(err)
			}
			wantError(t, errors.New(got.Note), tc.error)
			got.Note = ""
			if diff := cmp.Diff(first, got); diff != "" {
				t.Errorf("in use is (-first +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, snapshot(t, into.Name())); diff != "" {
				t.Errorf("the store changed:\n%s", diff)
			}
		})
	}
	t.Run("hint", func(t *testing.T) {
		s.publish(t, "full", newer)
		p := newPuller(root(t), options())
		p.create = func(*os.Root, string) (file, error) { return nil, syscall.ENOSPC }
		_, err := p.pull(t.Context(), refs(s.ref(t, "full")))
		wantHint(t, err, "make room on that disk")
	})
	t.Run("a newer one", func(t *testing.T) {
		s.publish(t, "2", newer)
		got, err := Pull(t.Context(), refs(ref), into, options())
		if err != nil || got.Note != "" || !got.UpdatedAt.Equal(now().Add(-time.Hour)) || got.Dir == first.Dir {
			t.Fatalf("Pull = %+v, %v", got, err)
		}
		if _, err := os.Stat(first.Dir); err != nil {
			t.Errorf("the one before is gone while another process may read it: %v", err)
		}
	})
	t.Run("too old by now", func(t *testing.T) {
		s.fail(func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(404); return true })
		defer s.fail(nil)
		o := options()
		o.Now = func() time.Time { return now().Add(72 * time.Hour) }
		_, err := Pull(t.Context(), refs(ref), into, o)
		wantError(t, err, into.Name()+": was made at 2026-11-21T11:00:00Z, 73h ago, at most 48h is allowed")
		wantError(t, err, ref.Name()+": ")
		wantHint(t, err, "scan.max-age")
		var old *OldError
		if !errors.As(err, &old) || old.Age != 73*time.Hour {
			t.Errorf("error is %v", err)
		}
	})
}

func TestWhatIsStillTheNewestIsNotFetchedAgain(t *testing.T) {
	s, into := serve(t), root(t)
	ref := s.publish(t, "2", build(t, 30*time.Hour))
	first, err := Pull(t.Context(), refs(ref), into, options())
	if err != nil {
		t.Fatal(err)
	}
	s.fail(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "/blobs/") {
			t.Errorf("asked for %s", r.URL)
		}
		return false
	})
	again, err := Pull(t.Context(), refs(ref), into, options())
	if diff := cmp.Diff(first, again); err != nil || diff != "" {
		t.Errorf("error %v, -first +second:\n%s", err, diff)
	}
}

func TestADatabaseOfAnotherSourceIsNotUsed(t *testing.T) {
	s, into := serve(t), root(t)
	demo, real := s.publish(t, "demo", build(t, time.Hour)), s.publish(t, "real", build(t, 2*time.Hour))
	if _, err := Pull(t.Context(), refs(demo), into, options()); err != nil {
		t.Fatal(err)
	}
	got, err := Pull(t.Context(), refs(real), into, options())
	if err != nil || got.Ref != real.Name() || !got.UpdatedAt.Equal(now().Add(-2*time.Hour)) {
		t.Errorf("Pull = %+v, %v", got, err)
	}
}

func TestADamagedStoreIsPulledAgain(t *testing.T) {
	for _, tc := range []struct {
		name   string
		damage func(t *testing.T, into *os.Root, db DB)
		error  string
	}{
		{"changed in place", func(t *testing.T, _ *os.Root, db DB) {
			path := filepath.Join(db.Dir, "trivy.db")
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			data[len(data)-1] ^= 1
			rewrite(t, path, data)
		}, "trivy.db: was changed since it was installed"},
		{"cut off", func(t *testing.T, _ *os.Root, db DB) {
			rewrite(t, filepath.Join(db.Dir, "trivy.db"), []byte("short"))
		}, "was changed since it was installed"},
		{"made younger", func(t *testing.T, _ *os.Root, db DB) {
			rewrite(t, filepath.Join(db.Dir, metadataFile), about(t, 2, now()))
		}, "metadata.json: was changed since it was installed"},
		{"gone", func(t *testing.T, _ *os.Root, db DB) { os.RemoveAll(db.Dir) }, "no such file"},
		{"record of nothing", func(t *testing.T, into *os.Root, _ DB) {
			rewrite(t, filepath.Join(into.Name(), "advisories.json"), nil)
		}, `reading "advisories.json"`},
		{"record leads away", func(t *testing.T, into *os.Root, _ DB) {
			sealed(t, into, `{"version":1,"folder":"advisories./../../etc"}`)
		}, `folder "advisories./../../etc"`},
		{"record of another version", func(t *testing.T, into *os.Root, _ DB) {
			sealed(t, into, `{"version":9,"folder":"advisories.x"}`)
		}, "found version 9"},
		{"record without a seal", func(t *testing.T, into *os.Root, _ DB) {
			data, err := into.ReadFile("advisories.json")
			if err != nil {
				t.Fatal(err)
			}
			rewrite(t, filepath.Join(into.Name(), "advisories.json"), data[32:])
		}, `reading "advisories.json": was changed, or is not ours`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, into := serve(t), root(t)
			ref := s.publish(t, "2", build(t, time.Hour))
			db, err := Pull(t.Context(), refs(ref), into, options())
			if err != nil {
				t.Fatal(err)
			}
			tc.damage(t, into, db)
			s.fail(func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(404); return true })
			_, err = Pull(t.Context(), refs(ref), into, options())
			wantError(t, err, tc.error)
			s.fail(nil)
			got, err := Pull(t.Context(), refs(ref), into, options())
			if err != nil || got.Dir == db.Dir || got.Digest != db.Digest {
				t.Errorf("Pull = %+v, %v", got, err)
			}
		})
	}
}

// A database that came with a repository is not believed, be it as young and as
// whole as it likes.
func TestTheDatabaseOfAnotherIsNotUsed(t *testing.T) {
	s, into := serve(t), root(t)
	ref := s.publish(t, "2", build(t, time.Hour))
	theirs, ours := options(), options()
	theirs.Key, ours.Key = seal.New("theirs"), seal.New("ours")
	planted, err := Pull(t.Context(), refs(ref), into, theirs)
	if err != nil {
		t.Fatal(err)
	}
	pulled, err := Pull(t.Context(), refs(ref), into, ours)
	if err != nil || pulled.Dir == planted.Dir {
		t.Fatalf("Pull = %+v, %v, want another folder", pulled, err)
	}
	s.fail(func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(404); return true })
	if again, err := Pull(t.Context(), refs(ref), into, ours); err != nil || again.Dir != pulled.Dir {
		t.Errorf("Pull = %+v, %v, want the one that was pulled", again, err)
	}
	_, err = Pull(t.Context(), refs(ref), into, theirs)
	wantError(t, err, "is not ours")
}

// sealed writes the record of the database in use.
func sealed(t *testing.T, into *os.Root, text string) {
	t.Helper()
	rewrite(t, filepath.Join(into.Name(), "advisories.json"), seal.Key{}.Seal("advisories.json", []byte(text)))
}

func rewrite(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestSweep(t *testing.T) {
	s, into := serve(t), root(t)
	ref := s.publish(t, "2", build(t, time.Hour))
	for _, name := range []string{"advisories.old", "advisories.young", "advisories-file.other", "java.other", "mine"} {
		if err := into.Mkdir(name, 0o755); err != nil {
			t.Fatal(err)
		}
		if name != "advisories.young" {
			long := time.Now().Add(-2 * abandoned)
			if err := into.Chtimes(name, long, long); err != nil {
				t.Fatal(err)
			}
		}
	}
	db, err := Pull(t.Context(), refs(ref), into, options())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"advisories-file.other", filepath.Base(db.Dir), "advisories.young", "java.other", "mine"}
	slices.Sort(want) // the database's own folder has a name by chance
	if diff := cmp.Diff(want, folders(t, into)); diff != "" {
		t.Errorf("folders (-want +got):\n%s", diff)
	}
}

const (
	childRef   = "VULNDB_TEST_CHILD_REF"
	childStore = "VULNDB_TEST_CHILD_STORE"
)

// TestChild is the process that TestKilledInTheMiddle kills.
func TestChild(t *testing.T) {
	if os.Getenv(childRef) == "" {
		t.Skip("only runs as another test's process")
	}
	ref, err := name.ParseReference(os.Getenv(childRef))
	if err != nil {
		t.Fatal(err)
	}
	into, err := os.OpenRoot(os.Getenv(childStore))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Pull(t.Context(), refs(ref), into, options())
	t.Fatalf("it was not killed: %v", err)
}

func TestKilledInTheMiddle(t *testing.T) {
	s, into := serve(t), root(t)
	ref := s.publish(t, "2", build(t, 30*time.Hour))
	first, err := Pull(t.Context(), refs(ref), into, options())
	if err != nil {
		t.Fatal(err)
	}
	newer := build(t, time.Hour)
	s.publish(t, "2", newer)
	half := make(chan struct{})
	s.fail(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/blobs/") {
			return false
		}
		io.Copy(w, strings.NewReader(string(newer[:len(newer)-10])))
		http.NewResponseController(w).Flush()
		close(half)
		<-r.Context().Done()
		return true
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestChild$")
	child.Env = append(os.Environ(), childRef+"="+ref.Name(), childStore+"="+into.Name())
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-half:
	case <-ctx.Done():
		t.Fatal("the child never asked for the database")
	}
	for deadline := time.Now().Add(30 * time.Second); len(folders(t, into)) < 2; {
		if time.Now().After(deadline) {
			t.Fatal("the child unpacked nothing")
		}
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	child.Wait()
	if n := len(folders(t, into)); n != 2 {
		t.Fatalf("found %d folders, want the good one and half a one", n)
	}
	s.fail(func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(503); return true })
	got, err := Pull(t.Context(), refs(ref), into, options())
	if err != nil || got.Dir != first.Dir {
		t.Fatalf("after the kill Pull = %+v, %v", got, err)
	}
	s.fail(nil)
	got, err = Pull(t.Context(), refs(ref), into, options())
	if err != nil || !got.UpdatedAt.Equal(now().Add(-time.Hour)) {
		t.Fatalf("Pull = %+v, %v", got, err)
	}
}
