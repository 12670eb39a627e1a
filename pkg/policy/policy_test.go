package policy_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/attest"
	"github.com/org/ai-ship/pkg/policy"
)

var update = flag.Bool("update", false, "write the golden files anew")

const pem = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAElXUFUgvSqoFoze1APrjTeIinhFUt
kBF7gcHM9HbM3AHvbQxxbYZgsfvGLYcpQ1vR87kpSil3P9LFJ6eeCHNudA==
-----END PUBLIC KEY-----
`

// root is a trusted root file with two services; bytes stand for DER.
const root = `{"certificateAuthorities":[{"subject":{"organization":"acme"},"uri":"https://fulcio.example.com",
"certChain":{"certificates":[{"rawBytes":"AQID"},{"rawBytes":"BAUG"}]}}],
"ctlogs":[{"baseUrl":"https://ct.example.com","publicKey":{"rawBytes":"BwgJ"}}],
"tlogs":[{"baseUrl":"https://rekor.example.com","publicKey":{"rawBytes":"CgsM"}}],
"timestampAuthorities":[{"uri":"https://tsa.example.com","certChain":{"certificates":[{"rawBytes":"DQ4P"}]}}]}`

func byKey() policy.Demand {
	return policy.Demand{
		Repository: "ghcr.io/acme/digits", Signer: policy.Signer{KeyPEM: pem}, Format: policy.Both, Require: []string{attest.Verdict},
	}
}

func byIdentity() policy.Demand {
	return policy.Demand{
		Repository: "ghcr.io/acme/digits", Require: []string{attest.Verdict, attest.SBOM},
		Signer: policy.Signer{
			IdentityPattern: `https://github\.com/acme/.+`, Issuer: "https://token.actions.githubusercontent.com", Logged: true,
		},
		Channel: "production", ScanMaxAge: 24 * time.Hour,
	}
}

func private() policy.Demand {
	d := byIdentity()
	d.Signer.Root, d.Signer.Stamped = []byte(root), true
	return d
}

func alone() policy.Demand {
	d := byIdentity()
	d.Alone = true
	return d
}

type writer = func(policy.Demand) ([]policy.File, error)

// TestGolden holds every document to a file in testdata.
func TestGolden(t *testing.T) {
	for _, tc := range []struct {
		name   string
		demand policy.Demand
		write  writer
	}{
		{"kyverno-key", byKey(), policy.Demand.Kyverno},
		{"kyverno-identity", alone(), policy.Demand.Kyverno},
		{"kyverno-cel-key", byKey(), policy.Demand.KyvernoCEL},
		{"kyverno-cel-identity", alone(), policy.Demand.KyvernoCEL},
		{"policy-controller-key", byKey(), policy.Demand.PolicyController},
		{"policy-controller-identity", byIdentity(), policy.Demand.PolicyController},
		{"policy-controller-private", private(), policy.Demand.PolicyController},
		{"conforma-key", byKey(), policy.Demand.Conforma},
		{"conforma-identity", byIdentity(), policy.Demand.Conforma},
	} {
		t.Run(tc.name, func(t *testing.T) {
			files, err := tc.write(tc.demand)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, f := range files {
				names = append(names, strings.ReplaceAll(f.Name, "/", "_"))
				golden(t, filepath.Join("testdata", tc.name, names[len(names)-1]), f.Data)
			}
			kept, err := os.ReadDir(filepath.Join("testdata", tc.name))
			if err != nil || len(kept) != len(names) {
				t.Errorf("wrote %q, %d files are kept: %v", names, len(kept), err)
			}
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// TestRefused: what would let anybody in, and what an engine cannot say.
func TestRefused(t *testing.T) {
	engines := map[string]writer{"kyverno": policy.Demand.Kyverno, "kyverno-cel": policy.Demand.KyvernoCEL, "controller": policy.Demand.PolicyController, "conforma": policy.Demand.Conforma}
	for name, change := range map[string]func(*policy.Demand){
		"nobody":         func(d *policy.Demand) { d.Signer = policy.Signer{} },
		"no repository":  func(d *policy.Demand) { d.Repository = "" },
		"no issuer":      func(d *policy.Demand) { d.Signer.Issuer = "" },
		"any identity":   func(d *policy.Demand) { d.Signer.IdentityPattern = "" },
		"two identities": func(d *policy.Demand) { d.Signer.Identity = "x" },
		"two signers":    func(d *policy.Demand) { d.Signer.KeyPEM = pem },
	} {
		for engine, write := range engines {
			d := alone()
			change(&d)
			if files, err := write(d); err == nil || files != nil {
				t.Errorf("%s, %s: %d files, %v", engine, name, len(files), err)
			}
		}
	}
	if _, err := byIdentity().Kyverno(); !errors.Is(err, policy.ErrInexpressible) {
		t.Errorf("Kyverno and one of several channels: %v", err)
	}
	if _, err := byIdentity().KyvernoCEL(); !errors.Is(err, policy.ErrInexpressible) {
		t.Errorf("Kyverno's CEL and one of several channels: %v", err)
	}
	tags := byKey()
	tags.Format = policy.Legacy
	if _, err := tags.KyvernoCEL(); !errors.Is(err, policy.ErrInexpressible) {
		t.Errorf("Kyverno's CEL and cosign's tags: %v", err)
	}
	bundles := byKey()
	bundles.Format = policy.Bundle
	if _, err := bundles.PolicyController(); !errors.Is(err, policy.ErrInexpressible) {
		t.Errorf("policy-controller and bundles of a key: %v", err)
	}
	logged := private()
	logged.Signer.Stamped = false
	if _, err := logged.PolicyController(); !errors.Is(err, policy.ErrInexpressible) {
		t.Errorf("policy-controller and a private log of bundles: %v", err)
	}
	for _, text := range []string{`no JSON`, `{}`} {
		d := private()
		d.Signer.Root = []byte(text)
		if _, err := d.PolicyController(); err == nil || !strings.Contains(err.Error(), "reading the trusted root") {
			t.Errorf("trusted root %s: %v", text, err)
		}
	}
}

// TestNames: labels of Kubernetes, different for different repositories.
func TestNames(t *testing.T) {
	seen := map[string]string{}
	for _, repo := range []string{
		"ghcr.io/acme/digits", "ghcr.io/acme/digits2", "localhost:5000/a_b/c.d", "ghcr.io/" + strings.Repeat("long/", 30) + "a", "ghcr.io/" + strings.Repeat("long/", 30) + "b",
	} {
		d := byKey()
		d.Repository = repo
		files, err := d.Kyverno()
		if err != nil {
			t.Fatal(err)
		}
		var got struct{ Metadata struct{ Name string } }
		if err := yaml.Unmarshal(files[0].Data, &got); err != nil {
			t.Fatal(err)
		}
		name := got.Metadata.Name
		if len(name) > 63 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || strings.Trim(name, "-") != name {
			t.Errorf("%s: %q", repo, name)
		}
		if other, ok := seen[name]; ok {
			t.Errorf("%s and %s are both %q", repo, other, name)
		}
		seen[name] = repo
	}
}

// TestHostileNames: texts of a config stay texts.
func TestHostileNames(t *testing.T) {
	d := byIdentity()
	d.Alone, d.Channel = true, "x\"\n}\nallow := true\n# "
	d.Require = append(d.Require, "https://example.com/\"]}\n---\nkind: Evil\n")
	for name, write := range map[string]writer{"kyverno": policy.Demand.Kyverno, "kyverno-cel": policy.Demand.KyvernoCEL, "controller": policy.Demand.PolicyController, "conforma": policy.Demand.Conforma} {
		files, err := write(d)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			for line := range bytes.Lines(f.Data) {
				if bytes.HasPrefix(line, []byte("kind: Evil")) || bytes.HasPrefix(line, []byte("allow")) {
					t.Errorf("%s: %s has the line %q", name, f.Name, line)
				}
			}
		}
	}
}
