package scan

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Scanner looks into an image that has not been pushed yet.
//
// Scan must return what it could not look at in Findings.Incomplete; an error
// means that the result says nothing about the image. Implementations end
// when ctx does, and leave no file behind.
type Scanner interface {
	Scan(ctx context.Context, target Target) (Findings, error)
}

// Severity orders findings. Unknown is the lowest value but no statement of
// harmlessness: policies treat it by a rule of its own.
type Severity int

const (
	Unknown Severity = iota
	Low
	Medium
	High
	Critical
)

// severities are the names of the values, in their order.
func severities() []string { return []string{"unknown", "low", "medium", "high", "critical"} }

// String is the severity in lower case. A value out of range is unknown.
func (s Severity) String() string {
	if s < Unknown || s > Critical {
		s = Unknown
	}
	return severities()[s]
}

// MarshalText writes what String returns; it never fails.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText wrote. Another word is an error.
func (s *Severity) UnmarshalText(text []byte) error {
	i := slices.Index(severities(), string(text))
	if i < 0 {
		const shown = 40 // bytes of a word that is no severity
		return fmt.Errorf("found the severity %q, expected one of %q", text[:min(len(text), shown)], severities())
	}
	*s = Severity(i)
	return nil
}

// Finding is one thing that a scanner found, and where.
type Finding struct {
	ID       string   `json:"id"` // advisory or rule, such as CVE-2024-3094 or pickle-global
	Severity Severity `json:"severity"`
	Layer    v1.Hash  `json:"layer,omitzero"` // digest of the layer that holds Path; absent when not known
	Path     string   `json:"path"`
	Title    string   `json:"title"` // one line; never the secret itself
	Link     string   `json:"link,omitempty"`
	Source   string   `json:"source,omitempty"` // who says so: the advisory's publisher, or the rule set

	// Of a vulnerable package:
	Package string `json:"package,omitempty"`
	Version string `json:"version,omitempty"` // installed
	Fixed   string `json:"fixed,omitempty"`   // versions without the problem, "" when there is none yet
	PURL    string `json:"purl,omitempty"`
	Status  string `json:"status,omitempty"` // affected, fixed, will_not_fix and others, as the source has it

	// Of a file:
	Line    int    `json:"line,omitempty"`    // of a text, from 1
	Offset  int64  `json:"offset,omitempty"`  // of binary data
	Calls   string `json:"calls,omitempty"`   // what loading the file would call
	Convert string `json:"convert,omitempty"` // what to ship instead, in one sentence

	Ignored *Ignored `json:"ignored,omitempty"` // nil: it counts
}

// Ignored says who took a finding out of the gate, why and until when.
type Ignored struct {
	By     string `json:"by"` // the file, as the config names it, or the image that has the finding already
	Reason string `json:"reason"`
	Until  string `json:"until,omitempty"` // YYYY-MM-DD, the last day; "" for ever
	// Known says that it is no decision: By is an image that has it already.
	Known bool `json:"known,omitempty"`
}

// Skip is something that was left out on purpose, and why.
type Skip struct {
	Layer  v1.Hash `json:"layer,omitzero"`
	Path   string  `json:"path,omitempty"`
	Reason string  `json:"reason"`
}

// Incomplete is something that should have been looked at and could not be. A
// gate refuses it unless the config accepts its ID.
type Incomplete struct {
	ID     string  `json:"id"` // stable, such as unknown-os, analysis-error or no-advisories-debian
	Layer  v1.Hash `json:"layer,omitzero"`
	Path   string  `json:"path,omitempty"`
	Detail string  `json:"detail"` // one sentence
}

// Database is what vulnerabilities were looked up in.
type Database struct {
	Ref       string     `json:"ref"`    // where it came from
	Digest    string     `json:"digest"` // of the artifact, or of the file
	UpdatedAt time.Time  `json:"updatedAt"`
	Fixture   bool       `json:"fixture"` // made for tests and demonstrations: it knows a few dozen advisories
	Coverage  []Coverage `json:"coverage"`
}

// Coverage is how many advisories the database has for what the image holds.
type Coverage struct {
	Ecosystem  string `json:"ecosystem"` // such as pip or debian 12
	Packages   int    `json:"packages"`  // of the image
	Advisories int    `json:"advisories"`
}

// Model is what a model file is.
type Model struct {
	Path         string   `json:"path"`
	Format       string   `json:"format"`
	Framework    string   `json:"framework,omitempty"`
	Version      string   `json:"version,omitempty"`
	Architecture string   `json:"architecture,omitempty"`
	Dtypes       []string `json:"dtypes,omitempty"`
	Parameters   int64    `json:"parameters,omitempty"`
	Quantisation string   `json:"quantisation,omitempty"`
	License      string   `json:"license,omitempty"`
	Datasets     []string `json:"datasets,omitempty"` // that the model card names
	Size         int64    `json:"size,omitempty"`     // bytes of the file, 0 when it stands in an archive
	SHA256       string   `json:"sha256,omitempty"`   // hex, of a file that was worth reading for it
}

// License is the licence of a package, or of a model file. One package may have
// several, which hold together.
type License struct {
	Name     string   `json:"name"`     // SPDX identifier or expression, where it is known as one
	Category string   `json:"category"` // forbidden, restricted, reciprocal, notice, permissive, unencumbered or unknown
	Severity Severity `json:"severity"` // of the category
	// Choices are the sets of identifiers of which one has to hold whole: an OR
	// offers several, an AND makes a set larger. Absent where Name is the only one.
	Choices [][]string `json:"choices,omitempty"`
	Package string     `json:"package,omitempty"` // absent of a model
	Version string     `json:"version,omitempty"`
	Layer   v1.Hash    `json:"layer,omitzero"`
	Path    string     `json:"path"`
	Ignored *Ignored   `json:"ignored,omitempty"` // nil: it counts
}

// Document is a file that a scanner writes beside its findings, such as an SBOM.
type Document struct {
	Name string // sbom.cdx.json and the like
	Data []byte
}

// Findings is a scan's whole result. Ran is false when no scanner looked: an
// empty Findings then means nothing was checked, not that nothing was found.
type Findings struct {
	Ran             bool         `json:"ran"`
	Database        *Database    `json:"db"`               // nil when no packages were looked up
	Engine          string       `json:"engine,omitempty"` // version of the package scanner
	Vulnerabilities []Finding    `json:"vulnerabilities"`
	Models          []Finding    `json:"models"`
	Secrets         []Finding    `json:"secrets"`
	Licenses        []License    `json:"licenses"`
	Skipped         []Skip       `json:"skipped"`
	Incomplete      []Incomplete `json:"incomplete"`
	Inventory       []Model      `json:"inventory"` // what each model file is
	Documents       []Document   `json:"-"`
}

// Merge adds the findings of another image of the same index.
func (f *Findings) Merge(other Findings) {
	f.Ran = f.Ran || other.Ran
	f.Engine = cmp.Or(f.Engine, other.Engine)
	f.Vulnerabilities = append(f.Vulnerabilities, other.Vulnerabilities...)
	f.Models = append(f.Models, other.Models...)
	f.Secrets = append(f.Secrets, other.Secrets...)
	f.Licenses = append(f.Licenses, other.Licenses...)
	f.Skipped = append(f.Skipped, other.Skipped...)
	f.Incomplete = append(f.Incomplete, other.Incomplete...)
	f.Inventory = append(f.Inventory, other.Inventory...)
	f.Documents = append(f.Documents, other.Documents...)
	switch {
	case other.Database == nil:
	case f.Database == nil:
		f.Database = other.Database
	default: // the same one, for another platform
		both := *f.Database
		both.Coverage = append(slices.Clone(both.Coverage), other.Database.Coverage...)
		f.Database = &both
	}
}
