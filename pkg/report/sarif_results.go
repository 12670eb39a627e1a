package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/scan"
)

// ruled is a result with its rule, which several may share.
type ruled struct {
	sarifResult
	rule   sarifRule
	weight int // the higher, the worse
}

// configFile is where gates are set, unless told otherwise.
const configFile = "ai-ship.yaml"

// results are all results in the order in which they may be cut.
func (r Report) results() []ruled {
	var all []ruled
	prints := make(fingerprints)
	for _, g := range r.Gates {
		if outcomeOf(g) != gate.Passed {
			all = append(all, gateResult(g, prints))
		}
	}
	slices.SortStableFunc(all, func(a, b ruled) int { return b.weight - a.weight })
	var counts, ignored []ruled
	for _, kind := range []struct {
		name     string
		findings []scan.Finding
		describe func(scan.Finding) string
	}{{"vulnerability", r.Findings.Vulnerabilities, vulnerable}, {"model", r.Findings.Models, risky}, {"secret", r.Findings.Secrets, revealed}} {
		for _, o := range r.occurrences(kind.findings) {
			result := r.findingResult(o.Finding, kind.name, kind.describe(o.Finding), prints)
			if o.Ignored != nil {
				ignored = append(ignored, result)
			} else {
				counts = append(counts, result)
			}
		}
	}
	for _, list := range [][]ruled{counts, ignored} {
		slices.SortStableFunc(list, func(a, b ruled) int { return b.weight - a.weight })
		all = append(all, list...)
	}
	return all
}

// gateResult is a gate that refused or warned.
func gateResult(g gate.Result, prints fingerprints) ruled {
	level, weight := "error", 1
	if outcomeOf(g) == gate.Warned {
		level, weight = "warning", 0
	}
	place := configFile
	if g.Source != nil {
		place = g.Source.File
	}
	id := "gate/" + clean(g.Name)
	about := message(fmt.Sprintf("The gate %s %s.", fullName(g), meaning(g.Check)))
	return ruled{
		sarifResult: sarifResult{
			RuleID: id, Level: level, Message: message(cmp.Or(sentence(g), string(outcomeOf(g)))), Locations: locations(cmp.Or(pathURI(place), configFile), 0),
			Fingerprints: prints.next("gate", fullName(g), "", "", ""), Suppressions: []sarifSuppression{},
		},
		rule: sarifRule{ID: id, Short: message("Quality gate " + clean(g.Name)), Full: about, Help: about,
			Default: sarifLevel{level}, Properties: sarifRuleProperties{Tags: []string{"gate"}}},
		weight: weight,
	}
}

func (r Report) findingResult(f scan.Finding, kind, text string, prints fingerprints) ruled {
	id := cmp.Or(clean(f.ID), "unnamed")
	level, security := rated(f.Severity)
	result := sarifResult{
		RuleID: id, Level: level, Message: message(text), Locations: locations(cmp.Or(pathURI(f.Path), pathURI(r.Repository), "image"), f.Line),
		Fingerprints: prints.next(kind, f.ID, f.Path, f.Package, f.Calls), Suppressions: []sarifSuppression{},
		Properties: &sarifProperties{Severity: f.Severity.String(), Offset: max(f.Offset, 0), PURL: clean(f.PURL)},
	}
	if f.Layer != (v1.Hash{}) {
		result.Properties.Layer = clean(f.Layer.String())
	}
	if i := f.Ignored; i != nil {
		result.Suppressions = append(result.Suppressions, sarifSuppression{Kind: "external", Status: "accepted", Justification: clean(justification(*i))})
	}
	title := message(cmp.Or(clean(f.Title), id))
	rule := sarifRule{ID: id, Short: title, Full: title, Help: title, HelpURI: link(f.Link), Default: sarifLevel{level},
		Properties: sarifRuleProperties{Tags: []string{"security", kind}, Severity: security}}
	if f.Convert != "" {
		rule.Help = message(clean(f.Convert))
	}
	return ruled{result, rule, int(f.Severity)}
}

// rated is a severity as SARIF and GitHub have it: 9.0 and more is critical to
// GitHub, 7.0 high, 4.0 medium.
func rated(s scan.Severity) (level, security string) {
	switch s {
	case scan.Critical:
		return "error", "9.5"
	case scan.High:
		return "error", "8.0"
	case scan.Medium:
		return "warning", "5.5"
	case scan.Low:
		return "note", "2.0"
	}
	return "note", "0.0"
}

func locations(uri string, line int) []sarifLocation {
	place := sarifPhysical{Artifact: sarifArtifact{uri}}
	if line > 0 {
		place.Region = &sarifRegion{line}
	}
	return []sarifLocation{{place}}
}

// vulnerable is a vulnerability in words.
func vulnerable(f scan.Finding) string {
	fixed := "no fix yet"
	if f.Fixed != "" {
		fixed = "fixed in " + clean(f.Fixed)
	}
	return fmt.Sprintf("%s %s: %s (%s, %s)", cut(f.Package, maxName), cut(f.Version, maxName), cut(clean(cmp.Or(f.Title, f.ID)), maxText/2), f.Severity, fixed)
}

// risky is what loading a model file would do, in words.
func risky(f scan.Finding) string {
	text := cut(clean(cmp.Or(f.Title, f.ID)), maxText/2)
	if f.Calls != "" {
		text += ": " + cut(clean(f.Calls), maxText/4)
	}
	if f.Offset > 0 {
		text += " at byte " + strconv.FormatInt(f.Offset, 10)
	}
	if f.Convert != "" {
		text += "; " + clean(f.Convert)
	}
	return text
}

// revealed says no more of a secret than its finding does.
func revealed(f scan.Finding) string { return clean(cmp.Or(f.Title, f.ID)) }

func justification(i scan.Ignored) string {
	text := cut(clean(reason(i)), maxText/2)
	if i.By != "" {
		text += " (" + cut(clean(i.By), maxName) + ")"
	}
	if i.Until != "" {
		text += ", until " + i.Until
	}
	return text
}

// fingerprints counts what is alike, so that all fingerprints differ.
type fingerprints map[string]int

// next is what a result is known by from run to run, under the name that GitHub
// reads. Layers, versions and lines are no part of it, since they change while the finding
// stays; of several that are alike each has its number.
func (p fingerprints) next(kind, id, path, pkg, calls string) map[string]string {
	key := strings.Join([]string{kind, id, path, pkg, calls}, "\x00")
	p[key]++
	sum := sha256.Sum256([]byte(key))
	const digits = 32
	return map[string]string{"primaryLocationLineHash": hex.EncodeToString(sum[:])[:digits] + ":" + strconv.Itoa(p[key])}
}
