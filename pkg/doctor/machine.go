package doctor

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/unit"
)

// The room that a run takes on a disk: the vulnerability database twice while it
// is swapped, and what the scanner keeps of layers. Layers themselves are never
// written.
const (
	little = 200 << 20 // bytes below which a run would end
	scarce = 3 << 30   // bytes below which a scan may
)

// Disk looks at the free space of a folder, or of the nearest one above that is
// there.
func Disk(folder string) func(context.Context) (Finding, error) {
	return func(context.Context) (Finding, error) {
		at := folder
		for {
			if _, err := os.Stat(at); err == nil || at == filepath.Dir(at) {
				break
			}
			at = filepath.Dir(at)
		}
		free, err := freeBytes(at)
		if err != nil {
			return Finding{Found: fmt.Sprintf("the free space of %s is not known: %v", folder, err)}, nil
		}
		text := fmt.Sprintf("%s free in %s", unit.FormatBytes(free), folder)
		switch {
		case free < little:
			return Finding{}, hint.Wrap(fmt.Errorf("only %s", text), "make room, or name another folder: TMPDIR for temporary files")
		case free < scarce:
			return Finding{text, "make room if a scan ends for it: the vulnerability database takes up to " + unit.FormatBytes(scarce)}, nil
		}
		return Finding{Found: text}, nil
	}
}

// Machine says what the run has to compute with.
func Machine(context.Context) (Finding, error) {
	const low = 1 << 30 // bytes of memory
	text := fmt.Sprintf("%s/%s, %d CPUs", runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0))
	free, ok := memory("/")
	if !ok {
		return Finding{Found: text}, nil
	}
	text += ", " + unit.FormatBytes(free) + " of memory"
	if free < low {
		return Finding{text, "give it 1 GiB or more: the scanner holds the packages of the image in memory"}, nil
	}
	return Finding{Found: text}, nil
}

// memory is what this process may take: what Linux has available, or its control
// group's limit where that is less. root is the file system's.
func memory(root string) (int64, bool) {
	f, err := os.Open(filepath.Join(root, "proc/meminfo"))
	if err != nil {
		return 0, false
	}
	defer f.Close()
	free, found := int64(0), false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "MemAvailable:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(text), " kB"), 10, 64)
			free, found = kib<<10, err == nil
		}
	}
	for _, name := range []string{"sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		data, err := os.ReadFile(filepath.Join(root, name))
		limit, wrong := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64)
		if err == nil && wrong == nil && found {
			free = min(free, limit)
		}
	}
	return free, found
}
