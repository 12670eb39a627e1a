package report_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	invopop "github.com/invopop/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/org/ai-ship/pkg/report"
	"github.com/org/ai-ship/pkg/scan"
)

const schemaFile = "../../docs/report.schema.json"

// schema derives the document's JSON Schema from Report. Unknown fields are
// allowed, because the document grows.
func schema(t *testing.T) []byte {
	t.Helper()
	hash, severity := reflect.TypeFor[v1.Hash](), reflect.TypeFor[scan.Severity]()
	reflector := invopop.Reflector{
		Anonymous:                 true,
		AllowAdditionalProperties: true,
		Mapper: func(typ reflect.Type) *invopop.Schema {
			switch typ {
			case hash:
				return &invopop.Schema{Type: "string"}
			case severity:
				return &invopop.Schema{Type: "string", Enum: []any{"unknown", "low", "medium", "high", "critical"}}
			}
			return nil
		},
	}
	s := reflector.Reflect(&report.Report{})
	s.Title, s.Description = "ai-ship report", "What ai-ship run --json prints and ai-ship-out/report.json holds."
	allowNull(s.Definitions, reflect.TypeFor[report.Report](), map[reflect.Type]bool{})
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(data, '\n')
}

// allowNull lets every pointer field be null, as encoding/json writes a nil one.
func allowNull(defs invopop.Definitions, typ reflect.Type, seen map[reflect.Type]bool) {
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
		typ = typ.Elem()
	}
	def := defs[typ.Name()]
	if typ.Kind() != reflect.Struct || def == nil || seen[typ] {
		return
	}
	seen[typ] = true
	for i := range typ.NumField() {
		field := typ.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if old, ok := def.Properties.Get(name); ok && field.Type.Kind() == reflect.Pointer {
			def.Properties.Set(name, &invopop.Schema{OneOf: []*invopop.Schema{old, {Type: "null"}}})
		}
		allowNull(defs, field.Type, seen)
	}
}

func TestSchemaIsCurrent(t *testing.T) {
	if *update {
		if err := os.MkdirAll(filepath.Dir(schemaFile), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	golden(t, schemaFile, schema(t))
}

func TestDocumentsMatchTheSchema(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema(t)))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("report.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("report.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	all := fixtures()
	all["zero"] = report.Report{}
	for name, r := range all {
		var b bytes.Buffer
		if err := report.JSON(&b, r); err != nil {
			t.Fatal(err)
		}
		instance, err := jsonschema.UnmarshalJSON(&b)
		if err != nil {
			t.Fatal(err)
		}
		if err := compiled.Validate(instance); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := compiled.Validate(map[string]any{"schema": 1}); err == nil {
		t.Error("a document without its fields is valid")
	}
}
