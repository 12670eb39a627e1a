//go:build unix

package testreport_test

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/org/ai-ship/pkg/testreport"
)

// Opening a pipe without a writer would never return.
func TestReadRefusesPipes(t *testing.T) {
	dir, root := project(t, map[string]string{"a.json": `{"a": 1}`})
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.xml"), 0o644); err != nil {
		t.Skip(err)
	}
	_, err := testreport.Read(t.Context(), root, []string{"*.*"})
	if want := `reading report "pipe.xml": is no regular file (p---------)`; err == nil || err.Error() != want {
		t.Errorf("Read: %v, want %s", err, want)
	}
}
