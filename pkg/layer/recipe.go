package layer

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// RecipeAnnotation is the key under which a layer's recipe stands on its
// descriptor.
const RecipeAnnotation = "dev.ai-ship.recipe"

// Recipe is the digest of all that decides the stored bytes: format version,
// kind, compression and the tar stream, which in turn holds the paths, owners,
// modes, times and contents. Two layers with one recipe are the same bytes, so
// a predecessor's descriptor under it can stand in for compressing again.
func (l *Layer) Recipe() (string, error) {
	diffID, err := l.DiffID()
	if err != nil {
		return "", err
	}
	text := fmt.Sprintf("ai-ship layer %s\nkind %s\ncompression %s\ndiffID %s\n", format, l.spec.Kind, l.spec.Compression, diffID)
	return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(text))), nil
}

// Reuse takes over a predecessor's stored form of the same recipe.
func (l *Layer) Reuse(d v1.Descriptor) error {
	diffID, err := l.DiffID()
	if err != nil {
		return err
	}
	if l.spec.Compression == Plain && (d.Digest != diffID || d.Size != l.tarball.size) {
		return fmt.Errorf("reusing layer %q: predecessor's %s is not its content %s", l.spec.Name, d.Digest, diffID)
	}
	l.Adopt(Facts{Digest: d.Digest, DiffID: diffID, Size: d.Size})
	return nil
}

// Stamp identifies the layer by its files' stamps instead of their bytes, for
// a cache on this machine. Settled is the last time that one of them changed:
// a file that changed within the clock's grain of being read may have changed
// again, so a cache leaves such a layer out.
func (l *Layer) Stamp() (stamp string, settled time.Time) { return l.stamp() }

func (l *Layer) makeStamp() (stamp string, settled time.Time) {
	type line struct {
		Path, Link, Stamp string
		Mode              int64
		UID, GID          int
	}
	h := sha256.New()
	fmt.Fprintf(h, "ai-ship layer %s\n%s\n%s\n%d\n", format, l.spec.Kind, l.spec.Compression, l.spec.ModTime.Unix())
	for _, e := range l.spec.Entries {
		n := line{Path: e.Path, Link: e.Link, Mode: e.perm(), UID: e.UID, GID: e.GID}
		if e.Content != nil {
			n.Stamp = e.Content.Stamp()
			if t := e.Content.Settled(); t.After(settled) {
				settled = t
			}
		} else {
			n.Stamp = e.Mode.Type().String()
		}
		row, _ := json.Marshal(n) // a struct of strings and numbers cannot fail
		fmt.Fprintf(h, "%s\n", row)
	}
	return fmt.Sprintf("sha256:%x", h.Sum(nil)), settled
}
