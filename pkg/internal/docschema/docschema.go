// Package docschema derives the JSON schemas in docs/ from the Go types that
// write the documents, for tests that hold both to each other.
package docschema

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	invopop "github.com/invopop/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/org/ai-ship/pkg/scan"
)

// Of is the schema of what encoding/json writes for values of v's type, a
// struct, indented, with a final newline. Unknown fields are allowed, because
// documents grow; a pointer may be null.
func Of(v any, title, description string) ([]byte, error) {
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
	s := reflector.Reflect(v)
	s.Title, s.Description = title, description
	allowNull(s.Definitions, reflect.TypeOf(v), map[reflect.Type]bool{})
	data, err := json.MarshalIndent(s, "", "  ")
	return append(data, '\n'), err
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

// Validate holds a document against a schema.
func Validate(schema, document []byte) error {
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return err
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("schema.json", parsed); err != nil {
		return err
	}
	compiled, err := compiler.Compile("schema.json")
	if err != nil {
		return err
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		return err
	}
	return compiled.Validate(instance)
}
