package policy

import (
	"fmt"

	"github.com/org/ai-ship/pkg/hint"
)

// statementRego is what policy-controller asks of one statement.
const statementRego = `package sigstore

import rego.v1

default isCompliant := false

isCompliant if {
	s := input
	s.predicateType == {{quoted .Type}}
{{- range .Conditions}}
	{{.}}
{{- end}}
}
`

// PolicyController is one ClusterImagePolicy of sigstore's policy-controller
// (0.13 or later), or two where the signature is in a tag of its own, and the
// TrustRoot that they name when there is a trusted root.
//
// Bundles are read of certificates only, so keys need cosign's tags. One
// statement that meets the conditions is enough.
func (d Demand) PolicyController() ([]File, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	legacy := d.Format == Legacy || d.Format == Both && !d.keyless()
	if !d.keyless() && !legacy {
		return nil, hint.Wrap(fmt.Errorf("demanding what a key has signed: %w: policy-controller reads bundles of certificates only", ErrInexpressible),
			"write cosign's tags too, with sign.format: both")
	}
	if d.keyless() && !legacy && d.trustRoot() != "" && !d.Signer.Stamped {
		return nil, hint.Wrap(fmt.Errorf("demanding what a private log holds: %w: policy-controller finds no log of bundles in a TrustRoot", ErrInexpressible),
			"sign with a timestamp authority, with sign.timestamp")
	}
	a := d.authority(legacy)
	var documents []any
	if legacy {
		documents = append(documents, d.imagePolicy("-signature", a))
	}
	for _, t := range d.statements(!legacy) {
		text, err := fill(statementRego, struct {
			Type       string
			Conditions []string
		}{t, d.conditions(t)})
		if err != nil {
			return nil, err
		}
		a.Attestations = append(a.Attestations, stated{Name: short(t), Type: t, Policy: regoPolicy{"rego", text}})
	}
	if len(a.Attestations) > 0 {
		documents = append(documents, d.imagePolicy("", a))
	}
	data, err := asYAML(d.controllerHead(legacy), documents...)
	files := []File{{"cluster-image-policy.yaml", data}}
	if err == nil && d.trustRoot() != "" {
		var trusted File
		trusted, err = d.trust()
		files = append(files, trusted)
	}
	return files, err
}

func (d Demand) controllerHead(legacy bool) []string {
	head := []string{
		"sigstore policy-controller: " + d.Repository + " runs only with what ai-ship signs about it.",
		"One statement that meets the conditions is enough, whatever others say. Namespaces opt in:",
		"kubectl label namespace NAME policy.sigstore.dev/include=true",
	}
	if d.keyless() && d.Signer.Logged && d.Signer.Stamped {
		head = append(head, "Time is the timestamp authority's: policy-controller asks no log of version 2.")
	}
	if d.keyless() && !legacy && d.trustRoot() != "" {
		head = append(head, "Of bundles it finds no certificate log in a TrustRoot either, so none is asked (insecureIgnoreSCT).")
	}
	return append(head, d.aged()...)
}

// trustRoot is the name of the TrustRoot; "" for the public instance. A key
// needs one only for the log.
func (d Demand) trustRoot() string {
	if len(d.Signer.Root) == 0 || !d.keyless() && !d.Signer.Logged {
		return ""
	}
	return d.name()
}

func (d Demand) authority(legacy bool) authority {
	s, root := d.Signer, d.trustRoot()
	a := authority{Name: "ai-ship"}
	if s.KeyPEM != "" {
		a.Key = &keyRef{s.KeyPEM}
		if s.Logged {
			a.CTLog = s.logRef(root)
		}
		return a
	}
	a.Keyless = &keylessRef{
		URL: "https://fulcio.sigstore.dev", TrustRoot: root,
		Identities: []identity{{Issuer: s.Issuer, Subject: s.Identity, SubjectRegExp: s.pattern()}},
	}
	if s.Stamped {
		a.Timestamp = &trustRootRef{root}
	} else if s.Logged {
		a.CTLog = s.logRef(root)
	}
	if !legacy {
		// policy-controller 0.13 takes the hexadecimal text of a log's id for the
		// id, where a TrustRoot has keys (ConvertTransparencyLogInstance).
		a.Format, a.Keyless.IgnoreSCT = "bundle", root != ""
	}
	return a
}

func (s Signer) logRef(root string) *logRef {
	if root != "" {
		return &logRef{TrustRoot: root}
	}
	return &logRef{URL: s.log()}
}

func (d Demand) imagePolicy(suffix string, a authority) clusterImagePolicy {
	p := clusterImagePolicy{APIVersion: "policy.sigstore.dev/v1beta1", Kind: "ClusterImagePolicy", Metadata: metadata{d.name() + suffix}}
	// A * ends at a slash, so that these are the repository's images alone.
	p.Spec.Images = []glob{{d.Repository + ":*"}, {d.Repository + "@*"}}
	p.Spec.Authorities = []authority{a}
	return p
}

// What of a ClusterImagePolicy is used (pkg/apis/policy/v1beta1 of
// policy-controller).
type (
	clusterImagePolicy struct {
		APIVersion string   `yaml:"apiVersion"`
		Kind       string   `yaml:"kind"`
		Metadata   metadata `yaml:"metadata"`
		Spec       struct {
			Images      []glob      `yaml:"images"`
			Authorities []authority `yaml:"authorities"`
		} `yaml:"spec"`
	}
	glob struct {
		Glob string `yaml:"glob"`
	}
	authority struct {
		Name         string        `yaml:"name"`
		Format       string        `yaml:"signatureFormat,omitempty"`
		Key          *keyRef       `yaml:"key,omitempty"`
		Keyless      *keylessRef   `yaml:"keyless,omitempty"`
		CTLog        *logRef       `yaml:"ctlog,omitempty"`
		Timestamp    *trustRootRef `yaml:"rfc3161timestamp,omitempty"`
		Attestations []stated      `yaml:"attestations,omitempty"`
	}
	keyRef struct {
		Data string `yaml:"data"`
	}
	keylessRef struct {
		URL        string     `yaml:"url"`
		TrustRoot  string     `yaml:"trustRootRef,omitempty"`
		IgnoreSCT  bool       `yaml:"insecureIgnoreSCT,omitempty"`
		Identities []identity `yaml:"identities"`
	}
	identity struct {
		Issuer        string `yaml:"issuer,omitempty"`
		Subject       string `yaml:"subject,omitempty"`
		SubjectRegExp string `yaml:"subjectRegExp,omitempty"`
	}
	logRef struct {
		URL       string `yaml:"url,omitempty"`
		TrustRoot string `yaml:"trustRootRef,omitempty"`
	}
	trustRootRef struct {
		TrustRoot string `yaml:"trustRootRef"`
	}
	stated struct {
		Name   string     `yaml:"name"`
		Type   string     `yaml:"predicateType"`
		Policy regoPolicy `yaml:"policy"`
	}
	regoPolicy struct {
		Type string `yaml:"type"`
		Data string `yaml:"data"`
	}
)
