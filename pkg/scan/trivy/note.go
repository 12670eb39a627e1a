package trivy

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"unicode"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/scan"
)

const (
	maxNotes  = 1000 // notes of a scan; what follows is one note more
	maxDetail = 400  // bytes of a note's text
)

// note is a log record of trivy that says something about the result.
type note struct {
	level   slog.Level
	message string
	path    string
	failed  bool   // it carries an error
	detail  string // message and attributes, one line
}

// collector keeps the notes of the scan that runs.
type collector struct {
	mu     sync.Mutex
	active bool
	notes  []note
}

func (c *collector) start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.active, c.notes = true, nil
}

func (c *collector) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.active, c.notes = false, nil
}

// take returns the notes since the last call.
func (c *collector) take() []note {
	c.mu.Lock()
	defer c.mu.Unlock()
	notes := c.notes
	c.notes = nil
	return notes
}

func (c *collector) add(n note) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !c.active:
	case len(c.notes) < maxNotes:
		c.notes = append(c.notes, n)
	case len(c.notes) == maxNotes:
		c.notes = append(c.notes, note{level: slog.LevelError, message: "Analysis error", failed: true, detail: "more problems than are listed"})
	}
}

// handler is the slog.Handler in front of a collector. It prints nothing.
type handler struct {
	to    *collector
	attrs []slog.Attr
}

func (h *handler) Enabled(context.Context, slog.Level) bool { return true }

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{to: h.to, attrs: slices.Concat(h.attrs, attrs)}
}

func (h *handler) WithGroup(string) slog.Handler { return h }

// Handle keeps what has an error, is a warning, or is known to matter.
func (h *handler) Handle(_ context.Context, r slog.Record) error {
	n := note{level: r.Level, message: r.Message}
	var rest []string
	attr := func(a slog.Attr) bool {
		value := a.Value.Resolve()
		switch err, isErr := value.Any().(error); {
		case isErr:
			n.failed = true
			rest = append(rest, err.Error())
		case a.Key == "file_path":
			n.path = strings.TrimPrefix(value.String(), "/")
		case a.Key != "prefix":
			rest = append(rest, a.Key+" "+value.String())
		}
		return true
	}
	for _, a := range h.attrs {
		attr(a)
	}
	r.Attrs(attr)
	if n.kind() == harmless {
		return nil
	}
	n.detail = oneLine(strings.Join(append([]string{r.Message}, rest...), ": "), maxDetail)
	h.to.add(n)
	return nil
}

const (
	harmless = ""
	skipped  = "skipped" // left out on purpose
)

// kind is the ID of what the record makes incomplete, or harmless, or skipped.
// A record that this version of trivy did not have when this was written counts
// when it is a warning or carries an error.
func (n note) kind() string {
	switch n.message {
	case "Analysis error":
		return "analysis-error"
	case "Walk error":
		return "walk-error"
	case "Version matching error", "Installed package version error", "Invalid version", "Invalid source version",
		"Invalid version found", "Failed to parse the installed package version", "Failed to parse the fixed version",
		"Failed to parse the affected package version", "Failed to parse constraints", "Failed to parse version constraints":
		return "unparsable-version"
	case "Unsupported os":
		return "unsupported-os"
	case "This OS version is no longer supported by the distribution":
		return "unsupported-os-version"
	case "Skipping vulnerability scan as no version is detected for the package", "Skipping third-party packages":
		return skipped
	}
	if knownHarmless(n.message) || n.level < slog.LevelWarn && !n.failed {
		return harmless
	}
	return "analysis-error"
}

// knownHarmless are records that look like problems and lose no package, or
// that the report tells in another way.
func knownHarmless(message string) bool {
	for _, prefix := range []string{
		"Using severities from other vendors", // about UNKNOWN severities
		"No severity found in specified sources",
		"Unable to get vulnerability details", // the finding stays, its severity is unknown
		"Data source error",
		"This OS version is not on the EOL list",
		"The vulnerability detection may be insufficient because security updates", // goes with the one before it
		"No OS package is detected", `e.g. files under "/lib/apk/db/"`,             // told by the report's packages
		"The library type is not supported for vulnerability scanning", // told by the coverage
		"Conda package is supported for SBOM",                          // told by the coverage
		"The size of the scanned file is too large",                    // it is scanned
		"MIME protocol error",                                          // name and version are checked after it
		"Unable to parse the available file",                           // only checksums of Debian packages
		"Unable to collect additional info",                            // licences
		"Unable to get checksum",
		"Unable to marshal SPDX licenses",
		"Could not parse -ldflags found in build info",
		"Not an ELF binary", "No symbol table found", // a stripped Go binary: its modules are in the build info all the same
		"Failed to parse repo tag/digest", "Failed to parse artifact name as image reference",
		"Failed to parse Debian version",
		"Failed to parse licenses",
	} {
		if strings.HasPrefix(message, prefix) {
			return true
		}
	}
	return false
}

// gaps sorts notes into what is incomplete and what was left out; layer is the
// digest of the layer that they are about, or zero.
func gaps(notes []note, layer v1.Hash) (incomplete []scan.Incomplete, skips []scan.Skip) {
	for _, n := range notes {
		switch kind := n.kind(); kind {
		case harmless:
		case skipped:
			skips = append(skips, scan.Skip{Layer: layer, Path: n.path, Reason: n.detail})
		default:
			incomplete = append(incomplete, scan.Incomplete{ID: kind, Layer: layer, Path: n.path, Detail: n.detail})
		}
	}
	return incomplete, skips
}

// oneLine makes text of unknown origin fit for a line of limit bytes.
func oneLine(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "") + "…"
	}
	return text
}

// incompletef is an Incomplete with a formatted detail.
func incompletef(id, format string, args ...any) scan.Incomplete {
	return scan.Incomplete{ID: id, Detail: oneLine(fmt.Sprintf(format, args...), maxDetail)}
}
