package bom_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/scan/bom"
)

const empty = `{"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
	"metadata": {"component": {"type": "container", "name": "digits", "bom-ref": "image"}},
	"components": [{"type": "library", "name": "numpy", "bom-ref": "pkg:pypi/numpy@2.0.0"}],
	"dependencies": [{"ref": "image", "dependsOn": ["pkg:pypi/numpy@2.0.0"]}]}`

type content struct{ *bytes.Reader }

func (content) Close() error { return nil }

func file(path, data string) scan.File {
	return scan.File{Path: path, Kind: "model", Size: int64(len(data)), Open: func() (scan.Content, error) {
		return content{bytes.NewReader([]byte(data))}, nil
	}}
}

func found() scan.Findings {
	return scan.Findings{
		Documents: []scan.Document{{Name: "sbom.spdx.json", Data: []byte("{}")}, {Name: bom.Name, Data: []byte(empty)}},
		Inventory: []scan.Model{
			{Path: "models/a.gguf", Format: "gguf", Architecture: "llama", Version: "3", Dtypes: []string{"F32", "Q4_K"}, Parameters: 7241732096, Quantisation: "Q4_K_M", License: "llama3"},
			{Path: "models/a.gguf", Format: "gguf"}, // of another platform
			{Path: "models/big.safetensors", Format: "safetensors"},
			{Path: "models/config.json", Format: "json"},
		},
	}
}

func TestAddModels(t *testing.T) {
	big := scan.File{Path: "models/big.safetensors", Size: bom.MaxHashed + 1, Open: func() (scan.Content, error) {
		return nil, errors.New("it is read")
	}}
	f := found()
	if err := bom.AddModels(t.Context(), &f, scan.Target{Files: []scan.File{file("models/a.gguf", "abc"), file("models/config.json", "{}"), big}}, nil); err != nil {
		t.Fatal(err)
	}
	const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // FIPS 180-2, appendix B.1
	if got := f.Inventory[0]; got.SHA256 != abc || got.Size != 3 {
		t.Errorf("found %+v, want the hash and the size of abc", got)
	}
	if got := f.Inventory[2]; got.SHA256 != "" || got.Size != bom.MaxHashed+1 {
		t.Errorf("found %+v, want a size and no hash", got)
	}
	var got struct {
		Components []struct {
			Type   string
			Ref    string `json:"bom-ref"`
			Hashes []struct{ Alg, Content string }
			Card   struct {
				Parameters struct {
					Architecture string `json:"modelArchitecture"`
				} `json:"modelParameters"`
			} `json:"modelCard"`
			Licenses   []struct{ License struct{ Name string } }
			Properties []struct{ Name, Value string }
		}
		Dependencies []struct {
			Ref       string
			DependsOn []string
		}
	}
	if err := json.Unmarshal(f.Documents[1].Data, &got); err != nil {
		t.Fatal(err)
	}
	var types []string
	for _, c := range got.Components {
		types = append(types, c.Type+" "+c.Ref)
	}
	want := []string{"machine-learning-model model:models/a.gguf", "machine-learning-model model:models/big.safetensors", "file model:models/config.json", "library pkg:pypi/numpy@2.0.0"}
	if diff := cmp.Diff(want, types); diff != "" {
		t.Fatalf("components (-want +got):\n%s", diff)
	}
	c := got.Components[0]
	if c.Hashes[0].Content != abc || c.Card.Parameters.Architecture != "llama" || c.Licenses[0].License.Name != "llama3" || len(c.Properties) != 6 {
		t.Errorf("found %+v", c)
	}
	if depends := got.Dependencies[0].DependsOn; len(depends) != 4 {
		t.Errorf("the image depends on %q, want its models and numpy", depends)
	}
}

func TestAddModelsMistakes(t *testing.T) {
	over := file("models/a.gguf", "abc")
	over.Size = 4
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	broken := found()
	broken.Documents[1].Data = []byte("[]")
	for name, test := range map[string]struct {
		ctx      context.Context
		findings scan.Findings
		file     scan.File
		want     string
	}{
		"short":    {t.Context(), found(), over, `hashing "models/a.gguf": found 3 bytes, expected 4`},
		"ended":    {ended, found(), file("models/a.gguf", "abc"), "context canceled"},
		"not JSON": {t.Context(), broken, file("x", ""), "adding models to sbom.cdx.json"},
	} {
		if err := bom.AddModels(test.ctx, &test.findings, scan.Target{Files: []scan.File{test.file}}, nil); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error is %v, want %s", name, err, test.want)
		}
	}
	if err := bom.AddModels(t.Context(), &scan.Findings{Inventory: found().Inventory}, scan.Target{Files: []scan.File{over}}, nil); err != nil {
		t.Errorf("without an SBOM: %v", err)
	}
}
