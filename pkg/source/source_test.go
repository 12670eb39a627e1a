package source_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/source"
)

var start = time.Date(2024, 5, 1, 12, 0, 0, 0, time.FixedZone("", 2*60*60))

// repository is a git repository under construction; commit n is n minutes
// after start.
type repository struct {
	*git.Repository
	t    *testing.T
	dir  string
	made int
}

func newRepository(t *testing.T, bare bool) *repository {
	t.Helper()
	dir := t.TempDir()
	repo, err := git.PlainInitWithOptions(dir, &git.PlainInitOptions{
		InitOptions: git.InitOptions{DefaultBranch: plumbing.NewBranchReferenceName("main")},
		Bare:        bare,
	})
	if err != nil {
		t.Fatal(err)
	}
	return &repository{Repository: repo, t: t, dir: dir}
}

func (r *repository) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// commit stores a commit without a worktree and moves main onto it.
func (r *repository) commit(parents ...plumbing.Hash) plumbing.Hash {
	r.t.Helper()
	r.made++
	by := object.Signature{Name: "a", Email: "a@example.com", When: start.Add(time.Duration(r.made) * time.Minute)}
	tree := r.Storer.NewEncodedObject()
	r.must((&object.Tree{}).Encode(tree))
	treeHash, err := r.Storer.SetEncodedObject(tree)
	r.must(err)
	obj := r.Storer.NewEncodedObject()
	r.must((&object.Commit{
		Author: by, Committer: by, Message: fmt.Sprint("commit ", r.made), TreeHash: treeHash, ParentHashes: parents,
	}).Encode(obj))
	hash, err := r.Storer.SetEncodedObject(obj)
	r.must(err)
	r.ref(plumbing.NewHashReference("refs/heads/main", hash))
	return hash
}

func (r *repository) ref(ref *plumbing.Reference) {
	r.t.Helper()
	r.must(r.Storer.SetReference(ref))
}

func (r *repository) tag(name string, on plumbing.Hash) {
	r.t.Helper()
	_, err := r.CreateTag(name, on, nil)
	r.must(err)
}

// annotate makes an annotated tag and returns the hash of its object.
func (r *repository) annotate(name string, on plumbing.Hash) plumbing.Hash {
	r.t.Helper()
	ref, err := r.CreateTag(name, on, &git.CreateTagOptions{
		Message: name, Tagger: &object.Signature{Name: "a", Email: "a@example.com", When: start},
	})
	r.must(err)
	return ref.Hash()
}

func (r *repository) config(text string) {
	r.t.Helper()
	f, err := os.OpenFile(filepath.Join(r.dir, ".git", "config"), os.O_APPEND|os.O_WRONLY, 0)
	r.must(err)
	_, err = f.WriteString(text)
	r.must(err)
	r.must(f.Close())
}

func check(t *testing.T, dir string, want source.Revision) {
	t.Helper()
	got, err := source.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func at(minute int) time.Time { return start.Add(time.Duration(minute) * time.Minute).UTC() }

func TestOpenOutsideAnyRepository(t *testing.T) {
	check(t, t.TempDir(), source.Revision{})

	empty := t.TempDir()
	if err := os.Mkdir(filepath.Join(empty, ".git"), 0o700); err != nil {
		t.Fatal(err)
	}
	check(t, empty, source.Revision{})
}

func TestOpenErrors(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none")
	if _, err := source.Open(missing); !os.IsNotExist(unwrapAll(err)) {
		t.Errorf("Open of a missing folder: %v, want not exist", err)
	}
	for _, tc := range []struct {
		name  string
		spoil func(r *repository)
		want  string
	}{
		{"reftable", func(r *repository) { r.config("[extensions]\n\trefStorage = reftable\n") }, "extension: refstorage"},
		{"config", func(r *repository) { r.config("[broken\n") }, "reading git repository"},
		{"commit is gone", func(r *repository) { r.remove(r.commit()) }, "object not found"},
		{"head is not a reference", func(r *repository) { r.write("HEAD", "ref: refs/heads/main"); r.write("refs/heads/main", "xyz") }, "object not found"},
		{"pointer without path", func(r *repository) { r.write("commondir", "\n") }, "expected one line with a path"},
		{"pointer too long", func(r *repository) { r.write("commondir", strings.Repeat("a", 9<<10)) }, "expected one line with a path"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRepository(t, false)
			tc.spoil(r)
			got, err := source.Open(r.dir)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error is %v, want one with %q", err, tc.want)
			}
			if diff := cmp.Diff(source.Revision{}, got); diff != "" {
				t.Errorf("a revision beside the error: %s", diff)
			}
		})
	}
	broken := t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, ".git"), []byte("gitdir: nowhere\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := source.Open(broken); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("a .git file that points nowhere: %v", err)
	}
}

func unwrapAll(err error) error {
	for {
		inner, ok := err.(interface{ Unwrap() error })
		if !ok {
			return err
		}
		if _, path := err.(*fs.PathError); path {
			return err
		}
		err = inner.Unwrap()
	}
}

func (r *repository) write(name, content string) {
	r.t.Helper()
	r.must(os.WriteFile(filepath.Join(r.dir, ".git", name), []byte(content), 0o600))
}

func (r *repository) remove(hash plumbing.Hash) {
	r.t.Helper()
	hex := hash.String()
	r.must(os.Remove(filepath.Join(r.dir, ".git", "objects", hex[:2], hex[2:])))
}

func TestOpenWithoutCommit(t *testing.T) {
	r := newRepository(t, false)
	_, err := r.CreateRemote(&config.RemoteConfig{Name: "origin", URLs: []string{"git@github.com:acme/digits.git"}})
	r.must(err)
	check(t, r.dir, source.Revision{Branch: "main", Remote: "https://github.com/acme/digits"})
}

func TestOpenTags(t *testing.T) {
	r := newRepository(t, false)
	one := r.commit()
	r.tag("v1.0.0", one)
	two := r.commit(one)
	object := r.annotate("v1.1.0-rc.1", two)
	r.ref(plumbing.NewHashReference("refs/tags/signed", object)) // a second name of one tag object
	r.tag("beta", two)
	tree, err := r.CommitObject(two)
	r.must(err)
	r.tag("a-tree", tree.TreeHash)
	r.annotate("a-tree-annotated", tree.TreeHash)
	inner := r.annotate("inner", two)
	r.annotate("outer", inner)
	sub := filepath.Join(r.dir, "a", "b")
	r.must(os.MkdirAll(sub, 0o700))
	for _, dir := range []string{r.dir, sub} {
		check(t, dir, source.Revision{
			Commit: two.String(), Time: at(2), Branch: "main",
			Tags:    []string{"beta", "inner", "outer", "signed", "v1.1.0-rc.1"},
			Nearest: "v1.1.0-rc.1",
		})
	}
}

func TestOpenDetachedAndBranches(t *testing.T) {
	r := newRepository(t, false)
	one := r.commit()
	r.ref(plumbing.NewHashReference(plumbing.HEAD, one))
	check(t, r.dir, source.Revision{Commit: one.String(), Time: at(1)})

	r.ref(plumbing.NewHashReference("refs/heads/feature/x", one))
	r.ref(plumbing.NewSymbolicReference(plumbing.HEAD, "refs/heads/feature/x"))
	check(t, r.dir, source.Revision{Commit: one.String(), Time: at(1), Branch: "feature/x"})
}

func TestOpenBare(t *testing.T) {
	r := newRepository(t, true)
	one := r.commit()
	check(t, r.dir, source.Revision{Commit: one.String(), Time: at(1), Branch: "main"})
	check(t, filepath.Join(r.dir, "refs"), source.Revision{Commit: one.String(), Time: at(1), Branch: "main"})
}

func TestOpenLinkedWorktree(t *testing.T) {
	r := newRepository(t, false)
	one := r.commit()
	r.commit(one)
	r.tag("v1.0.0", one)
	r.ref(plumbing.NewHashReference("refs/heads/feature", one))
	_, err := r.CreateRemote(&config.RemoteConfig{Name: "origin", URLs: []string{"https://github.com/acme/digits.git"}})
	r.must(err)
	r.must(os.MkdirAll(filepath.Join(r.dir, ".git", "worktrees", "wt"), 0o700))
	r.write("worktrees/wt/HEAD", "ref: refs/heads/feature\n")
	r.write("worktrees/wt/commondir", "../..\n")
	want := source.Revision{
		Commit: one.String(), Time: at(1), Branch: "feature", Tags: []string{"v1.0.0"}, Nearest: "v1.0.0",
		Remote: "https://github.com/acme/digits",
	}
	linked := filepath.Join(r.dir, ".git", "worktrees", "wt")
	relative, err := filepath.Rel(t.TempDir(), linked)
	r.must(err)
	for _, pointer := range []string{linked, relative} {
		wt := t.TempDir()
		r.must(os.WriteFile(filepath.Join(wt, ".git"), []byte("gitdir: "+pointer+"\n"), 0o600))
		check(t, wt, want)
	}
	r.write("worktrees/wt/commondir", filepath.Join(r.dir, ".git"))
	wt := t.TempDir()
	r.must(os.WriteFile(filepath.Join(wt, ".git"), []byte("gitdir: "+linked), 0o600))
	check(t, wt, want)
}

func TestOpenShallow(t *testing.T) {
	r := newRepository(t, false)
	one := r.commit()
	r.tag("v9.0.0", one)
	r.annotate("v8.0.0", one)
	two := r.commit(one)
	r.tag("v1.0.0", two)
	three := r.commit(two)
	r.remove(one)
	r.must(r.Storer.SetShallow([]plumbing.Hash{two}))
	check(t, r.dir, source.Revision{
		Commit: three.String(), Time: at(3), Branch: "main", Nearest: "v1.0.0", Distance: 1,
	})
}

func TestOpenExtensionsOfSparseAndPartialClones(t *testing.T) {
	r := newRepository(t, false)
	one := r.commit()
	r.config("[extensions]\n\tworktreeConfig = true\n\tpartialClone = origin\n")
	check(t, r.dir, source.Revision{Commit: one.String(), Time: at(1), Branch: "main"})
}

func TestOpenAlternates(t *testing.T) {
	lender := newRepository(t, false)
	one := lender.commit()
	r := newRepository(t, false)
	r.must(os.MkdirAll(filepath.Join(r.dir, ".git", "objects", "info"), 0o700))
	r.write("objects/info/alternates", filepath.Join(lender.dir, ".git", "objects")+"\n")
	r.write("refs/heads/main", one.String()+"\n")
	check(t, r.dir, source.Revision{Commit: one.String(), Time: at(1), Branch: "main"})
}

func TestOpenRemoteWithoutURL(t *testing.T) {
	r := newRepository(t, false)
	r.config("[remote \"origin\"]\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n")
	check(t, r.dir, source.Revision{Branch: "main"})
}
