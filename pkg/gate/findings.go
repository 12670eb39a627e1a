package gate

import (
	"fmt"
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/unit"
)

// Scan limits what scanners may find. Its zero value refuses secrets, and what
// could not be looked at.
type Scan struct {
	Vulnerabilities *Vulnerabilities // nil: packages are not gated
	Models          Models
	Secrets         Choice
	Licenses        *Licenses // nil: licences are not gated
	Accept          []string  // identifiers of scan.Incomplete that may stay so
	// Published says that an image of a registry is judged, whose model files no
	// scanner saw: no gate speaks of them.
	Published bool
}

// Choice is what a policy does about something.
type Choice string

// The choices. The zero value is Refuse.
const (
	Refuse Choice = "refuse"
	Warn   Choice = "warn"
	Allow  Choice = "allow"
)

// outcome is the choice as a verdict.
func (c Choice) outcome() Outcome {
	switch c {
	case Warn:
		return Warned
	case Allow:
		return Passed
	}
	return Refused
}

// Vulnerabilities limits what packages may have.
type Vulnerabilities struct {
	FailOn        scan.Severity // the lowest that refuses; above Unknown
	Unknown       Choice        // about those whose severity nobody has said
	IgnoreUnfixed bool          // those without a fix pass
	OnlyNew       bool          // those that Evidence.Known has already are ignored by now
	IgnoreFile    string        // where one could be ignored, for the sentence; "" is .trivyignore.yaml
}

// Models limits what loading the model files may do.
type Models struct {
	Allow   []string // formats; empty: all
	Pickles bool     // pickles may stand in the image while they call nothing
	FailOn  scan.Severity
}

// found evaluates what scanners found: vulnerabilities, models, secrets, and
// what could not be looked at.
func found(p *Scan, e Evidence) []Result {
	if p == nil {
		return nil
	}
	if !e.Findings.Ran {
		return p.unscanned()
	}
	var results []Result
	if p.Vulnerabilities != nil {
		results = append(results, p.Vulnerabilities.judge(e))
	}
	if !p.Published {
		results = append(results, p.Models.judge(e.Findings))
	}
	results = append(results, p.secrets(e.Findings))
	if p.Licenses != nil {
		results = append(results, p.Licenses.judge(e.Findings))
	}
	return append(results, p.incomplete(e.Findings))
}

// unscanned refuses where a gate was asked for and no scanner looked.
func (p *Scan) unscanned() (results []Result) {
	if p.Vulnerabilities != nil {
		results = append(results, Result{Name: "vulnerabilities", Check: CheckVulnerabilities, Outcome: Refused, Required: true,
			Reason: "vulnerabilities: no scanner looked at the image; a scan that finds none would have passed"})
	}
	if p.Licenses != nil {
		results = append(results, Result{Name: "licenses", Check: CheckLicenses, Outcome: Refused, Required: true,
			Reason: "licenses: no scanner looked at the image; a scan that finds none that is denied would have passed"})
	}
	return results
}

// tally is a gate on a count of findings.
func tally(name string, check Check, n int) Result {
	count := float64(n)
	return Result{Name: name, Check: check, Value: &count, Limit: &Limit{Op: "<=", Value: 0}, Outcome: Refused, Required: true}
}

func (v Vulnerabilities) judge(e Evidence) Result {
	var refused, unknown []scan.Finding
	ignored := 0
	for _, f := range e.Findings.Vulnerabilities {
		switch {
		case f.Ignored != nil, v.IgnoreUnfixed && unfixed(f):
			ignored++
		case f.Severity == scan.Unknown:
			unknown = append(unknown, f)
		case f.Severity >= v.FailOn:
			refused = append(refused, f)
		}
	}
	if v.Unknown.outcome() == Refused {
		refused = append(refused, unknown...)
	}
	slices.SortStableFunc(refused, func(a, b scan.Finding) int { return int(b.Severity - a.Severity) })
	r := tally("vulnerabilities", CheckVulnerabilities, len(refused))
	above := v.FailOn.String() + " or above"
	switch {
	case len(refused) > 0:
		var names []string
		for _, f := range refused {
			names = append(names, vulnerable(f))
		}
		r.Reason = fmt.Sprintf("%s: %s%s; to ignore the first for 30 days add %s; none of %s would have passed",
			v.count(len(refused), e.Known), list(names), v.compared(e.Known), v.line(refused[0], e.IgnoreUntil), above)
	case len(unknown) > 0 && v.Unknown.outcome() == Warned:
		r.Outcome = Warned
		r.Reason = fmt.Sprintf("%s of unknown severity, such as %s; none would have passed without a warning", vulnerabilities(len(unknown)), vulnerable(unknown[0]))
	default:
		r.Outcome = Passed
		r.Reason = fmt.Sprintf("no %svulnerability of %s in %s%s%s", v.novel(e.Known), above, packages(e.Findings.Database), ignoring(ignored), v.compared(e.Known))
	}
	return r
}

// unfixed goes by the status: a source may know that there is a fix, and not in
// which version.
func unfixed(f scan.Finding) bool { return f.Fixed == "" && f.Status != "fixed" }

// novel is the word for what the channel's image does not have.
func (v Vulnerabilities) novel(known string) string {
	if v.OnlyNew && known != "" {
		return "new "
	}
	return ""
}

func (v Vulnerabilities) count(n int, known string) string {
	number, what, _ := strings.Cut(vulnerabilities(n), " ")
	return number + " " + v.novel(known) + what
}

// compared says with what new ones were told from others.
func (v Vulnerabilities) compared(known string) string {
	switch {
	case !v.OnlyNew:
		return ""
	case known == "":
		return "; only-new: there is no image to compare with, so all count"
	}
	return "; only-new: compared with " + short(known)
}

func vulnerabilities(n int) string {
	return unit.Count(n, "vulnerability", "vulnerabilities")
}

// line is the entry that would ignore a finding, and where it goes.
func (v Vulnerabilities) line(f scan.Finding, until string) string {
	entry := fmt.Sprintf("- {id: %s, expired_at: %s, statement: why}", f.ID, until)
	switch ext := path.Ext(v.IgnoreFile); {
	case v.IgnoreFile == "":
		return fmt.Sprintf("%q to vulnerabilities: in .trivyignore.yaml, and name that under ignore-file:", entry)
	case ext == ".yaml", ext == ".yml":
		return fmt.Sprintf("%q to vulnerabilities: in %s", entry, v.IgnoreFile)
	}
	return fmt.Sprintf("%q to %s", fmt.Sprintf("%s exp:%s # why", f.ID, until), v.IgnoreFile)
}

// vulnerable names a vulnerability as sentences do.
func vulnerable(f scan.Finding) string {
	fixed := "no fix yet"
	if f.Fixed != "" {
		fixed = "fixed in " + short(f.Fixed)
	}
	return fmt.Sprintf("%s (%s) in %s %s, %s%s", short(f.ID), f.Severity, short(f.Package), short(f.Version), fixed, inLayer(f.Layer))
}

// inLayer names a layer behind a comma, "" for none.
func inLayer(layer v1.Hash) string {
	if layer.Hex == "" {
		return ""
	}
	return ", layer " + layer.Algorithm + ":" + layer.Hex[:min(len(layer.Hex), 12)]
}

// packages says in what was looked.
func packages(db *scan.Database) string {
	if db == nil {
		return "the image"
	}
	total := 0
	for _, c := range db.Coverage {
		total += c.Packages
	}
	text := fmt.Sprintf("%s, by the database of %s", count(total, "package"), db.UpdatedAt.UTC().Format("2006-01-02"))
	if db.Fixture {
		text += ", a fixture for tests"
	}
	return text
}

func ignoring(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d ignored)", n)
}

func (m Models) judge(f scan.Findings) Result {
	var reasons []string
	counted := 0
	for _, file := range f.Inventory {
		switch {
		case !m.Pickles && (file.Format == "pickle" || file.Format == "joblib"):
			counted++
			reasons = append(reasons, fmt.Sprintf("%s is a %s, which can run code when it is loaded: ship safetensors or onnx, or write pickle: allow", short(file.Path), file.Format))
		case len(m.Allow) > 0 && !slices.Contains(m.Allow, file.Format) && file.Format != "json":
			counted++
			reasons = append(reasons, fmt.Sprintf("%s is %s, which is not in allow: (%s)", short(file.Path), file.Format, strings.Join(m.Allow, ", ")))
		}
	}
	for _, risk := range f.Models {
		if risk.Ignored == nil && risk.Severity >= m.FailOn {
			counted++
			reasons = append(reasons, risky(risk))
		}
	}
	r := tally("models", CheckModels, counted)
	if counted > 0 {
		r.Reason = fmt.Sprintf("models: %s; files that run nothing when they are loaded would have passed", list(reasons))
		return r
	}
	r.Outcome = Passed
	r.Reason = fmt.Sprintf("models: %s, none of which runs anything of %s or above when it is loaded", count(len(f.Inventory), "file"), m.FailOn)
	return r
}

// risky is one risk in words.
func risky(f scan.Finding) string {
	text := fmt.Sprintf("%s (%s) %s", short(f.Path), f.Severity, short(f.Title))
	if f.Calls != "" {
		text += ": " + short(f.Calls)
	}
	if f.Offset > 0 {
		text += fmt.Sprintf(" at byte %d", f.Offset)
	}
	return text
}

func (p *Scan) secrets(f scan.Findings) Result {
	var names, minor []string
	for _, s := range f.Secrets {
		where := short(s.Path)
		if s.Line > 0 {
			where += fmt.Sprintf(":%d", s.Line)
		}
		text := fmt.Sprintf("%s in %s", short(s.Title), where)
		switch {
		case s.Ignored != nil:
		case s.Severity >= scan.High:
			names = append(names, text)
		default:
			minor = append(minor, text)
		}
	}
	r := tally("secrets", CheckSecrets, len(names))
	switch {
	case len(names) > 0 && p.Secrets.outcome() != Passed:
		r.Outcome = p.Secrets.outcome()
		r.Reason = fmt.Sprintf("secrets: %s; take them out, and replace what was ever pushed: an image without would have passed", list(names))
	case len(minor) > 0 && p.Secrets.outcome() != Passed:
		r.Outcome = Warned
		r.Reason = fmt.Sprintf("secrets: %s should not be shipped; an image without would have passed without a warning", list(minor))
	default:
		r.Outcome = Passed
		r.Reason = "secrets: none that counts"
	}
	return r
}

// incomplete refuses what could not be looked at.
func (p *Scan) incomplete(f scan.Findings) Result {
	var reasons, ids []string
	accepted := 0
	for _, i := range f.Incomplete {
		if slices.Contains(p.Accept, i.ID) {
			accepted++
			continue
		}
		reasons = append(reasons, fmt.Sprintf("%s (%s)", short(i.Detail), i.ID))
		if !slices.Contains(ids, i.ID) {
			ids = append(ids, i.ID)
		}
	}
	r := tally("scan", CheckScan, len(reasons))
	if len(reasons) > 0 {
		r.Reason = fmt.Sprintf("the scan is not complete: %s; with scan: {accept: [%s]} it would have passed", list(reasons), strings.Join(ids, ", "))
		return r
	}
	r.Outcome = Passed
	r.Reason = "everything that should be was looked at"
	if accepted > 0 {
		r.Reason = fmt.Sprintf("%s not looked at, as the config accepts", count(accepted, "thing"))
	}
	return r
}
