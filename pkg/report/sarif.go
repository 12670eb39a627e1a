package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
)

// MaxResults is how many results SARIF writes. GitHub takes 25,000 of a run and
// shows 5,000, the most severe first.
const MaxResults = 5000

// The parts of SARIF 2.1.0 that GitHub's and GitLab's readers know; the numbers
// are the specification's sections.
type (
	sarifLog struct { // 3.13
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct { // 3.14
		Tool        sarifTool         `json:"tool"`
		Automation  *sarifID          `json:"automationDetails,omitempty"`
		Invocations []sarifInvocation `json:"invocations"`
		Results     []sarifResult     `json:"results"`
	}
	sarifTool struct { // 3.18
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct { // 3.19
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifID struct { // 3.17
		ID string `json:"id"`
	}
	sarifInvocation struct { // 3.20
		Successful    bool                `json:"executionSuccessful"`
		Notifications []sarifNotification `json:"toolExecutionNotifications"`
	}
	sarifNotification struct { // 3.58
		Level      string    `json:"level"`
		Message    sarifText `json:"message"`
		Descriptor *sarifID  `json:"descriptor,omitempty"`
	}
	sarifRule struct { // 3.49
		ID         string              `json:"id"`
		Short      sarifText           `json:"shortDescription"`
		Full       sarifText           `json:"fullDescription"`
		HelpURI    string              `json:"helpUri,omitempty"`
		Help       sarifText           `json:"help"`
		Default    sarifLevel          `json:"defaultConfiguration"`
		Properties sarifRuleProperties `json:"properties"`
	}
	sarifRuleProperties struct { // GitHub's
		Tags     []string `json:"tags"`
		Severity string   `json:"security-severity,omitempty"` // 0.0 to 10.0
	}
	sarifLevel struct { // 3.50
		Level string `json:"level"`
	}
	sarifText struct { // 3.11, 3.12
		Text string `json:"text"`
	}
	sarifResult struct { // 3.27
		RuleID       string             `json:"ruleId"`
		RuleIndex    int                `json:"ruleIndex"`
		Level        string             `json:"level"`
		Message      sarifText          `json:"message"`
		Locations    []sarifLocation    `json:"locations"`
		Fingerprints map[string]string  `json:"partialFingerprints"`
		Suppressions []sarifSuppression `json:"suppressions"` // all results have them or none, 3.27.23
		Properties   *sarifProperties   `json:"properties,omitempty"`
	}
	sarifLocation struct { // 3.28
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct { // 3.29
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct { // 3.4
		URI string `json:"uri"`
	}
	sarifRegion struct { // 3.30
		StartLine int `json:"startLine"`
	}
	sarifSuppression struct { // 3.35
		Kind          string `json:"kind"`
		Status        string `json:"status"`
		Justification string `json:"justification,omitempty"`
	}
	sarifProperties struct {
		Severity string `json:"severity"`
		Layer    string `json:"layer,omitempty"`
		Offset   int64  `json:"byteOffset,omitempty"`
		PURL     string `json:"purl,omitempty"`
	}
)

// SARIF writes what the scan found, and the gates that refused or warned, as a
// SARIF 2.1.0 log with one run. Locations are paths in the image, and the
// report's or config's path for gates. Ignored findings are there, suppressed.
//
// There are at most MaxResults results: gates first, then what counts, then
// what is ignored, each from the most severe down. What is cut, and what could
// not be looked at, is a notification of the run. The same report gives the
// same bytes, and a finding has the same fingerprint in every run that has it.
func SARIF(w io.Writer, r Report) error {
	results := r.results()
	more := max(len(results)-MaxResults, 0)
	results = results[:len(results)-more]
	run := sarifRun{
		Tool:        sarifTool{sarifDriver{Name: "ai-ship", Version: clean(r.Generator)}},
		Invocations: []sarifInvocation{{Successful: r.outcome() != failed, Notifications: r.notifications(more)}},
		Results:     make([]sarifResult, 0, len(results)),
	}
	if r.Repository != "" { // tells several images of one commit apart
		run.Automation = &sarifID{"ai-ship/" + pathURI(r.Repository) + "/"}
	}
	rules := newRules(results)
	run.Tool.Driver.Rules = rules.all
	for _, result := range results {
		result.RuleIndex = rules.at[result.RuleID]
		run.Results = append(run.Results, result.sarifResult)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	enc.SetEscapeHTML(false)
	log := sarifLog{Schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run}}
	if err := enc.Encode(log); err != nil {
		return fmt.Errorf("writing the findings as SARIF: %w", err)
	}
	return nil
}

// notifications say what the results do not: what could not be looked at, and
// how many results were cut.
func (r Report) notifications(more int) []sarifNotification {
	all := []sarifNotification{}
	if more > 0 {
		all = append(all, sarifNotification{Level: "warning", Message: sarifText{
			fmt.Sprintf("%d more results are in %s: this file holds the first %d", more, JSONFile, MaxResults)}})
	}
	for i, missed := range r.Findings.Incomplete {
		if i == MaxResults {
			break
		}
		n := sarifNotification{Level: "error", Message: message(clean(placed(missed.Path, missed.Detail)))}
		if id := clean(missed.ID); id != "" {
			n.Descriptor = &sarifID{id}
		}
		all = append(all, n)
	}
	return all
}

// sarifRules are the rules of results, once each.
type sarifRules struct {
	all []sarifRule
	at  map[string]int // by identifier
}

// newRules describes each rule as its first result does, and rates it as its
// worst.
func newRules(results []ruled) sarifRules {
	rules := sarifRules{all: []sarifRule{}, at: make(map[string]int)}
	worst := make(map[string]int) // the index of the highest severity
	for _, result := range results {
		rule := result.rule
		i, known := rules.at[rule.ID]
		if !known {
			rules.at[rule.ID] = len(rules.all)
			worst[rule.ID] = result.weight
			rules.all = append(rules.all, rule)
			continue
		}
		if result.weight > worst[rule.ID] {
			worst[rule.ID] = result.weight
			rules.all[i].Default, rules.all[i].Properties.Severity = rule.Default, rule.Properties.Severity
		}
	}
	return rules
}

// message is untrusted text as SARIF's plain messages take it: in one line, and
// without links, which square brackets would make (3.11.6).
func message(text string) sarifText {
	text = strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`).Replace(cleanTo(text, maxSentence))
	return sarifText{cmp.Or(text, "no description")}
}

// pathURI is a path as a relative reference that leads nowhere else (RFC 3986,
// 4.2): percent-encoded, without dot segments, a scheme or an authority. It is
// "" for a path that names nothing.
func pathURI(path string) string {
	path = strings.ToValidUTF8(cut(path[:min(len(path), maxRead)], maxText), "\uFFFD")
	segments := strings.Split(path, "/")
	segments = slices.DeleteFunc(segments, func(s string) bool { return s == "" || s == "." || s == ".." })
	for i, s := range segments {
		segments[i] = strings.ReplaceAll(url.PathEscape(s), ":", "%3A")
	}
	return strings.Join(segments, "/")
}
