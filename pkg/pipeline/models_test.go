package pipeline_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/org/ai-ship/pkg/attest"
	"github.com/org/ai-ship/pkg/pipeline"
	"github.com/org/ai-ship/pkg/publish"
	"github.com/org/ai-ship/pkg/scan"
)

const sbom = `{"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": [
	{"type": "machine-learning-model", "bom-ref": "model:models/w.bin", "name": "models/w.bin"}, {"type": "library", "bom-ref": "x", "name": "x"}]}`

// modelled is a rig that signs, and whose scanner lists the model.
func modelled(t *testing.T) *rig {
	r := newRig(t)
	r.signed()
	r.engines.Scanner = scanner(func(_ context.Context, target scan.Target) (scan.Findings, error) {
		return scan.Findings{
			Ran: true, Engine: "1", Database: &scan.Database{}, Documents: []scan.Document{{Name: "sbom.cdx.json", Data: []byte(sbom)}},
			Inventory: []scan.Model{{Path: "models/w.bin", Format: "gguf"}},
		}, nil
	})
	return r
}

// The models' digests are those of the pass that sent them: by the time that they
// are attested, their files may be gone.
func TestModelsAreAttestedWithoutAnotherRead(t *testing.T) {
	r := modelled(t)
	r.engines.Publish = func(ctx context.Context, a publish.Artifact) (pipeline.Published, error) {
		done, err := r.push(ctx, a)
		if err == nil {
			err = r.root.Remove("m/w.bin")
		}
		return done, err
	}
	out, err := pipeline.Run(t.Context(), r.plan, r.engines)
	if err != nil {
		t.Fatal(err)
	}
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte("weights")))
	found := map[string]string{}
	for _, a := range out.Proof.Evidence().Attestations {
		found[a.PredicateType] = string(a.Predicate)
	}
	want := `{"serialization":{"method":"files","hash_type":"sha256","allow_symlinks":false},"resources":[{"name":"models/w.bin","algorithm":"sha256","digest":"` + sum + `"}]}`
	if found[attest.Models] != want {
		t.Errorf("found %s, want %s", found[attest.Models], want)
	}

	// The SBOM says what the gates measured and what the file is, attested as in
	// the report.
	for _, part := range []string{sum, `"quantitativeAnalysis":{"performanceMetrics":[{"type":"accuracy","value":"0.97"}]}`} {
		if !strings.Contains(found[attest.SBOM], part) {
			t.Errorf("the attested SBOM lacks %s: %s", part, found[attest.SBOM])
		}
	}
	for _, d := range out.Findings.Documents {
		var written, attested any
		if json.Unmarshal(d.Data, &written) != nil || json.Unmarshal([]byte(found[attest.SBOM]), &attested) != nil || fmt.Sprint(written) != fmt.Sprint(attested) {
			t.Errorf("%s is %s, attested is %s", d.Name, d.Data, found[attest.SBOM])
		}
	}
	for _, m := range out.Findings.Inventory {
		if m.SHA256 != sum {
			t.Errorf("the report says %+v", m)
		}
	}
}
