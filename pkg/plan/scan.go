package plan

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/org/ai-ship/pkg/config"
)

// Scan is how the image is scanned.
type Scan struct {
	// Packages says that a gate is about vulnerabilities or licences. Looking for them costs
	// a database, and the base's bytes where the cache does not know it.
	Packages   bool
	Database   Database
	Java       Database // for images with Java archives
	IgnoreFile string   // in the project; "" for none
	VEX        []string // in the project
}

// Database is where a database comes from.
type Database struct {
	// Refs are tried one after the other; File, a folder or archive of the
	// project, stands in their place where the config names one.
	Refs   []name.Reference
	File   string
	MaxAge time.Duration
}

// javaMaxAge is how old a Java database may be at least: one is published every
// week, and what an archive is called does not change.
const javaMaxAge = 14 * 24 * time.Hour

// publicDatabases are Trivy's own.
func publicDatabases() []string {
	return []string{"mirror.gcr.io/aquasec/trivy-db:2", "ghcr.io/aquasecurity/trivy-db:2"}
}

func publicJavaDatabases() []string {
	return []string{"mirror.gcr.io/aquasec/trivy-java-db:1", "ghcr.io/aquasecurity/trivy-java-db:1"}
}

// embedded stands in a database's reference for the registry that a run serves
// itself.
const embedded = "embedded/"

// Scanning decides how to scan; registry is the host that the run pushes to in
// place of the image's, "" for the image's own.
func Scanning(c *config.Config, registry string) (Scan, error) {
	v := c.Gates.Vulnerabilities
	if v == nil && c.Gates.Licenses == nil {
		return Scan{}, nil
	}
	s := Scan{Packages: true}
	if v != nil {
		s.IgnoreFile, s.VEX = v.IgnoreFile, v.VEX
	}
	age, err := time.ParseDuration(c.Scan.MaxAge)
	if err != nil {
		return Scan{}, fmt.Errorf("scan.max-age: %w", err)
	}
	if s.Database, err = database(c.Scan.DB, registry, publicDatabases()); err != nil {
		return Scan{}, fmt.Errorf("scan.db: %w", err)
	}
	if s.Java, err = database(c.Scan.JavaDB, registry, publicJavaDatabases()); err != nil {
		return Scan{}, fmt.Errorf("scan.java-db: %w", err)
	}
	s.Database.MaxAge, s.Java.MaxAge = age, max(age, javaMaxAge)
	return s, nil
}

// database is the one that the config names, or a public one.
func database(named, registry string, public []string) (d Database, err error) {
	refs := public
	if named != "" {
		if !strings.Contains(named, ":") {
			return Database{File: named}, nil
		}
		refs = []string{named}
		if path, ok := strings.CutPrefix(named, embedded); ok {
			refs = []string{registry + "/" + path}
		}
	}
	for _, text := range refs {
		ref, err := name.ParseReference(text)
		if err != nil {
			return Database{}, err
		}
		d.Refs = append(d.Refs, ref)
	}
	return d, nil
}
