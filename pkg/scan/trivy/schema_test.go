package trivy_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/scan/bom"
)

// cycloneDX is the schema that the CycloneDX project publishes.
func cycloneDX(t *testing.T) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for _, name := range []string{"bom-1.7", "spdx", "jsf-0.82", "cryptography-defs"} {
		f, err := os.Open(filepath.Join("..", "bom", "testdata", "schema", name+".SNAPSHOT.schema.json"))
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource("http://cyclonedx.org/schema/"+name+".SNAPSHOT.schema.json", doc); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := c.Compile("http://cyclonedx.org/schema/bom-1.7.SNAPSHOT.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// The SBOM of packages, licences, vulnerabilities and models is what the
// published schema asks for.
func TestSBOMFollowsTheSchema(t *testing.T) {
	found := scanned(t, options(t), image(layer(t, debian()...), layer(t, dist("pillow", "9.0.0"), licensed("both", "License-Expression: MIT AND GPL-2.0-only"))).target(t))
	found.Inventory = []scan.Model{
		{Path: "models/a.gguf", Format: "gguf", Architecture: "llama", Version: "3", Dtypes: []string{"F32"}, Parameters: 7, Quantisation: "Q4_K_M", License: "llama3", Datasets: []string{"acme/digits"}},
		{Path: "models/config.json", Format: "json"},
	}
	content := func() (scan.Content, error) { return os.Open(filepath.Join("testdata", "gl-container-scanning.json")) }
	info, err := os.Stat(filepath.Join("testdata", "gl-container-scanning.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := bom.AddModels(t.Context(), &found, scan.Target{Files: []scan.File{{Path: "models/a.gguf", Size: info.Size(), Open: content}}}, nil); err != nil {
		t.Fatal(err)
	}
	described, err := bom.Describe([]byte(document(t, found, bom.Name)), bom.Known{Metrics: []bom.Metric{
		{Type: "accuracy", Unit: "ratio", Value: 0.96, Noise: 0.01}, {Type: "latency p95", Unit: "s", Slice: "device=cpu", Value: 0.25},
	}})
	if err != nil {
		t.Fatal(err)
	}
	schema, text := cycloneDX(t), string(described)
	for _, part := range []string{`"specVersion": "1.7"`, `"machine-learning-model"`, `"pkg:pypi/both@1.0"`, `"llama3"`, `"alg": "SHA-256"`, `"acme/digits"`, `"lowerBound"`} {
		contains(t, text, part)
	}
	for name, test := range map[string]struct {
		text string
		ok   bool
	}{
		"as written":    {text, true},
		"a wrong hash":  {strings.Replace(text, found.Inventory[0].SHA256, "x", 1), false},
		"a wrong type":  {strings.Replace(text, "machine-learning-model", "model", 1), false},
		"a number":      {strings.Replace(text, `"value": "0.96"`, `"value": 0.96`, 1), false},
		"no spec":       {strings.Replace(text, `"specVersion": "1.7",`, "", 1), false},
		"another field": {strings.Replace(text, `"version": 1,`, `"version": 1, "x": 1,`, 1), false},
	} {
		instance, err := jsonschema.UnmarshalJSON(strings.NewReader(test.text))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(instance); (err == nil) != test.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
