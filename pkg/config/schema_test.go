package config_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/org/ai-ship/pkg/config"
)

func TestSchemaGolden(t *testing.T) {
	got, err := config.Schema()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasSuffix(got, []byte("}\n")) {
		t.Error("the schema does not end in a newline")
	}
	again, err := config.Schema()
	if err != nil || !bytes.Equal(got, again) {
		t.Errorf("the schema is not stable: %v", err)
	}
	golden(t, filepath.Join("..", "..", "docs", "ai-ship.schema.json"), got)
}

func compile(t testing.TB) *jsonschema.Schema {
	t.Helper()
	text, err := config.Schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	const id = "https://github.com/org/ai-ship/schema/ai-ship.schema.json"
	c := jsonschema.NewCompiler()
	if err := c.AddResource(id, doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile(id)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// validate judges YAML by the schema, read by another decoder than Parse's.
func validate(t testing.TB, schema *jsonschema.Schema, text string) error {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("reading %q: %v", text, err)
	}
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatalf("encoding %q: %v", text, err)
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(instance)
}

// TestSchemaNamesTheTags compares the keys of each struct with the properties
// of its definition in the schema.
func TestSchemaNamesTheTags(t *testing.T) {
	text, err := config.Schema()
	if err != nil {
		t.Fatal(err)
	}
	type object struct {
		Properties           map[string]struct{ Description string }
		AdditionalProperties any
		AnyOf                []object
	}
	var schema struct {
		object
		Defs map[string]object `json:"$defs"`
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	checked := 0
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			walk(typ.Elem())
			return
		}
		if typ.Kind() != reflect.Struct || typ == reflect.TypeFor[config.Limit]() {
			return
		}
		checked++
		o := schema.Defs[typ.Name()]
		if typ == reflect.TypeFor[config.Config]() {
			o = schema.object
		}
		for _, alternative := range o.AnyOf {
			if alternative.Properties != nil {
				o = alternative // the mapping beside the short form
			}
		}
		var tags, properties []string
		for i := range typ.NumField() {
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("yaml"), ",")
			tags = append(tags, name)
			walk(typ.Field(i).Type)
		}
		for name, property := range o.Properties {
			properties = append(properties, name)
			if property.Description == "" {
				t.Errorf("%s.%s has no description", typ.Name(), name)
			}
		}
		slices.Sort(tags)
		slices.Sort(properties)
		if diff := cmp.Diff(tags, properties); diff != "" {
			t.Errorf("%s: tags and properties differ (-tags +schema):\n%s", typ.Name(), diff)
		}
		if o.AdditionalProperties != false {
			t.Errorf("%s: additionalProperties = %v, want false", typ.Name(), o.AdditionalProperties)
		}
	}
	walk(reflect.TypeFor[config.Config]())
	if checked != 15 { // Copy is reached twice
		t.Errorf("%d structs checked, want 15", checked)
	}
}

func TestSchemaAgreesOnFiles(t *testing.T) {
	schema := compile(t)
	valid, err := filepath.Glob("testdata/valid/*.yaml")
	if err != nil || len(valid) == 0 {
		t.Fatal(valid, err)
	}
	for _, file := range valid {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(t, schema, string(data)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestSchemaAgrees judges documents by both Parse and the schema. What the
// schema refuses, Parse must refuse.
func TestSchemaAgrees(t *testing.T) {
	const (
		valid  = iota // accepted by both
		both          // refused by both
		parser        // refused by Parse, which knows more
	)
	schema := compile(t)
	for text, want := range map[string]int{
		"":                              valid,
		"models: [{from: a, to: /b}]":   valid,
		"command: python serve.py":      valid,
		"entrypoint: [python]":          valid,
		"ports: [8000, '8000', 53/udp]": valid,
		"user: 10001:10001":             valid,
		"user: 0":                       valid,
		"version: v1":                   valid,
		"version: 1.2":                  valid,
		"version: {suffix: 1}":          valid,
		"env: {A: 1, _b: true, C3: ''}": valid,
		"labels: {a.b/c: 0.5}":          valid,
		"gates: {}":                     valid,
		"gates: {size: {max: 0B}}":      valid,
		"gates: {metrics: []}":          valid,
		"gates: {metrics: [{name: a, min: 1, stat: p99.9}]}": valid,
		"gates: {models: {}}":                                valid,
		"gates: {metrics: [{name: a, regression: auto, slack: 5ms, where: {class: 3, b: ''}, samples: 30, runs: 3}]}": valid,
		"gates: {metrics: [{name: a, equals: 10, better: lower, level: warn}]}":                                       valid,
		"gates: {metrics: [{name: a, improvement: 1%}], rules: [{name: b, rule: tests.failed == 0, level: refuse}]}":  valid,
		"gates: {baseline: report.json, size: {max: 2GB, warn: 1GB}}":                                                 valid,
		"gates: {metrics: [{name: a, min: 1, samples: -1}]}":                                                          both,
		"gates: {metrics: [{name: a, min: 1, runs: '3'}]}":                                                            both,
		"gates: {metrics: [{name: a, min: 1, level: off}]}":                                                           both,
		"gates: {metrics: [{name: a, min: 1, better: more}]}":                                                         both,
		"gates: {metrics: [{name: a, min: 1, where: {b: {}}}]}":                                                       both,
		"gates: {metrics: [{name: a, warn: 1}]}":                                                                      both,
		"gates: {rules: [{name: a}]}":                                                                                 both,
		"gates: {rules: [{rule: a}]}":                                                                                 both,
		"gates: {metrics: [{name: a, min: auto}]}":                                                                    parser,
		"gates: {metrics: [{name: a, min: 1, warn: 0}]}":                                                              parser,
		"gates: {metrics: [{name: a, min: 1, slack: 1}]}":                                                             parser,
		"sign: {key: cosign.key}":                                                                                     valid,
		"channels: {a: {}}":                                                                                           valid,
		"cache-from: []":                                                                                              valid,
		"image2: x":                                                                                                   both,
		"models: [{from: a, mode: 1}]":                                                                                both,
		"models: [{to: /a}]":                                                                                          both,
		"models: [{from: a, to: b}]":                                                                                  both,
		"models: a":                                                                                                   both,
		"command: 7":                                                                                                  both,
		"command: [7]":                                                                                                both,
		"reports: [1]":                                                                                                both,
		"platforms: []":                                                                                               both,
		"platforms: [linux/amd64, linux/amd64]":                                                                       both,
		"preset: jax":                                                                                                 both,
		"user: true":                                                                                                  both,
		"workdir: app":                                                                                                both,
		"env: {A-B: 1}":                                                                                               both,
		"env: {A: [1]}":                                                                                               both,
		"env: {A: }":                                                                                                  both,
		"labels: {a: {b: c}}":                                                                                         both,
		"ports: [0]":                                                                                                  both,
		"ports: [65536]":                                                                                              both,
		"ports: [80/icmp]":                                                                                            both,
		"ports: 80":                                                                                                   both,
		"version: true":                                                                                               both,
		"version: {form: git}":                                                                                        both,
		"gates: {size: {mx: 1GB}}":                                                                                    both,
		"gates: {size: {max: true}}":                                                                                  both,
		"gates: {metrics: [{min: 1}]}":                                                                                both,
		"gates: {metrics: [{name: a}]}":                                                                               both,
		"gates: {metrics: [{name: a, min: 1, stat: p0}]}":                                                             both,
		"gates: {metrics: [{name: a, min: 1, pointer: a}]}":                                                           both,
		"gates: {metrics: [{name: a, min: 1, required: 1}]}":                                                          both,
		"gates: {vulnerabilities: {}}":                                                                                both,
		"gates: {vulnerabilities: {fail-on: all}}":                                                                    both,
		"gates: {models: {pickle: warn}}":                                                                             both,
		"gates: {secrets: allow}":                                                                                     valid,
		"gates:":                                                                                                      both,
		"sign: {keyless: yes}":                                                                                        both,
		"channels: {A: {}}":                                                                                           both,
		"channels: {a: {on: [develop]}}":                                                                              both,
		"channels: {a: {soak: 1}}":                                                                                    both,
		"cache-from: [1]":                                                                                             both,
		"workdir: /a/../b":                                                                                            parser,
		"ports: ['65536']":                                                                                            parser,
		"platforms: [linux]":                                                                                          parser,
		"gates: {size: {max: 10%}}":                                                                                   parser,
		"gates: {metrics: [{name: a, min: 2, max: 1}]}":                                                               parser,
		"sign: {}":                  parser,
		"channels: {a: {after: b}}": parser,
	} {
		t.Run(text, func(t *testing.T) {
			text := minimal + text + "\n"
			_, parseErr := config.Parse("ai-ship.yaml", []byte(text), environ)
			schemaErr := validate(t, schema, text)
			if (parseErr != nil) != (want != valid) {
				t.Errorf("Parse: %v", parseErr)
			}
			if (schemaErr != nil) != (want == both) {
				t.Errorf("schema: %v", schemaErr)
			}
		})
	}
}

// TestSchemaRequires covers what minimal cannot leave out.
func TestSchemaRequires(t *testing.T) {
	schema := compile(t)
	for text, want := range map[string]string{
		"base: scratch\napp: [src]": `ai-ship.yaml:1:1: image: required key "image" is missing`,
		"image: a/b\napp: [src]":    `ai-ship.yaml:1:1: base: required key "base" is missing`,
		"image: a/b\nbase: scratch": `ai-ship.yaml:1:1: app: nothing to put in the image; expected at least one item in app or models`,
	} {
		_, err := config.Parse("ai-ship.yaml", []byte(text), environ)
		if err == nil || strings.Split(err.Error(), "\n")[0] != want {
			t.Errorf("Parse(%q) = %v, want %s", text, err, want)
		}
		if validate(t, schema, text) == nil {
			t.Errorf("the schema accepts %q", text)
		}
	}
}

// TestParseImage shows what is and is not a repository or a reference.
func TestParseImage(t *testing.T) {
	for image, hint := range map[string]string{
		"digits":                   "",
		"localhost:5000/digits":    "",
		"acme/digits":              "",
		"ghcr.io/acme/digits:1":    "tags come from version",
		"ghcr.io/acme/digits@sha1": "publishes its own digest",
		"https://ghcr.io/acme/x":   "leave out the scheme",
		"ghcr.io/Acme/digits":      "lower case",
		"ghcr.io/acme/dig its":     "registry/name",
	} {
		_, err := config.Parse("x", []byte("image: "+image+"\nbase: tar:base.tar\napp: [src]\n"), environ)
		if hint == "" && err != nil || hint != "" && (err == nil || !strings.Contains(err.Error(), hint)) {
			t.Errorf("image %q: error %v, want hint %q", image, err, hint)
		}
	}
	_, err := config.Parse("x", []byte("image: a/b\nbase: 'oci:'\napp: [src]\n"), environ)
	if err == nil || !strings.HasPrefix(err.Error(), "x:2:7: base: expected a path after oci:\n") {
		t.Errorf("base oci: = %v", err)
	}
}
