package trivy

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/aquasecurity/trivy/pkg/clock"
	ftypes "github.com/aquasecurity/trivy/pkg/fanal/types"
	"github.com/aquasecurity/trivy/pkg/licensing"
	"github.com/aquasecurity/trivy/pkg/licensing/expression"
	"github.com/aquasecurity/trivy/pkg/scan/utils"
	"github.com/aquasecurity/trivy/pkg/types"
	purl "github.com/package-url/packageurl-go"

	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/scan/ignore"
)

const (
	maxChoices    = 64  // of one expression; beyond, all of its identifiers count
	maxExpression = 500 // bytes of a licence's name that is read as an expression
	maxLicense    = 100 // bytes of one that is shown
)

// classifier sorts licences into categories as trivy does by default.
func classifier() licensing.Scanner {
	return licensing.NewScanner(map[ftypes.LicenseCategory][]string{
		ftypes.CategoryForbidden:    expression.ForbiddenLicenses,
		ftypes.CategoryRestricted:   expression.RestrictedLicenses,
		ftypes.CategoryReciprocal:   expression.ReciprocalLicenses,
		ftypes.CategoryNotice:       expression.NoticeLicenses,
		ftypes.CategoryPermissive:   expression.PermissiveLicenses,
		ftypes.CategoryUnencumbered: expression.UnencumberedLicenses,
	})
}

// Licenses are the licences that model files name, by trivy's categories; the
// ignore file counts for them too.
func (e *Engine) Licenses(ctx context.Context, models []scan.Model) (all []scan.License, err error) {
	rules, err := readIgnore(clock.With(ctx, e.options.Now()), e.options.Ignore)
	if err != nil {
		return nil, err
	}
	err = guarded("reading the models' licences", func() error {
		by := classifier()
		for _, m := range models {
			if m.License != "" {
				l := license(by, m.License)
				l.Path = m.Path
				rules.license(&l, nil)
				all = append(all, l)
			}
		}
		return nil
	})
	return all, err
}

// licenses are those of the packages, as their metadata names them.
func (s *session) licenses(report types.Report, rules *ignoreRules) {
	by := classifier()
	for _, r := range report.Results {
		for _, p := range r.Packages {
			for _, name := range p.Licenses {
				l := license(by, name)
				l.Package, l.Version, l.Layer = p.Name, utils.FormatVersion(p), s.digest(p.Layer)
				l.Path = strings.TrimPrefix(p.FilePath, "/")
				rules.license(&l, p.Identifier.PURL)
				s.findings.Licenses = append(s.findings.Licenses, l)
			}
		}
	}
	slices.SortStableFunc(s.findings.Licenses, func(a, b scan.License) int {
		return cmp.Or(-cmp.Compare(a.Severity, b.Severity), strings.Compare(a.Package, b.Package), strings.Compare(a.Name, b.Name), strings.Compare(a.Path, b.Path))
	})
}

// license is a licence by its name, or by its text, which trivy marks.
func license(by licensing.Scanner, name string) scan.License {
	text, isText := strings.CutPrefix(name, licensing.LicenseTextPrefix)
	if isText || len(name) > maxExpression {
		return scan.License{Name: oneLine("text: "+text, maxLicense), Category: string(ftypes.CategoryUnknown)}
	}
	category, level := by.Scan(name)
	l := scan.License{Name: oneLine(name, maxLicense), Category: string(category), Severity: severity(level)}
	parsed, err := expression.Normalize(name, licensing.NormalizeLicenseExpression)
	if err != nil {
		return l
	}
	l.Name = oneLine(parsed.String(), maxLicense)
	if all := choices(parsed); len(all) > 1 || len(all[0]) > 1 {
		l.Choices = all
	}
	return l
}

// choices are the sets of identifiers of which an expression asks one whole.
func choices(e expression.Expression) [][]string {
	compound, ok := e.(expression.CompoundExpr)
	if !ok || compound.Conjunction() == expression.TokenWith {
		return [][]string{{e.String()}}
	}
	left, right := choices(compound.Left()), choices(compound.Right())
	if compound.Conjunction() == expression.TokenOR && len(left)+len(right) <= maxChoices {
		return append(left, right...)
	}
	if compound.Conjunction() == expression.TokenOR || len(left)*len(right) > maxChoices {
		return [][]string{together(append(left, right...)...)}
	}
	var both [][]string
	for _, l := range left {
		for _, r := range right {
			both = append(both, together(l, r))
		}
	}
	return both
}

// together is each identifier of the sets once: without that a short expression
// would grow beyond memory.
func together(sets ...[]string) []string {
	all := slices.Concat(sets...)
	slices.Sort(all)
	return slices.Compact(all)
}

// license marks a licence that an entry of licenses: names, as reports print it.
func (r *ignoreRules) license(l *scan.License, pkg *purl.PackageURL) {
	if rule := r.config.Licenses.Match(l.Name, l.Path, pkg); rule != nil {
		l.Ignored = &scan.Ignored{By: r.name, Reason: oneLine(cmp.Or(rule.Statement, "ignored"), maxDetail), Until: ignore.LastDay(rule.ExpiredAt)}
	}
}
