package bom_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/scan/bom"
)

func TestDescribe(t *testing.T) {
	f := found()
	f.Inventory[0].Datasets = []string{"acme/digits"}
	if err := bom.AddModels(t.Context(), &f, scan.Target{Files: []scan.File{file("models/a.gguf", "abc")}}, nil); err != nil {
		t.Fatal(err)
	}
	data, err := bom.Describe(f.Documents[1].Data, bom.Known{Metrics: []bom.Metric{
		{Type: "accuracy", Unit: "ratio", Value: 0.96, Noise: 0.01}, {Type: "latency p95", Unit: "s", Slice: "device=cpu", Value: 0.25},
	}})
	if err != nil {
		t.Fatal(err)
	}
	const sum = "1111111111111111111111111111111111111111111111111111111111111111"
	if data, err = bom.Describe(data, bom.Known{Hashes: map[string]string{"models/a.gguf": sum, "models/big.safetensors": sum}}); err != nil {
		t.Fatal(err)
	}
	type metric struct {
		Type, Value, Slice string
		ConfidenceInterval *struct{ LowerBound, UpperBound string }
	}
	var got struct {
		Components []struct {
			Type, Name string
			Hashes     []struct{ Content string }
			ModelCard  *struct {
				ModelParameters struct {
					ModelArchitecture string
					Datasets          []struct{ Type, Name string }
				}
				QuantitativeAnalysis struct{ PerformanceMetrics []metric }
			}
		}
	}
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	want := []metric{
		{Type: "accuracy", Value: "0.96", ConfidenceInterval: &struct{ LowerBound, UpperBound string }{"0.9404", "0.9796"}},
		{Type: "latency p95", Value: "0.25 s", Slice: "device=cpu"},
	}
	models := 0
	for _, c := range got.Components {
		switch {
		case c.Type != "machine-learning-model":
			if c.ModelCard != nil {
				t.Errorf("%s %s has a model card", c.Type, c.Name)
			}
			continue
		case c.ModelCard == nil || len(c.Hashes) != 1:
			t.Errorf("%+v", c)
			continue
		}
		models++
		if diff := cmp.Diff(want, c.ModelCard.QuantitativeAnalysis.PerformanceMetrics); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.Name, diff)
		}
		if measured := c.Hashes[0].Content != sum; measured != (c.Name == "models/a.gguf") {
			t.Errorf("%s has the hash %s", c.Name, c.Hashes[0].Content)
		}
		p := c.ModelCard.ModelParameters
		if c.Name == "models/a.gguf" && (p.ModelArchitecture != "llama" || len(p.Datasets) != 1 || p.Datasets[0].Type != "dataset" || p.Datasets[0].Name != "acme/digits") {
			t.Errorf("parameters %+v", p)
		}
	}
	if models != 2 {
		t.Errorf("%d models, want 2", models)
	}
}

func TestDescribeLeavesTheRest(t *testing.T) {
	metrics := bom.Known{Metrics: []bom.Metric{{Type: "accuracy", Value: 1}}}
	for name, test := range map[string]struct {
		document string
		known    bom.Known
	}{
		"no model": {empty, metrics}, "no component": {`{"bomFormat": "CycloneDX"}`, metrics}, "nothing known": {empty, bom.Known{}},
	} {
		if got, err := bom.Describe([]byte(test.document), test.known); err != nil || !slices.Equal(got, []byte(test.document)) {
			t.Errorf("%s: %v, %s", name, err, got)
		}
	}
	if got, err := bom.Describe([]byte("[]"), metrics); err == nil || !strings.Contains(err.Error(), bom.Name) {
		t.Errorf("no document: %s, %v", got, err)
	}
}
