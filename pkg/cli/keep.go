package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/org/ai-ship/pkg/scan/memory"
	"github.com/org/ai-ship/pkg/seal"
)

// stateKeyEnv names the variable that holds the secret of who may write what
// later runs believe, where no folder of the user's outlives a job.
const stateKeyEnv = "AI_SHIP_STATE_KEY"

const minStateKey = 32 // characters

// kept is what the next scan can use: databases, and what was found in what does
// not change.
type kept struct {
	root   *os.Root // nil: nothing is kept, and databases lie in a folder of this run
	key    seal.Key
	memory *memory.Memory // nil with root
	opened []*os.Root
	temp   string
}

// keep opens what the project keeps, in its own folder. A dry run makes none, and
// without a key there is nothing to believe in one. The caller closes it.
func (p Process) keep(project *project, dryRun bool) (*kept, error) {
	const folder = stateDir + "/scan"
	k := &kept{key: seal.Random()}
	if _, err := project.root.Stat(folder); err != nil && dryRun {
		return k, nil
	}
	key, ok, err := p.stateKey(project.dir)
	if err != nil || !ok {
		return k, err
	}
	k.key = key
	k.root, err = k.folder(project.root, folder)
	if err == nil {
		var results *os.Root
		results, err = k.folder(k.root, "results")
		k.memory = memory.New(results, key, p.generation())
	}
	if err != nil {
		return nil, errors.Join(err, k.close())
	}
	return k, nil
}

// databases is the folder of databases.
func (k *kept) databases() (dir *os.Root, err error) {
	if k.root == nil {
		if k.temp, err = os.MkdirTemp("", "ai-ship-scan-"); err != nil {
			return nil, err
		}
		if k.root, err = os.OpenRoot(k.temp); err != nil {
			return nil, err
		}
		k.opened = append(k.opened, k.root)
	}
	return k.folder(k.root, "db")
}

// folder opens a folder that is made if it is not there, and that no link leads
// out of.
func (k *kept) folder(in *os.Root, name string) (*os.Root, error) {
	err := in.MkdirAll(name, 0o755)
	var dir *os.Root
	if err == nil {
		dir, err = in.OpenRoot(name)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the scan's folder: %w", err)
	}
	k.opened = append(k.opened, dir)
	return dir, nil
}

// close removes what was made for this run only.
func (k *kept) close() error {
	var errs []error
	for _, dir := range k.opened {
		errs = append(errs, dir.Close())
	}
	if k.temp != "" {
		errs = append(errs, os.RemoveAll(k.temp))
	}
	return errors.Join(errs...)
}

// generation is the program that results are of: a build that no release has
// numbered goes by its revision.
func (p Process) generation() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return p.Version + " " + info.Main.Version
	}
	return p.Version
}

// stateKey is the key of what earlier runs kept. It is in a variable, or among
// the user's own files, but never where a repository could bring it along: there
// it would prove nothing. Without one, nothing is believed.
func (p Process) stateKey(project string) (key seal.Key, ok bool, err error) {
	if secret := p.Getenv(stateKeyEnv); secret != "" {
		if len(secret) < minStateKey {
			return key, false, misuse(fmt.Errorf("reading %s: found %d characters, expected at least %d", stateKeyEnv, len(secret), minStateKey))
		}
		return seal.New(secret), true, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil || within(resolved(dir), repository(project)) {
		return key, false, nil //nolint:nilerr // no place for a key: a slower run, not a failed one
	}
	key, err = seal.Open(filepath.Join(dir, "ai-ship", "state.key"))
	return key, err == nil, nil //nolint:nilerr // as above
}

// repository is the outermost folder around the project that git looks after, or
// the project.
func repository(project string) string {
	top := resolved(project)
	for dir := top; ; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			top = dir
		}
		if dir == filepath.Dir(dir) {
			return top
		}
	}
}

func within(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err != nil || filepath.IsLocal(rel)
}

// resolved is the absolute path without links, as far as it exists.
func resolved(path string) string {
	path, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	if real, err := filepath.EvalSymlinks(path); err == nil || path == filepath.Dir(path) {
		return real
	}
	return filepath.Join(resolved(filepath.Dir(path)), filepath.Base(path))
}
