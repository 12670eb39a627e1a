//go:build unix && !solaris && !aix

package registry

import (
	"errors"
	"os"
	"syscall"

	"github.com/org/ai-ship/pkg/hint"
)

func tryLock(file *os.File) error {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return hint.Wrap(ErrLocked, "wait until it ends, or name another folder")
	}
	return err
}
