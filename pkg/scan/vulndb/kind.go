package vulndb

import (
	"fmt"
	"time"
)

// Kind is which of trivy's databases is meant. The zero value is Advisories.
type Kind int

const (
	// Advisories is the database of vulnerable packages, schema 2.
	Advisories Kind = iota
	// Java is the index of Maven artifacts by the digest of a jar, schema 1.
	Java
)

// Ages beyond which a database is refused, unless Options.MaxAge says another.
// The first is published every six hours, the second every week.
const (
	defaultMaxAge     = 48 * time.Hour
	defaultMaxAgeJava = 14 * 24 * time.Hour
)

// spec is what trivy's publisher calls the parts of a database.
type spec struct {
	noun      string // in errors
	record    string // of a store: the record's name and the folders' prefix
	mediaType string // of the artifact's only layer
	title     string // of that layer
	file      string // the archive's member beside metadata.json
	schema    int
	maxAge    time.Duration
}

func (k Kind) spec() spec {
	if k == Java {
		return spec{
			noun: "Java database", record: "java",
			mediaType: "application/vnd.aquasec.trivy.javadb.layer.v1.tar+gzip",
			title:     "javadb.tar.gz", file: "trivy-java.db", schema: 1, maxAge: defaultMaxAgeJava,
		}
	}
	return spec{
		noun: "vulnerability database", record: "advisories",
		mediaType: "application/vnd.aquasec.trivy.db.layer.v1.tar+gzip",
		title:     "db.tar.gz", file: "trivy.db", schema: 2, maxAge: defaultMaxAge,
	}
}

// String is the kind as errors call it.
func (k Kind) String() string { return k.spec().noun }

// titleKey is the annotation of a layer that holds a file's name.
const titleKey = "org.opencontainers.image.title"

// configType is the media type of the artifact's config, which says nothing.
const configType = "application/vnd.aquasec.trivy.config.v1+json"

// maxSkew is how far in the future a database may have been made: clocks
// differ, but one from the future would never be too old.
const maxSkew = time.Hour

// checkAge refuses a database that is too old, or from the future.
func checkAge(updated, now time.Time, limit time.Duration) error {
	age := now.Sub(updated)
	if age < -maxSkew {
		return fmt.Errorf("was made at %s, which is after this machine's time, %s", stamp(updated), stamp(now))
	}
	if age > limit {
		return &OldError{UpdatedAt: updated, Age: age, MaxAge: limit}
	}
	return nil
}

// OldError is the reason for refusing a database that is older than allowed.
type OldError struct {
	UpdatedAt   time.Time
	Age, MaxAge time.Duration
}

func (e *OldError) Error() string {
	return fmt.Sprintf("was made at %s, %s ago, at most %s is allowed",
		stamp(e.UpdatedAt), hours(e.Age), hours(e.MaxAge))
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// hours prints a duration as the config writes it, in whole hours where there
// are several.
func hours(d time.Duration) string {
	if d >= 2*time.Hour {
		return fmt.Sprintf("%dh", int(d/time.Hour))
	}
	return d.Round(time.Second).String()
}
