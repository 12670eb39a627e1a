package tree

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/layer"
)

// builtin are the patterns that apply before the project's own, which may
// take one back with an exclamation mark: version control, our own files,
// caches, and the usual places of secrets.
func builtin() []string {
	return []string{
		".git", ".ai-ship", "ai-ship-out", ".aishipignore", ".dockerignore",
		"**/__pycache__", "**/*.pyc", "**/.pytest_cache", "**/.ipynb_checkpoints", "**/.DS_Store",
		"**/.env", "**/.env.*", "**/.netrc", "**/.pypirc", "**/.aws", "**/.ssh", "**/.docker/config.json",
		"**/.cache/huggingface/token",
	}
}

// maxIgnore bounds an ignore file.
const maxIgnore = 1 << 20 // bytes

// maxFiles bounds what one copy may hold; more is a wrong directory.
const maxFiles = 1_000_000

// Copy asks for files of the project to be placed in the image.
type Copy struct {
	From string // file, directory or glob (** allowed), slash-separated, relative to the project
	To   string // directory in the image, absolute
	// Model files are listed on purpose, so the project's ignore file, which
	// often keeps weights out of Docker's context, does not apply to them.
	Model bool
}

// File is an entry with where it came from.
type File struct {
	layer.Entry
	Source  string    // path in the project, for messages
	ModTime time.Time // of regular files
}

// Tree is a project's files. The root stays the caller's to close, and must
// stay open as long as a File's content may be read.
type Tree struct {
	root    *os.Root
	ignored *patternmatcher.PatternMatcher // everything
	always  *patternmatcher.PatternMatcher // builtin only
}

// New reads the ignore rules.
func New(root *os.Root) (*Tree, error) {
	own, err := ignoreRules(root)
	if err != nil {
		return nil, err
	}
	always, err := patternmatcher.New(builtin())
	if err != nil {
		return nil, fmt.Errorf("compiling the builtin ignore rules: %w", err)
	}
	ignored, err := patternmatcher.New(append(builtin(), own...))
	if err != nil {
		return nil, fmt.Errorf("compiling the ignore rules: %w", err)
	}
	return &Tree{root: root, ignored: ignored, always: always}, nil
}

func ignoreRules(root *os.Root) ([]string, error) {
	for _, name := range []string{".aishipignore", ".dockerignore"} {
		f, err := root.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading %q: %w", name, err)
		}
		defer f.Close()
		text, err := io.ReadAll(io.LimitReader(f, maxIgnore+1))
		if err != nil {
			return nil, fmt.Errorf("reading %q: %w", name, err)
		}
		if len(text) > maxIgnore {
			return nil, fmt.Errorf("reading %q: larger than %d bytes", name, maxIgnore)
		}
		rules, err := ignorefile.ReadAll(bytes.NewReader(text))
		if err != nil {
			return nil, fmt.Errorf("reading %q: %w", name, err)
		}
		return rules, nil
	}
	return nil, nil
}

// Files expands one copy, sorted by path. Finding nothing is an error.
func (t *Tree) Files(c Copy) ([]File, error) {
	if !fs.ValidPath(c.From) {
		return nil, hint.Wrap(fmt.Errorf("copying %q: expected a path inside the project", c.From),
			"write it relative to the folder of ai-ship.yaml, with slashes and without ..")
	}
	w := walk{tree: t, copy: c}
	var err error
	if hasMeta(c.From) {
		err = w.glob()
	} else {
		err = w.path(c.From)
	}
	if err != nil {
		return nil, fmt.Errorf("copying %q: %w", c.From, explain(err))
	}
	if len(w.files) == 0 {
		return nil, w.empty()
	}
	slices.SortFunc(w.files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return w.files, nil
}

func hasMeta(pattern string) bool { return strings.ContainsAny(pattern, "*?[{") }

// walk collects one copy's files.
type walk struct {
	tree  *Tree
	copy  Copy
	files []File
	left  int // files that the ignore rules left out
}

func (w *walk) empty() error {
	if w.left > 0 {
		return hint.Wrap(fmt.Errorf("copying %q: all %d of its files are left out by the ignore rules", w.copy.From, w.left),
			"take the pattern out of .aishipignore or .dockerignore, or take it back there with !pattern")
	}
	return hint.Wrap(fmt.Errorf("copying %q: no file found", w.copy.From),
		"check the spelling, and that the step that makes the file ran before")
}

func (w *walk) glob() error {
	base, _ := doublestar.SplitPattern(w.copy.From)
	matches, err := doublestar.Glob(w.tree.root.FS(), w.copy.From, doublestar.WithFilesOnly(), doublestar.WithNoFollow(), doublestar.WithFailOnIOErrors())
	if err != nil {
		return err
	}
	for _, name := range matches {
		if err := w.add(name, base, true); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) path(from string) error {
	info, err := w.tree.root.Stat(from)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return w.add(from, path.Dir(from), true)
	}
	return fs.WalkDir(w.tree.root.FS(), from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !d.IsDir() {
			return w.add(name, from, w.copy.Model)
		}
		return w.directory(name)
	})
}

// directory keeps empty directories out (an image needs none) and skips
// ignored ones unless a later rule may take something inside back.
func (w *walk) directory(name string) error {
	if name == "." || w.tree.always.Exclusions() || w.rules().Exclusions() {
		return nil
	}
	skip, err := w.rules().MatchesOrParentMatches(name)
	if err == nil && skip {
		w.left++
		return fs.SkipDir
	}
	return err
}

func (w *walk) rules() *patternmatcher.PatternMatcher {
	if w.copy.Model {
		return w.tree.always
	}
	return w.tree.ignored
}

// add takes the file at name, whose place in the image is relative to base.
// follow gives the file behind a symlink instead of the link.
func (w *walk) add(name, base string, follow bool) error {
	skip, err := w.rules().MatchesOrParentMatches(name)
	if err != nil {
		return fmt.Errorf("matching %q: %w", name, err)
	}
	if skip {
		w.left++
		return nil
	}
	if len(w.files) == maxFiles {
		return fmt.Errorf("more than %d files", maxFiles)
	}
	rel := name
	if base != "." {
		rel = strings.TrimPrefix(name, base+"/")
	}
	entry := w.tree.entry
	if follow {
		entry = w.tree.behind
	}
	f, err := entry(name, base)
	if err != nil {
		return err
	}
	f.Path = strings.TrimPrefix(path.Join(w.copy.To, rel), "/")
	w.files = append(w.files, f)
	return nil
}

// entry is what stands at name: a file, or a symlink that stays below base.
func (t *Tree) entry(name, base string) (File, error) {
	info, err := t.root.Lstat(name)
	if err != nil {
		return File{}, err
	}
	if info.Mode()&fs.ModeSymlink == 0 {
		return t.behind(name, base)
	}
	link, err := t.link(name, base)
	return File{Source: name, Entry: layer.Entry{Mode: fs.ModeSymlink, Link: link}}, err
}

// behind is the regular file that name leads to, inside the project.
func (t *Tree) behind(name, _ string) (File, error) {
	content, err := layer.File(t.root, name)
	if err != nil {
		return File{}, err
	}
	info, err := t.root.Stat(name)
	if err != nil {
		return File{}, err
	}
	return File{
		Source:  name,
		ModTime: info.ModTime(),
		Entry:   layer.Entry{Mode: info.Mode().Perm(), Content: content},
	}, nil
}

// link reads a symlink's target and makes sure that it stays below base.
func (t *Tree) link(name, base string) (string, error) {
	target, err := t.root.Readlink(name)
	if err != nil {
		return "", err
	}
	inside := path.Join(path.Dir(name), target)
	if path.IsAbs(target) || climbs(target) || (base != "." && inside != base && !strings.HasPrefix(inside, base+"/")) || !fs.ValidPath(inside) {
		return "", hint.Wrap(fmt.Errorf("%q is a symlink to %q, which is outside of what is copied", name, target),
			"copy the file itself, or leave the link out in .aishipignore")
	}
	return target, nil
}

// climbs reports whether a path goes up behind a name: where that is a link, the
// path leads elsewhere than its text says.
func climbs(p string) bool {
	below := false
	for part := range strings.SplitSeq(p, "/") {
		if part == ".." && below {
			return true
		}
		below = below || part != "" && part != "." && part != ".."
	}
	return false
}

// explain gives the two errors that users meet most a hint.
func explain(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return hint.Wrap(err, "check the spelling, and that the step that makes the file ran before")
	case strings.Contains(err.Error(), "escapes from parent"):
		return hint.Wrap(err, "the path leads out of the project by a symlink; copy the file into the project")
	default:
		return err
	}
}
