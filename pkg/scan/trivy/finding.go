package trivy

import (
	"cmp"
	"slices"
	"strings"

	ftypes "github.com/aquasecurity/trivy/pkg/fanal/types"
	"github.com/aquasecurity/trivy/pkg/types"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/scan/ignore"
)

// maxTitle bounds a finding's title.
const maxTitle = 200 // bytes

// inConfig is the path of a secret that stands in the image's config: its
// environment, its labels or its history.
const inConfig = "(image config)"

// collect maps the report to findings, those that count and those that are
// suppressed.
func (s *session) collect(report types.Report, rules *ignoreRules) {
	for _, r := range report.Results {
		for _, v := range r.Vulnerabilities {
			s.findings.Vulnerabilities = append(s.findings.Vulnerabilities, s.vulnerability(v, r))
		}
		for _, d := range r.Secrets {
			s.findings.Secrets = append(s.findings.Secrets, s.secret(d, r.Target))
		}
		for _, m := range r.ModifiedFindings {
			ignored := &scan.Ignored{By: m.Source, Reason: oneLine(cmp.Or(m.Statement, string(m.Status)), maxDetail)}
			switch f := m.Finding.(type) {
			case types.DetectedVulnerability:
				if m.Status == types.FindingStatusIgnored {
					if rule := rules.config.MatchVulnerability(f.VulnerabilityID, r.Target, f.PkgPath, f.PkgIdentifier.PURL); rule != nil {
						ignored.Until = ignore.LastDay(rule.ExpiredAt)
					}
				}
				finding := s.vulnerability(f, r)
				finding.Ignored = ignored
				s.findings.Vulnerabilities = append(s.findings.Vulnerabilities, finding)
			case types.DetectedSecret:
				if rule := rules.config.MatchSecret(f.RuleID, r.Target); rule != nil {
					ignored.Until = ignore.LastDay(rule.ExpiredAt)
				}
				finding := s.secret(f, r.Target)
				finding.Ignored = ignored
				s.findings.Secrets = append(s.findings.Secrets, finding)
			}
		}
	}
	s.licenses(report, rules)
	s.findings.Skipped = append(s.findings.Skipped, rules.expired...)
	for _, list := range [][]scan.Finding{s.findings.Vulnerabilities, s.findings.Secrets} {
		slices.SortStableFunc(list, worstFirst)
	}
}

// worstFirst orders findings by severity, then package, then ID.
func worstFirst(a, b scan.Finding) int {
	return cmp.Or(
		-cmp.Compare(a.Severity, b.Severity), strings.Compare(a.Package, b.Package), strings.Compare(a.ID, b.ID),
		strings.Compare(a.Path, b.Path), strings.Compare(a.Version, b.Version), cmp.Compare(a.Line, b.Line),
	)
}

func (s *session) vulnerability(v types.DetectedVulnerability, in types.Result) scan.Finding {
	title, _, _ := strings.Cut(cmp.Or(v.Title, strings.TrimSpace(v.Description), v.VulnerabilityID), "\n")
	f := scan.Finding{
		ID: v.VulnerabilityID, Severity: severity(v.Severity), //nolint:staticcheck // the one that trivy selected for the image
		Layer: s.digest(v.Layer),
		Path:  strings.TrimPrefix(location(v, in), "/"), Title: oneLine(title, maxTitle), Link: v.PrimaryURL,
		Package: v.PkgName, Version: v.InstalledVersion, Fixed: v.FixedVersion, Status: v.Status.String(),
	}
	if v.DataSource != nil {
		f.Source = cmp.Or(v.DataSource.Name, string(v.DataSource.ID))
	}
	if v.PkgIdentifier.PURL != nil {
		f.PURL = v.PkgIdentifier.PURL.String()
	}
	return f
}

// location is the file that names the package: its own, or the one that the
// result is about, such as a program and the modules in it. A package of the
// distribution has none.
func location(v types.DetectedVulnerability, in types.Result) string {
	if v.PkgPath == "" && in.Class == types.ClassLangPkg && !slices.Contains(ftypes.AggregatingTypes, in.Type) {
		return in.Target
	}
	return v.PkgPath
}

// secret maps a secret; target is the file, or the image's name for its config.
func (s *session) secret(d types.DetectedSecret, target string) scan.Finding {
	path := strings.TrimPrefix(target, "/")
	if target == s.target.Name {
		path = inConfig
	}
	return scan.Finding{
		ID: d.RuleID, Severity: severity(d.Severity), Layer: s.digest(d.Layer), Path: path,
		Title: oneLine(d.Title, maxTitle), Source: "trivy", Line: d.StartLine,
	}
}

// digest is that of the stored form of the layer that trivy names.
func (s *session) digest(l ftypes.Layer) v1.Hash {
	diffID, err := v1.NewHash(l.DiffID)
	if err != nil {
		return v1.Hash{} // a finding in the config has no layer
	}
	return s.layers[diffID].Digest
}

func severity(name string) (out scan.Severity) {
	if out.UnmarshalText([]byte(strings.ToLower(name))) != nil {
		return scan.Unknown
	}
	return out
}
