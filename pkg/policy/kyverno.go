package policy

import (
	"fmt"
	"strings"

	"github.com/org/ai-ship/pkg/attest"
	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/release"
)

// Kyverno is a ClusterPolicy of Kyverno that holds pods to the demand.
//
// Its conditions must be true of every statement of a type, so it cannot ask
// for a record of one channel among records of others. Bundles signed with keys
// are read since 1.19, those of certificates since 1.13.
func (d Demand) Kyverno() ([]File, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	if err := d.oneChannel(); err != nil {
		return nil, err
	}
	by := []attestorSet{{Count: 1, Entries: []attestor{d.attestor()}}}
	verify := verifyImages{
		Type: "SigstoreBundle", FailureAction: "Enforce", References: d.references(),
		MutateDigest: true, VerifyDigest: true, Required: true,
	}
	if d.Format == Legacy { // of bundles, attestors of the image itself are content with any statement
		verify.Type, verify.Attestors = "Cosign", by
	}
	for _, t := range d.statements(d.Format != Legacy) {
		a := attestation{Name: short(t), Type: t, Attestors: by}
		if all := d.kyvernoConditions(t); len(all) > 0 {
			a.Conditions = []allOf{{all}}
		}
		verify.Attestations = append(verify.Attestations, a)
	}
	p := clusterPolicy{APIVersion: "kyverno.io/v1", Kind: "ClusterPolicy", Metadata: metadata{d.name()}}
	p.Spec.Background, p.Spec.Webhook = false, webhook{FailurePolicy: "Fail", TimeoutSeconds: 30}
	p.Spec.Rules = []rule{{
		Name: "ai-ship", Match: match{[]matched{{resources{[]string{"Pod"}}}}}, VerifyImages: []verifyImages{verify},
	}}
	data, err := asYAML(d.kyvernoHead(), p)
	return []File{{"cluster-policy.yaml", data}}, err
}

// oneChannel refuses to ask for one channel's record where there may be others.
func (d Demand) oneChannel() error {
	if d.Channel == "" || d.Alone {
		return nil
	}
	return hint.Wrap(fmt.Errorf("demanding a promotion to %q: %w: Kyverno cannot choose among a digest's records, and there is one of each channel that it was in",
		d.Channel, ErrInexpressible), "leave --channel out, or use policy-controller or conforma")
}

// kyvernoHead says what the policy leaves open.
func (d Demand) kyvernoHead() []string {
	head := []string{"Kyverno: " + d.Repository + " runs only with what ai-ship signs about it."}
	if d.Format != Legacy && !d.keyless() {
		head = append(head, "Needs Kyverno 1.19: before, bundles were read of certificates only.")
	}
	if !d.AnyRepository {
		head = append(head, "Kyverno looks at a statement's digest, not at the repository that it was made for.")
	}
	if len(d.Signer.Root) > 0 {
		head = append(head, "The trusted root is Kyverno's own: give its TUF repository to the admission controller (--tufMirror, --tufRoot).")
	}
	return append(head, d.aged()...)
}

// references match the repository and nothing that only begins like it.
// Kyverno calls Docker Hub by its own name.
func (d Demand) references() []string {
	repo := d.Repository
	if rest, ok := strings.CutPrefix(repo, "index.docker.io/"); ok {
		repo = "docker.io/" + rest
	}
	return []string{repo + ":*", repo + "@*"}
}

func (d Demand) attestor() attestor {
	s := d.Signer
	log := &rekor{URL: s.log(), IgnoreTlog: !s.Logged}
	if s.KeyPEM != "" {
		return attestor{Keys: &keys{PublicKeys: s.KeyPEM, Rekor: log, CTLog: &ctLog{IgnoreSCT: true}}}
	}
	return attestor{Keyless: &keyless{Subject: s.Identity, SubjectRegExp: s.pattern(), Issuer: s.Issuer, Rekor: log}}
}

func (d Demand) kyvernoConditions(predicateType string) []condition {
	switch {
	case predicateType == attest.Verdict:
		return []condition{{"{{ passed }}", "Equals", true}}
	case predicateType == release.PromotionPredicate && d.Channel != "":
		return []condition{{"{{ channel }}", "Equals", d.Channel}}
	case predicateType == attest.Vulnerabilities && d.ScanMaxAge > 0:
		return []condition{{"{{ time_since('', metadata.scanFinishedOn, '') }}", "LessThanOrEquals", plainly(d.ScanMaxAge)}}
	}
	return nil
}

// What of a ClusterPolicy is used (api/kyverno/v1 of Kyverno).
type (
	clusterPolicy struct {
		APIVersion string   `yaml:"apiVersion"`
		Kind       string   `yaml:"kind"`
		Metadata   metadata `yaml:"metadata"`
		Spec       struct {
			Background bool    `yaml:"background"`
			Webhook    webhook `yaml:"webhookConfiguration"`
			Rules      []rule  `yaml:"rules"`
		} `yaml:"spec"`
	}
	webhook struct {
		FailurePolicy  string `yaml:"failurePolicy"`
		TimeoutSeconds int    `yaml:"timeoutSeconds"`
	}
	rule struct {
		Name         string         `yaml:"name"`
		Match        match          `yaml:"match"`
		VerifyImages []verifyImages `yaml:"verifyImages"`
	}
	match struct {
		Any []matched `yaml:"any"`
	}
	matched struct {
		Resources resources `yaml:"resources"`
	}
	resources struct {
		Kinds []string `yaml:"kinds"`
	}
	verifyImages struct {
		Type          string        `yaml:"type"`
		FailureAction string        `yaml:"failureAction"`
		References    []string      `yaml:"imageReferences"`
		MutateDigest  bool          `yaml:"mutateDigest"`
		VerifyDigest  bool          `yaml:"verifyDigest"`
		Required      bool          `yaml:"required"`
		Attestors     []attestorSet `yaml:"attestors,omitempty"`
		Attestations  []attestation `yaml:"attestations,omitempty"`
	}
	attestorSet struct {
		Count   int        `yaml:"count"`
		Entries []attestor `yaml:"entries"`
	}
	attestor struct {
		Keys    *keys    `yaml:"keys,omitempty"`
		Keyless *keyless `yaml:"keyless,omitempty"`
	}
	keys struct {
		PublicKeys string `yaml:"publicKeys"`
		Rekor      *rekor `yaml:"rekor"`
		CTLog      *ctLog `yaml:"ctlog,omitempty"`
	}
	keyless struct {
		Subject       string `yaml:"subject,omitempty"`
		SubjectRegExp string `yaml:"subjectRegExp,omitempty"`
		Issuer        string `yaml:"issuer"`
		Rekor         *rekor `yaml:"rekor"`
	}
	rekor struct {
		URL        string `yaml:"url"`
		IgnoreTlog bool   `yaml:"ignoreTlog,omitempty"`
	}
	ctLog struct {
		IgnoreSCT bool `yaml:"ignoreSCT"`
	}
	attestation struct {
		Name       string        `yaml:"name"`
		Type       string        `yaml:"type"`
		Attestors  []attestorSet `yaml:"attestors"`
		Conditions []allOf       `yaml:"conditions,omitempty"`
	}
	allOf struct {
		All []condition `yaml:"all"`
	}
	condition struct {
		Key      string `yaml:"key"`
		Operator string `yaml:"operator"`
		Value    any    `yaml:"value"`
	}
)
