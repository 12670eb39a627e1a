package policy

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
)

// trustedRoot is what is read of a trusted root file
// (sigstore_trustroot.proto); bytes are base64, certificates and keys DER.
type trustedRoot struct {
	Authorities []certificateAuthority `json:"certificateAuthorities"`
	Stampers    []certificateAuthority `json:"timestampAuthorities"`
	CTLogs      []transparencyLog      `json:"ctlogs"`
	Logs        []transparencyLog      `json:"tlogs"`
}

type certificateAuthority struct {
	Subject struct {
		Organization string `json:"organization"`
		CommonName   string `json:"commonName"`
	} `json:"subject"`
	URI   string `json:"uri"`
	Chain struct {
		Certificates []der `json:"certificates"`
	} `json:"certChain"`
}

type transparencyLog struct {
	BaseURL   string `json:"baseUrl"`
	PublicKey der    `json:"publicKey"`
}

type der struct {
	Bytes []byte `json:"rawBytes"`
}

// trust is the trusted root as policy-controller's TrustRoot.
func (d Demand) trust() (File, error) {
	var from trustedRoot
	if err := json.Unmarshal(d.Signer.Root, &from); err != nil {
		return File{}, fmt.Errorf("reading the trusted root: %w", err)
	}
	if len(from.Authorities) == 0 && d.keyless() {
		return File{}, errors.New("reading the trusted root: it names no certificate authority")
	}
	to := trustRoot{APIVersion: "policy.sigstore.dev/v1alpha1", Kind: "TrustRoot", Metadata: metadata{d.trustRoot()}}
	keys := &to.Spec.Keys
	for _, a := range from.Authorities {
		keys.Authorities = append(keys.Authorities, a.authority())
	}
	for _, a := range from.Stampers {
		keys.Stampers = append(keys.Stampers, a.authority())
	}
	keys.CTLogs = logs(from.CTLogs)
	if !d.Signer.Stamped { // else no log is asked; policy-controller knows those of version 1
		keys.Logs = logs(from.Logs)
	}
	data, err := asYAML([]string{"The services of " + d.Repository + "'s signatures. Put it into the cluster before the policy."}, to)
	return File{"trust-root.yaml", data}, err
}

// authority of which nothing but the chain is used; the engine wants names.
func (a certificateAuthority) authority() rootAuthority {
	out := rootAuthority{URI: a.URI, Chain: encodedPEM("CERTIFICATE", a.Chain.Certificates...)}
	out.Subject.Organization, out.Subject.CommonName = cmp.Or(a.Subject.Organization, "private"), cmp.Or(a.Subject.CommonName, "private")
	return out
}

func logs(from []transparencyLog) []rootLog {
	var all []rootLog
	for _, l := range from {
		all = append(all, rootLog{BaseURL: l.BaseURL, Hash: "sha-256", PublicKey: encodedPEM("PUBLIC KEY", l.PublicKey)})
	}
	return all
}

// encodedPEM is PEM, in base64 once more, as Kubernetes has bytes.
func encodedPEM(kind string, blocks ...der) string {
	var text []byte
	for _, b := range blocks {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b.Bytes})...)
	}
	return base64.StdEncoding.EncodeToString(text)
}

// What of a TrustRoot is used (pkg/apis/policy/v1alpha1 of policy-controller).
type (
	trustRoot struct {
		APIVersion string   `yaml:"apiVersion"`
		Kind       string   `yaml:"kind"`
		Metadata   metadata `yaml:"metadata"`
		Spec       struct {
			Keys sigstoreKeys `yaml:"sigstoreKeys"`
		} `yaml:"spec"`
	}
	sigstoreKeys struct {
		Authorities []rootAuthority `yaml:"certificateAuthorities"`
		Logs        []rootLog       `yaml:"tLogs,omitempty"`
		CTLogs      []rootLog       `yaml:"ctLogs,omitempty"`
		Stampers    []rootAuthority `yaml:"timestampAuthorities,omitempty"`
	}
	rootAuthority struct {
		Subject struct {
			Organization string `yaml:"organization"`
			CommonName   string `yaml:"commonName"`
		} `yaml:"subject"`
		URI   string `yaml:"uri"`
		Chain string `yaml:"certChain"`
	}
	rootLog struct {
		BaseURL   string `yaml:"baseURL"`
		Hash      string `yaml:"hashAlgorithm"`
		PublicKey string `yaml:"publicKey"`
	}
)
