package release

import (
	"fmt"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// versionTags are the tags that text earns, the version itself first. Origin
// says what text is, for messages.
func versionTags(text, origin, suffix string, existing []string) ([]Tag, error) {
	why := fmt.Sprintf("%s %q", origin, text)
	names := []string{text}
	version, err := semver.StrictNewVersion(strings.TrimPrefix(text, "v"))
	if err == nil {
		names[0] = version.String()
		if strings.HasPrefix(text, "v") {
			names = append(names, text)
		}
	}
	var tags []Tag
	for _, name := range names {
		tag := join(clean(name), suffix)
		if clean(name) == "" || !validTag(tag) {
			return nil, fmt.Errorf("making a tag of %s: %q is none, expected a letter, digit or underscore, then up to %d of these, dots and dashes", why, tag, maxTag-1)
		}
		tags = append(tags, Tag{Name: tag, Why: why, Kind: KindVersion})
	}
	if err == nil && version.Prerelease() == "" {
		tags = append(tags, floats(version, suffix, existing)...)
	}
	return tags, nil
}

// floats are the shared tags that a stable version may take over.
func floats(version *semver.Version, suffix string, existing []string) []Tag {
	minor := fmt.Sprintf("%d.%d", version.Major(), version.Minor())
	major := fmt.Sprint(version.Major())
	ofMinor, ofMajor, ofAll := true, version.Major() > 0, suffix == ""
	for _, other := range stable(existing, suffix) {
		if !other.GreaterThan(version) {
			continue
		}
		ofAll = false
		if other.Major() == version.Major() {
			ofMajor = false
			ofMinor = ofMinor && other.Minor() != version.Minor()
		}
	}
	var tags []Tag
	if ofMinor {
		tags = append(tags, Tag{Name: join(minor, suffix), Why: "highest release of " + minor, Kind: KindFloat})
	}
	if ofMajor {
		tags = append(tags, Tag{Name: join(major, suffix), Why: "highest release of " + major, Kind: KindFloat})
	}
	if ofAll {
		tags = append(tags, Tag{Name: latest, Why: "highest release", Kind: KindLatest})
	}
	return tags
}

// stable picks the stable versions of the suffix's family from tags. Without
// suffix that is X.Y.Z alone: X.Y.Z-S is a pre-release or another family's.
func stable(tags []string, suffix string) []*semver.Version {
	var versions []*semver.Version
	for _, tag := range tags {
		text, ours := strings.CutSuffix(tag, join("", suffix))
		if !ours {
			continue
		}
		version, err := semver.StrictNewVersion(strings.TrimPrefix(text, "v"))
		if err == nil && version.Prerelease() == "" {
			versions = append(versions, version)
		}
	}
	return versions
}
