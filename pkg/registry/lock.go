package registry

import (
	"errors"
	"os"
	"path/filepath"
)

// lockFile is created in the folder and stays there; only its lock counts.
const lockFile = ".lock"

// ErrLocked is the error of a folder that another server has.
var ErrLocked = errors.New("another process serves this folder")

// lock is the exclusive right to a folder. It ends with the process.
type lock struct {
	file *os.File
}

func acquire(dir string) (*lock, error) {
	file, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	if err := tryLock(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &lock{file}, nil
}

func (l *lock) release() error { return l.file.Close() }
