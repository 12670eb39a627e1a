package scan

import (
	"context"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Scanner looks into an image that has not been pushed yet.
//
// Scan must return what it could not look at in Findings.Skipped; an error
// means that the result says nothing about the image. Implementations end
// when ctx does, and leave no file behind.
type Scanner interface {
	Scan(ctx context.Context, image v1.Image) (Findings, error)
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
	ID       string   `json:"id"` // advisory or rule, such as CVE-2024-3094
	Severity Severity `json:"severity"`
	Layer    v1.Hash  `json:"layer,omitzero"` // digest of the layer that holds Path; absent when not known
	Path     string   `json:"path"`
	Package  string   `json:"package,omitempty"`
	Fixed    string   `json:"fixed,omitempty"` // first version without the problem
	Title    string   `json:"title"`
}

// Skip is something that was not looked at, and why.
type Skip struct {
	Layer  v1.Hash `json:"layer,omitzero"`
	Path   string  `json:"path,omitempty"`
	Reason string  `json:"reason"`
}

// Findings is a scan's whole result. Ran is false when no scanner looked: an
// empty Findings then means nothing was checked, not that nothing was found.
type Findings struct {
	Ran             bool      `json:"ran"`
	Vulnerabilities []Finding `json:"vulnerabilities"`
	Models          []Finding `json:"models"`
	Secrets         []Finding `json:"secrets"`
	Skipped         []Skip    `json:"skipped"`
}

// Merge adds the findings of another image of the same index.
func (f *Findings) Merge(other Findings) {
	f.Ran = f.Ran || other.Ran
	f.Vulnerabilities = append(f.Vulnerabilities, other.Vulnerabilities...)
	f.Models = append(f.Models, other.Models...)
	f.Secrets = append(f.Secrets, other.Secrets...)
	f.Skipped = append(f.Skipped, other.Skipped...)
}
