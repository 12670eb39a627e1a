package trivy

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aquasecurity/trivy/pkg/clock"
	"github.com/aquasecurity/trivy/pkg/types"

	"github.com/org/ai-ship/pkg/scan"
)

// The limits of GitLab's container scanning schema, in characters.
const (
	maxGitLabName = 255
	maxGitLabText = 7000
)

// gitLabReport is GitLab's container scanning report, schema 15.0.7.
// https://gitlab.com/gitlab-org/security-products/security-report-schemas
type gitLabReport struct {
	Version         string                `json:"version"`
	Scan            gitLabScan            `json:"scan"`
	Vulnerabilities []gitLabVulnerability `json:"vulnerabilities"`
	Remediations    []struct{}            `json:"remediations"`
}

type gitLabScan struct {
	Analyzer gitLabTool `json:"analyzer"`
	Scanner  gitLabTool `json:"scanner"`
	Start    string     `json:"start_time"` // UTC, without zone
	End      string     `json:"end_time"`
	Status   string     `json:"status"` // success or failure
	Type     string     `json:"type"`
}

type gitLabTool struct {
	ID      string       `json:"id"`
	Name    string       `json:"name"`
	Version string       `json:"version"`
	Vendor  gitLabVendor `json:"vendor"`
}

type gitLabVendor struct {
	Name string `json:"name"`
}

type gitLabVulnerability struct {
	ID          string             `json:"id"`
	Name        string             `json:"name"`
	Description string             `json:"description"`
	Severity    string             `json:"severity"`
	Solution    string             `json:"solution"`
	Identifiers []gitLabIdentifier `json:"identifiers"`
	Links       []gitLabLink       `json:"links,omitempty"`
	Location    gitLabLocation     `json:"location"`
}

type gitLabIdentifier struct {
	Type  string `json:"type"`
	Name  string `json:"name"`
	Value string `json:"value"`
	URL   string `json:"url,omitempty"`
}

type gitLabLink struct {
	URL string `json:"url"`
}

type gitLabLocation struct {
	Dependency struct {
		Package struct {
			Name string `json:"name"`
		} `json:"package"`
		Version string `json:"version"`
	} `json:"dependency"`
	OperatingSystem string `json:"operating_system"`
	Image           string `json:"image"`
}

// gitlab is the report of the vulnerabilities that count.
func (s *session) gitlab(ctx context.Context, r types.Report) ([]byte, error) {
	// The schema wants the time without a zone; it means UTC.
	now := clock.Now(ctx).UTC().Format("2006-01-02T15:04:05")
	tool := gitLabTool{ID: "trivy", Name: "Trivy", Version: Version, Vendor: gitLabVendor{"Aqua Security"}}
	system := "unknown"
	if os := r.Metadata.OS; os != nil {
		system = strings.TrimSpace(string(os.Family) + " " + os.Name)
	}
	out := gitLabReport{
		Version: "15.0.7", Vulnerabilities: []gitLabVulnerability{}, Remediations: []struct{}{},
		Scan: gitLabScan{Analyzer: tool, Scanner: tool, Start: now, End: now, Status: "success", Type: "container_scanning"},
	}
	for _, result := range r.Results {
		for _, v := range result.Vulnerabilities {
			one := s.gitLabVulnerability(r, result, v)
			one.Location.OperatingSystem, one.Location.Image = system, s.target.Name
			out.Vulnerabilities = append(out.Vulnerabilities, one)
		}
	}
	return json.MarshalIndent(out, "", "  ")
}

func (s *session) gitLabVulnerability(r types.Report, in types.Result, v types.DetectedVulnerability) gitLabVulnerability {
	finding := s.vulnerability(v, in)
	solution := "No fixed version is known"
	if v.FixedVersion != "" {
		solution = fmt.Sprintf("Upgrade %s to %s", v.PkgName, v.FixedVersion)
	}
	out := gitLabVulnerability{
		ID:          s.identifier(r, in.Target, v.VulnerabilityID, v.PkgName, v.InstalledVersion, v.PkgPath).String(),
		Name:        oneLine(cmp.Or(v.Title, v.VulnerabilityID+" in "+v.PkgName), maxGitLabName-4),
		Description: strings.ToValidUTF8(cut(cmp.Or(v.Description, finding.Title), maxGitLabText), ""),
		Severity:    gitLabSeverity(finding.Severity),
		Solution:    oneLine(solution, maxGitLabText-4),
		Identifiers: []gitLabIdentifier{{Type: identifierType(v.VulnerabilityID), Name: v.VulnerabilityID, Value: v.VulnerabilityID, URL: webLink(v.PrimaryURL)}},
	}
	for _, link := range v.References {
		if link = webLink(link); link != "" {
			out.Links = append(out.Links, gitLabLink{link})
		}
	}
	out.Location.Dependency.Package.Name = v.PkgName
	out.Location.Dependency.Version = v.InstalledVersion
	return out
}

// identifierType is cve, ghsa, pysec and the like.
func identifierType(id string) string {
	kind, _, _ := strings.Cut(id, "-")
	return strings.ToLower(kind)
}

// webLink is the link if the schema takes it, or "".
func webLink(link string) string {
	if strings.HasPrefix(link, "https://") || strings.HasPrefix(link, "http://") {
		return link
	}
	return ""
}

func cut(text string, limit int) string { return text[:min(len(text), limit)] }

// gitLabSeverity is the severity's name with a capital.
func gitLabSeverity(s scan.Severity) string {
	name := s.String()
	return strings.ToUpper(name[:1]) + name[1:]
}
