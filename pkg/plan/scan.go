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
	// Packages says that a gate is about vulnerabilities. Looking for them costs
	// a database, and the base's bytes where the cache does not know it.
	Packages bool
	// Databases are tried one after the other; DatabaseFile, a folder or archive
	// of the project, stands in their place where the config names one.
	Databases    []name.Reference
	DatabaseFile string
	MaxAge       time.Duration
	IgnoreFile   string   // in the project; "" for none
	VEX          []string // in the project
}

// publicDatabases are Trivy's own.
func publicDatabases() []string {
	return []string{"mirror.gcr.io/aquasec/trivy-db:2", "ghcr.io/aquasecurity/trivy-db:2"}
}

// embedded stands in a database's reference for the registry that a run serves
// itself.
const embedded = "embedded/"

// scanning decides how to scan; registry is the host that the run pushes to in
// place of the image's, "" for the image's own.
func scanning(c *config.Config, registry string) (Scan, error) {
	v := c.Gates.Vulnerabilities
	if v == nil {
		return Scan{}, nil
	}
	s := Scan{Packages: true, IgnoreFile: v.IgnoreFile, VEX: v.VEX}
	var err error
	if s.MaxAge, err = time.ParseDuration(c.Scan.MaxAge); err != nil {
		return Scan{}, fmt.Errorf("scan.max-age: %w", err)
	}
	refs := publicDatabases()
	if c.Scan.DB != "" {
		if !strings.Contains(c.Scan.DB, ":") {
			s.DatabaseFile = c.Scan.DB
			return s, nil
		}
		refs = []string{c.Scan.DB}
		if path, ok := strings.CutPrefix(c.Scan.DB, embedded); ok {
			refs = []string{registry + "/" + path}
		}
	}
	for _, text := range refs {
		ref, err := name.ParseReference(text)
		if err != nil {
			return Scan{}, fmt.Errorf("scan.db: %w", err)
		}
		s.Databases = append(s.Databases, ref)
	}
	return s, nil
}
