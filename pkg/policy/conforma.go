package policy

import (
	"strings"

	"github.com/org/ai-ship/pkg/attest"
)

// conformaRego denies whatever a demanded statement lacks. Conforma hands over
// only statements whose signature and digest it has verified.
const conformaRego = `# METADATA
# title: What ai-ship signs
# description: >-
#   The image is signed, and every statement that is demanded of it is there and
#   says what it must.
package ai_ship

import rego.v1

# Statements of a type about this image, and about nothing else.
statements(type) := [s |
	some attestation in input.attestations
	s := attestation.statement
	s.predicateType == type
{{- range .About}}
	{{.}}
{{- end}}
]
{{range .Rules}}
# METADATA
# title: {{.Title}}
# custom:
#   short_name: {{.Short}}
deny contains result if {
	{{.When}}
	result := {"code": {{quoted (print "ai_ship." .Short)}}, "msg": {{quoted .Message}}}
}
{{end -}}
`

type regoRule struct{ Title, Short, When, Message string }

// Conforma is a package of Rego rules, and the policy that names it and whose
// signatures count (EnterpriseContractPolicySpec).
func (d Demand) Conforma() ([]File, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	var rules []regoRule
	for _, t := range d.statements(d.Format != Legacy) { // of bundles, conforma takes any statement for a signature
		rules = append(rules, d.conformaRules(t)...)
	}
	about := []string{
		"count(s.subject) == 1",
		`endswith(input.image.ref, concat("", ["@sha256:", s.subject[0].digest.sha256]))`,
	}
	if !d.AnyRepository {
		about = append(about, "s.subject[0].name == "+quoted(d.Repository))
	}
	text, err := fill(conformaRego, struct {
		About []string
		Rules []regoRule
	}{about, rules})
	if err != nil {
		return nil, err
	}
	spec, err := asYAML(d.conformaHead(), d.conformaSpec())
	return []File{{"policy.yaml", spec}, {"policy/ai_ship.rego", []byte(text)}}, err
}

// conformaRules are about the statements of a type. A verdict that says no is
// not outvoted; of the others, one that is as it must be is enough.
func (d Demand) conformaRules(predicateType string) []regoRule {
	all, name := "statements("+quoted(predicateType)+")", short(predicateType)
	missing := regoRule{
		Title: "There is a statement: " + name, Short: name + "_missing",
		When: "count(" + all + ") == 0", Message: "no statement " + predicateType + " is signed by whom the policy trusts",
	}
	says := d.says(predicateType)
	switch {
	case predicateType == attest.Verdict:
		return []regoRule{missing, {
			Title: "The gates passed", Short: "verdict_refused",
			When: "some s in " + all + "\n\tnot " + says[0], Message: "the gates' verdict refuses it",
		}}
	case len(says) > 0:
		missing.When = "count([s | some s in " + all + "; " + strings.Join(says, "; ") + "]) == 0"
		missing.Message = "no record signed by whom the policy trusts says that " + d.Channel + " was moved onto it"
		if predicateType == attest.Vulnerabilities {
			missing.Message = "no scan signed by whom the policy trusts is younger than " + plainly(d.ScanMaxAge)
		}
	}
	return []regoRule{missing}
}

func (d Demand) conformaHead() []string {
	head := []string{
		"conforma: ec validate image --policy policy.yaml --image " + d.Repository + "@sha256:…",
		"Run it in this file's folder: the rules are in policy/ beside it.",
	}
	if !d.Signer.Logged {
		head = append(head, "Nothing is logged, so it needs --ignore-rekor.")
	}
	if len(d.Signer.Root) > 0 {
		head = append(head, "The trusted root is conforma's own: ec sigstore initialize --mirror URL --root FILE.")
	}
	return append(head, d.aged()...)
}

func (d Demand) conformaSpec() conformaPolicy {
	s := d.Signer
	p := conformaPolicy{
		Name: d.name(), Description: "What ai-ship signs about " + d.Repository,
		Key: s.KeyPEM, Sources: []conformaSource{{Name: "ai-ship", Policy: []string{"./policy"}}},
	}
	if s.KeyPEM == "" {
		p.Identity = &identity{Issuer: s.Issuer, Subject: s.Identity, SubjectRegExp: s.pattern()}
	}
	if s.Logged {
		p.Rekor = s.log()
	}
	return p
}

// What of an EnterpriseContractPolicySpec is used (api/v1alpha1 of conforma's
// crds).
type (
	conformaPolicy struct {
		Name        string           `yaml:"name"`
		Description string           `yaml:"description"`
		Key         string           `yaml:"publicKey,omitempty"`
		Identity    *identity        `yaml:"identity,omitempty"`
		Rekor       string           `yaml:"rekorUrl,omitempty"`
		Sources     []conformaSource `yaml:"sources"`
	}
	conformaSource struct {
		Name   string   `yaml:"name"`
		Policy []string `yaml:"policy"`
	}
)
