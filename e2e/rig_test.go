//go:build linux

package e2e

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
)

// rig is a Sigstore of the test's own: pkg/internal/keyless/rig.
type rig struct {
	Fulcio, Timestamp, Rekor string
	TrustedRoot              json.RawMessage
	Env                      map[string]string // of a CI's job
	Job, Other               struct{ Subject, Issuer, Token string }
}

func startRig(t *testing.T) rig {
	t.Helper()
	if err := shared.compile("", "./pkg/internal/keyless/rig"); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(shared.program("rig"))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	var r rig
	if err := json.NewDecoder(out).Decode(&r); err != nil {
		t.Fatal(err)
	}
	return r
}

// chain is a certificate authority in a trusted root.
type chain struct {
	CertChain struct {
		Certificates []struct {
			RawBytes []byte `json:"rawBytes"`
		} `json:"certificates"`
	} `json:"certChain"`
}

func (c chain) pem(from, to int) string {
	var text []byte
	for _, der := range c.CertChain.Certificates[from:to] {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der.RawBytes})...)
	}
	return string(text)
}

// write puts what the rig's users know into a folder: a trusted root, with its
// log or without, the same as PEM files, and what says where to sign.
func (r rig) write(t *testing.T, dir string, logged bool) {
	t.Helper()
	var root map[string]json.RawMessage
	if err := json.Unmarshal(r.TrustedRoot, &root); err != nil {
		t.Fatal(err)
	}
	if !logged {
		delete(root, "tlogs")
	}
	text, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	var known struct {
		CertificateAuthorities, TimestampAuthorities []chain

		Ctlogs []struct{ PublicKey struct{ RawBytes []byte } }
	}
	if err := json.Unmarshal(r.TrustedRoot, &known); err != nil {
		t.Fatal(err)
	}
	ca, stamps := known.CertificateAuthorities[0], known.TimestampAuthorities[0]
	last := len(ca.CertChain.Certificates) - 1
	service := func(url string, version int) string {
		return fmt.Sprintf(`[{"url": %q, "majorApiVersion": %d, "validFor": {"start": "2020-01-01T00:00:00Z"}, "operator": "example"}]`, url, version)
	}
	for name, content := range map[string]string{
		"trusted_root.json": string(text),
		"root.pem":          ca.pem(last, last+1),
		"intermediate.pem":  ca.pem(0, last),
		"timestamps.pem":    stamps.pem(0, len(stamps.CertChain.Certificates)),
		"ct.pub":            string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: known.Ctlogs[0].PublicKey.RawBytes})),
		"signing_config.json": `{"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json", "caUrls": ` + service(r.Fulcio, 1) +
			`, "rekorTlogUrls": ` + service(r.Rekor, 2) + `, "tsaUrls": ` + service(r.Timestamp, 1) +
			`, "rekorTlogConfig": {"selector": "ANY"}, "tsaConfig": {"selector": "ANY"}}`,
	} {
		writeFile(t, filepath.Join(dir, name), content)
	}
}
