//go:build !unix || solaris || aix

package registry

import (
	"fmt"
	"os"
	"runtime"
)

// tryLock fails: without a lock two servers would corrupt each other's index.
func tryLock(*os.File) error {
	return fmt.Errorf("locking the folder is not possible on %s", runtime.GOOS)
}
