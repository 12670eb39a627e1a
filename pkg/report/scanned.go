package report

import (
	"cmp"
	"fmt"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/unit"
)

// normalFindings returns f as it is written: no nil slice, and a time that JSON
// can hold, in UTC.
func normalFindings(f scan.Findings) scan.Findings {
	f.Vulnerabilities, f.Models, f.Secrets = full(f.Vulnerabilities), full(f.Models), full(f.Secrets)
	f.Licenses = full(f.Licenses)
	f.Skipped, f.Incomplete, f.Inventory = full(f.Skipped), full(f.Incomplete), full(f.Inventory)
	if f.Database != nil {
		db := *f.Database
		db.Coverage = full(db.Coverage)
		db.UpdatedAt = writable(db.UpdatedAt)
		f.Database = &db
	}
	return f
}

// occurrence is a finding with the platforms that have it.
type occurrence struct {
	scan.Finding
	platforms []string // those that are known by the finding's layer
	times     int      // how often it was found: once for each image of an index
}

// occurrences puts together what differs in its layer only, in the findings' order.
func (r Report) occurrences(findings []scan.Finding) []occurrence {
	type same struct {
		finding scan.Finding
		ignored scan.Ignored
	}
	platforms := make(map[string][]string)
	for _, l := range r.Layers {
		platforms[l.Digest] = append(platforms[l.Digest], l.Platform)
	}
	var all []occurrence
	at := make(map[same]int)
	for _, f := range findings {
		key := same{finding: f}
		if f.Ignored != nil {
			key.ignored = *f.Ignored
			key.ignored.Reason += "." // not ignored is something else than ignored without a word
		}
		key.finding.Layer, key.finding.Ignored = v1.Hash{}, nil
		i, known := at[key]
		if !known {
			i = len(all)
			at[key], all = i, append(all, occurrence{Finding: f})
		}
		all[i].times++
		if f.Layer != (v1.Hash{}) {
			all[i].platforms = append(all[i].platforms, platforms[f.Layer.String()]...)
		}
	}
	for i := range all {
		slices.Sort(all[i].platforms)
		all[i].platforms = slices.Compact(all[i].platforms)
	}
	return all
}

// counting are the findings that count, the worst first.
func (r Report) counting(findings []scan.Finding) []occurrence {
	return worst(r.occurrences(findings), func(f scan.Finding) bool { return f.Ignored == nil })
}

// ignored are the findings that somebody took out, the worst first.
func (r Report) ignored() []occurrence {
	f := r.Findings
	licences := make([]scan.Finding, 0, len(f.Licenses))
	for _, l := range f.Licenses {
		licences = append(licences, scan.Finding{ID: l.Name, Severity: l.Severity, Layer: l.Layer, Path: l.Path, Package: l.Package, Version: l.Version, Ignored: l.Ignored})
	}
	return worst(r.occurrences(slices.Concat(f.Vulnerabilities, f.Models, f.Secrets, licences)), func(f scan.Finding) bool { return f.Ignored != nil })
}

func worst(all []occurrence, keep func(scan.Finding) bool) []occurrence {
	all = slices.DeleteFunc(all, func(o occurrence) bool { return !keep(o.Finding) })
	slices.SortStableFunc(all, func(a, b occurrence) int { return cmp.Compare(b.Severity, a.Severity) })
	return all
}

// where names the platforms, "" in a report of one.
func (o occurrence) where(r Report) string {
	switch {
	case len(r.Platforms) < 2:
		return ""
	case len(o.platforms) == len(r.Platforms), o.times >= len(r.Platforms):
		return "all"
	}
	return strings.Join(o.platforms, ", ")
}

// tally counts findings by severity: 3 critical · 1 high · 2 ignored. It is ""
// without any.
func tally(findings []scan.Finding) string {
	counts, ignored := make(map[string]int), 0
	for _, f := range findings {
		if f.Ignored != nil {
			ignored++
			continue
		}
		counts[f.Severity.String()]++
	}
	var parts []string
	for s := scan.Critical; s >= scan.Unknown; s-- {
		if n := counts[s.String()]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	if ignored > 0 {
		parts = append(parts, fmt.Sprintf("%d ignored", ignored))
	}
	return strings.Join(parts, " · ")
}

// fact is a line about the scan: a word and what is to be said about it.
type fact struct {
	label, text string
	alarm       bool // should not be overlooked
}

// facts are the scan in lines, before its tables.
func (r Report) facts() []fact {
	f := r.Findings
	facts := []fact{{"packages", packages(f), f.Database == nil}, {"models", r.models(), false}, {"secrets", cmp.Or(tally(f.Secrets), "none found"), false}}
	if len(f.Licenses) > 0 {
		facts = append(facts, fact{"licences", r.licensed(), false})
	}
	if f.Database != nil {
		facts = append(facts, fact{"database", database(*f.Database), f.Database.Fixture})
	}
	return facts
}

// packages says what is known about packages. That nothing is known never
// reads as if there were nothing.
func packages(f scan.Findings) string {
	found := tally(f.Vulnerabilities)
	if f.Database == nil {
		return cmp.Or(found, "not looked up")
	}
	total, missed := 0, 0
	for _, c := range f.Database.Coverage {
		total += c.Packages
		if c.Advisories <= 0 {
			missed += c.Packages
		}
	}
	text := "no known vulnerability in "
	if found != "" {
		text = found + ", in "
	}
	text += unit.Count(total, "package", "packages")
	if missed > 0 {
		text += fmt.Sprintf(", %d of them not covered", missed)
	}
	return text
}

func (r Report) models() string {
	found, files := tally(r.Findings.Models), len(r.inventory())
	switch {
	case found == "" && files == 0:
		return "no model file"
	case files == 0:
		return found
	}
	if found == "" {
		return "nothing found in " + unit.Count(files, "model file", "model files")
	}
	return found + ", in " + unit.Count(files, "model file", "model files")
}

// database is where the advisories came from, a fixture's nature first.
func database(db scan.Database) string {
	text := "a fixture for tests: "
	if !db.Fixture {
		text = ""
	}
	text += shortRef(db.Ref)
	if _, digest, _ := strings.Cut(db.Ref, "@"); db.Digest != "" && digest != db.Digest {
		text += " (" + short(db.Digest) + ")"
	}
	if db.UpdatedAt.IsZero() {
		return text + " of an unknown date"
	}
	return text + " of " + db.UpdatedAt.UTC().Format("2006-01-02 15:04") + " UTC"
}

// notCovered is said of an ecosystem that the database has no advisories for.
// "Nothing found" would be a lie.
const notCovered = "not covered"

// advisories is what the database knows of an ecosystem.
func advisories(c scan.Coverage) string {
	if c.Advisories <= 0 {
		return notCovered
	}
	return unit.Count(c.Advisories, "advisory", "advisories")
}

// unscanned are the things that could not be looked at, in words, once each.
func (r Report) unscanned() []string {
	var all []string
	for _, i := range once(r.Findings.Incomplete, func(i scan.Incomplete) string { return i.ID + "\x00" + i.Path + "\x00" + i.Detail }) {
		all = append(all, placed(i.Path, i.Detail)+" ("+i.ID+")")
	}
	return all
}

// skipped are the things that were left out on purpose, in words, once each.
func (r Report) skipped() []string {
	var all []string
	for _, s := range once(r.Findings.Skipped, func(s scan.Skip) string { return s.Path + "\x00" + s.Reason }) {
		all = append(all, placed(s.Path, s.Reason))
	}
	return all
}

// placed puts a path before a text that does not name it.
func placed(path, text string) string {
	if path == "" || strings.Contains(text, path) {
		return text
	}
	return path + ": " + text
}

// once leaves out what has a key that was there before.
func once[T any](all []T, key func(T) string) []T {
	seen := make(map[string]bool)
	var kept []T
	for _, v := range all {
		if k := key(v); !seen[k] {
			seen[k], kept = true, append(kept, v)
		}
	}
	return kept
}

// inventory is what each model file is, once each.
func (r Report) inventory() []scan.Model {
	return once(r.Findings.Inventory, func(m scan.Model) string { return fmt.Sprintf("%#v", m) })
}

// parameters counts a model's parameters as people do: 86.5k, 125M, 7.24B. It
// is "" when they are not known.
func parameters(n int64) string {
	if n <= 0 {
		return ""
	}
	size, names := float64(n), []string{"", "k", "M", "B", "T"}
	for len(names) > 1 && size >= 999.5 {
		size, names = size/1000, names[1:]
	}
	decimals := 0
	if n >= 1000 {
		decimals = max(2-int(math.Log10(size)), 0) // three digits
	}
	return strconv.FormatFloat(size, 'f', decimals, 64) + names[0]
}

// formatted is a model file's format, with what is known of its variant.
func formatted(m scan.Model) string { return strings.TrimSpace(m.Format + " " + m.Quantisation) }

// listed joins words as far as anybody reads them.
func listed(words []string) string { return strings.Join(words[:min(len(words), maxNotes)], ", ") }

// spot is where in the image a finding is: path:line.
func spot(f scan.Finding) string {
	if f.Line > 0 {
		return f.Path + ":" + strconv.Itoa(f.Line)
	}
	return f.Path
}

// about is what an ignored finding is on.
func about(f scan.Finding) string {
	if f.Package != "" {
		return strings.TrimSpace(f.Package + " " + f.Version)
	}
	return spot(f)
}

// until is an ignored finding's last day.
func until(i scan.Ignored) string {
	switch {
	case i.Known:
		return "as long as that is so"
	case i.Until == "":
		return "for ever"
	}
	return "until " + i.Until
}

// reason is why a finding is ignored.
func reason(i scan.Ignored) string { return cmp.Or(i.Reason, "no reason given") }

// plainLink is an address that no reader of a document can take for more.
var plainLink = regexp.MustCompile(`^https://[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)+(/[0-9A-Za-z._~/%+=?#-]*)?$`)

// link is an advisory's address, "" for anything but a plain https one.
func link(address string) string {
	if len(address) > maxText || !plainLink.MatchString(address) {
		return ""
	}
	if _, err := url.Parse(address); err != nil { // such as a lone %
		return ""
	}
	return address
}
