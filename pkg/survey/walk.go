package survey

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// The limits of a survey.
const (
	maxFiles = 20_000    // files and folders that are listed
	maxDepth = 8         // folders inside each other
	maxText  = 256 << 10 // bytes of one source file
	maxTexts = 32 << 20  // bytes of all source files together
)

// file is a regular file of the folder.
type file struct {
	path string
	size int64
}

// looker gathers what one survey is made of.
type looker struct {
	root   *os.Root
	files  []file // sorted by path
	texts  map[string]string
	read   int64 // bytes of texts
	golang []Server
	left   []string
}

var errFull = errors.New("full")

// passed are folders that hold nothing of the project's own.
func passed(name string) bool {
	return slices.Contains([]string{
		".git", ".hg", ".svn", ".venv", "venv", "node_modules", "__pycache__", ".tox", ".nox", ".mypy_cache", ".pytest_cache",
		".ruff_cache", ".ipynb_checkpoints", "site-packages", ".ai-ship", "ai-ship-out", ".dvc", ".idea", ".vscode", ".cache",
	}, name)
}

// Wheels is where a first config has pip put a project's packages.
const Wheels = "build/python"

func (l *looker) walk(ctx context.Context) error {
	entries := 0
	err := fs.WalkDir(l.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && name == ".":
			return err
		case err != nil:
			l.leave("%s cannot be read: %v", name, errors.Unwrap(err))
			return fs.SkipDir
		}
		if entries++; entries > maxFiles {
			return errFull
		}
		if d.IsDir() {
			return l.enter(name)
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			l.files = append(l.files, file{name, info.Size()})
		}
		return nil
	})
	if errors.Is(err, errFull) {
		l.leave("there are more than %d files and folders; the rest was not looked at", maxFiles)
		err = nil
	}
	slices.SortFunc(l.files, func(a, b file) int { return strings.Compare(a.path, b.path) })
	return err
}

// enter is SkipDir for a folder that is passed over.
func (l *looker) enter(name string) error {
	if name == "." {
		return nil
	}
	if _, err := l.root.Lstat(path.Join(name, "pyvenv.cfg")); err == nil || passed(path.Base(name)) || name == Wheels {
		return fs.SkipDir
	}
	if strings.Count(name, "/") >= maxDepth {
		l.leave("%s lies deeper than %d folders", name, maxDepth)
		return fs.SkipDir
	}
	return nil
}

func (l *looker) leave(format string, args ...any) {
	const most = 10 // sentences
	if len(l.left) < most {
		l.left = append(l.left, fmt.Sprintf(format, args...))
	}
}

// named are the files with one of these endings.
func (l *looker) named(endings ...string) []string {
	var names []string
	for _, f := range l.files {
		if slices.Contains(endings, path.Ext(f.path)) {
			names = append(names, f.path)
		}
	}
	return names
}

func (l *looker) has(name string) bool {
	_, found := slices.BinarySearchFunc(l.files, name, func(f file, name string) int { return strings.Compare(f.path, name) })
	return found
}

// text is a source file's content; "" where it is none, too large or one too many.
func (l *looker) text(name string) string {
	if text, ok := l.texts[name]; ok {
		return text
	}
	if l.read >= maxTexts || !l.has(name) {
		return ""
	}
	text := ""
	if f, err := l.root.Open(name); err == nil {
		data, err := io.ReadAll(io.LimitReader(f, maxText+1))
		f.Close()
		if err == nil && len(data) <= maxText && utf8.Valid(data) {
			text = string(data)
		}
	}
	if l.read += int64(len(text)); l.read >= maxTexts {
		l.leave("the sources are larger than %d MiB; the rest was not read", maxTexts>>20)
	}
	l.texts[name] = text
	return text
}

// procfile is the command of the web process.
func (l *looker) procfile() string {
	for line := range strings.Lines(l.text("Procfile")) {
		if command, ok := strings.CutPrefix(line, "web:"); ok {
			return strings.TrimSpace(command)
		}
	}
	return ""
}

// resources are folders that web frameworks read at run time.
func (l *looker) resources() []string {
	var found []string
	for _, name := range []string{"static", "templates"} {
		if slices.ContainsFunc(l.files, func(f file) bool { return strings.HasPrefix(f.path, name+"/") }) {
			found = append(found, name)
		}
	}
	return found
}
