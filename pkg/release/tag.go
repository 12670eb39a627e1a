package release

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/org/ai-ship/pkg/hint"
)

const (
	maxTag    = 128 // bytes; distribution-spec, "Pulling manifests"
	maxSuffix = 64  // bytes
	latest    = "latest"
)

// validTag holds a name to the distribution-spec's grammar of tags.
func validTag(name string) bool {
	return regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`).MatchString(name)
}

// clean makes text a valid tag, or "": every run of other characters becomes
// one dash, and what a tag cannot begin with goes. The length is the caller's.
func clean(text string) string {
	text = regexp.MustCompile(`[^A-Za-z0-9._-]+`).ReplaceAllString(text, "-")
	return strings.TrimLeft(text, ".-")
}

func cleanSuffix(suffix string) (string, error) {
	if suffix == "auto" {
		return "", hint.Wrap(
			fmt.Errorf("reading suffix %q: it needs the Python packages of the image and is not available yet", suffix),
			"write the suffix itself, such as pytorch2.1")
	}
	cleaned := clean(suffix)
	if suffix != "" && cleaned == "" {
		return "", fmt.Errorf("reading suffix %q: expected letters, digits, dots and dashes", suffix)
	}
	if len(cleaned) > maxSuffix {
		return "", fmt.Errorf("reading suffix %q: found %d bytes, expected at most %d", suffix, len(cleaned), maxSuffix)
	}
	return cleaned, nil
}

func join(name, suffix string) string {
	if suffix == "" {
		return name
	}
	return name + "-" + suffix
}
