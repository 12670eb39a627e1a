package policy

import (
	"fmt"
	"strings"

	"github.com/org/ai-ship/pkg/attest"
	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/release"
)

// KyvernoCEL is an ImageValidatingPolicy of Kyverno (1.19) that holds pods to
// the demand. It reads bundles.
//
// Of several statements of a type it knows the last that it read, so it cannot
// ask for a record of one channel among records of others either.
func (d Demand) KyvernoCEL() ([]File, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	if err := d.oneChannel(); err != nil {
		return nil, err
	}
	if d.Format == Legacy {
		return nil, hint.Wrap(fmt.Errorf("demanding what stands in cosign's tags: %w: an ImageValidatingPolicy takes statements from there only if they are logged", ErrInexpressible),
			"use ai-ship policy kyverno, or write bundles, with sign.format: both")
	}
	p := imageValidatingPolicy{APIVersion: "policies.kyverno.io/v1", Kind: "ImageValidatingPolicy", Metadata: metadata{d.name()}}
	p.Spec.Actions, p.Spec.FailurePolicy = []string{"Deny"}, "Fail"
	p.Spec.Webhook.TimeoutSeconds = 30
	p.Spec.Constraints.Rules = []resourceRule{{[]string{""}, []string{"v1"}, []string{"CREATE", "UPDATE"}, []string{"pods"}}}
	for _, g := range d.references() {
		p.Spec.References = append(p.Spec.References, glob{g})
	}
	p.Spec.Attestors = []namedAttestor{{"signer", d.cosign()}}
	for _, t := range d.statements(true) {
		p.Spec.Attestations = append(p.Spec.Attestations, namedStatement{short(t), inToto{t}})
		conditions := append([]string{fmt.Sprintf("verifyAttestationSignatures(image, attestations.%s, [attestors.signer]) > 0", short(t))}, d.cel(t)...)
		p.Spec.Validations = append(p.Spec.Validations, validation{
			everyImage(strings.Join(conditions, " && ")), "no statement " + t + " by whom the policy trusts says what it must",
		})
	}
	data, err := asYAML(d.celHead(), p)
	return []File{{"image-validating-policy.yaml", data}}, err
}

// everyImage asks a condition of all that Kyverno matched in a pod.
func everyImage(condition string) string {
	return "(images.?containers.orValue([]) + images.?initContainers.orValue([]) + images.?ephemeralContainers.orValue([])).all(image, " + condition + ")"
}

// cel are the conditions of a statement's text, in CEL, whose strings JSON's are.
func (d Demand) cel(predicateType string) []string {
	s := "extractPayload(image, attestations." + short(predicateType) + ")"
	var all []string
	if !d.AnyRepository {
		all = append(all, s+".subject.all(s, s.name == "+quoted(d.Repository)+")")
	}
	switch {
	case predicateType == attest.Verdict:
		all = append(all, s+".predicate.passed == true")
	case predicateType == release.PromotionPredicate && d.Channel != "":
		all = append(all, s+".predicate.channel == "+quoted(d.Channel), s+".subject.all(s, "+s+`.predicate.to == "sha256:" + s.digest.sha256)`)
	case predicateType == attest.Vulnerabilities && d.ScanMaxAge > 0:
		all = append(all, fmt.Sprintf(`time.now() - timestamp(%s.predicate.metadata.scanFinishedOn) <= duration("%ds")`, s, int64(d.ScanMaxAge.Seconds())))
	}
	return all
}

func (d Demand) cosign() cosignAttestor {
	s := d.Signer
	a := cosignAttestor{CTLog: celLog{URL: s.log(), IgnoreTlog: !s.Logged}}
	if s.KeyPEM != "" {
		a.Key = &keyRef{s.KeyPEM}
		return a
	}
	a.Keyless = &celKeyless{[]identity{{Issuer: s.Issuer, Subject: s.Identity, SubjectRegExp: s.pattern()}}}
	if len(s.Root) > 0 {
		a.Root = &celText{string(s.Root)}
	}
	return a
}

func (d Demand) celHead() []string {
	head := []string{
		"Kyverno 1.19: " + d.Repository + " runs only with what ai-ship signs about it.",
		"Of several statements of a type, Kyverno looks at the last that it reads.",
	}
	if len(d.Signer.Root) > 0 {
		head = append(head, "Kyverno fetches the public TUF repository even where the trusted root stands here.")
	}
	return append(head, d.aged()...)
}

// What of an ImageValidatingPolicy is used (policies.kyverno.io/v1 of
// kyverno/api).
type (
	imageValidatingPolicy struct {
		APIVersion string   `yaml:"apiVersion"`
		Kind       string   `yaml:"kind"`
		Metadata   metadata `yaml:"metadata"`
		Spec       struct {
			Actions       []string `yaml:"validationActions"`
			FailurePolicy string   `yaml:"failurePolicy"`
			Webhook       struct {
				TimeoutSeconds int `yaml:"timeoutSeconds"`
			} `yaml:"webhookConfiguration"`
			Constraints struct {
				Rules []resourceRule `yaml:"resourceRules"`
			} `yaml:"matchConstraints"`
			References   []glob           `yaml:"matchImageReferences"`
			Attestors    []namedAttestor  `yaml:"attestors"`
			Attestations []namedStatement `yaml:"attestations,omitempty"`
			Validations  []validation     `yaml:"validations"`
		} `yaml:"spec"`
	}
	resourceRule struct {
		Groups     []string `yaml:"apiGroups"`
		Versions   []string `yaml:"apiVersions"`
		Operations []string `yaml:"operations"`
		Resources  []string `yaml:"resources"`
	}
	namedAttestor struct {
		Name   string         `yaml:"name"`
		Cosign cosignAttestor `yaml:"cosign"`
	}
	cosignAttestor struct {
		Key     *keyRef     `yaml:"key,omitempty"`
		Keyless *celKeyless `yaml:"keyless,omitempty"`
		CTLog   celLog      `yaml:"ctlog"`
		Root    *celText    `yaml:"trustedRoot,omitempty"`
	}
	celKeyless struct {
		Identities []identity `yaml:"identities"`
	}
	celLog struct {
		URL        string `yaml:"url"`
		IgnoreTlog bool   `yaml:"insecureIgnoreTlog,omitempty"`
	}
	celText struct {
		Value string `yaml:"value"`
	}
	namedStatement struct {
		Name   string `yaml:"name"`
		InToto inToto `yaml:"intoto"`
	}
	inToto struct {
		Type string `yaml:"type"`
	}
	validation struct {
		Expression string `yaml:"expression"`
		Message    string `yaml:"message"`
	}
)
