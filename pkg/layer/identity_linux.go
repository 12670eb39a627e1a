package layer

import (
	"io/fs"
	"syscall"
	"time"
)

// identity is a file's inode number and the time its inode last changed,
// which, unlike the modification time, no program can set back.
func identity(info fs.FileInfo) (inode uint64, changed time.Time) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, info.ModTime()
	}
	return st.Ino, time.Unix(st.Ctim.Unix())
}
