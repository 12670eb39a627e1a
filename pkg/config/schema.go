package config

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/invopop/jsonschema"
)

// schemaID is where the schema is published.
const schemaID = "https://github.com/org/ai-ship/schema/ai-ship.schema.json"

// Schema returns the JSON Schema (draft 2020-12) of the config file, indented,
// with a newline at the end, the same bytes each time. Whatever it refuses,
// Parse refuses too; Parse knows more, such as that globs must be well formed.
func Schema() ([]byte, error) {
	r := jsonschema.Reflector{
		Anonymous:                  true,
		ExpandedStruct:             true,
		FieldNameTag:               "yaml",
		RequiredFromJSONSchemaTags: true,
	}
	s := r.Reflect(Config{})
	s.ID = schemaID
	s.Title = "ai-ship.yaml"
	s.Description = "How ai-ship builds, gates, signs and publishes an image."
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(s); err != nil {
		return nil, fmt.Errorf("encoding the config schema: %w", err)
	}
	return b.Bytes(), nil
}

// JSONSchemaProperty tells the schema about keys whose shape in the file is
// not that of the Go type: it returns a value of the type to describe instead.
func (Config) JSONSchemaProperty(key string) any {
	switch key {
	case "env":
		return environment{}
	case "labels":
		return map[string]scalar{}
	case "ports":
		return []portNumber{}
	case "user":
		return number{}
	case "channels":
		return channelMap{}
	}
	return nil
}

// JSONSchemaProperty is like Config's.
func (MetricGate) JSONSchemaProperty(key string) any {
	if key == "where" {
		return map[string]scalar{}
	}
	return nil
}

// JSONSchemaProperty is like Config's.
func (Version) JSONSchemaProperty(string) any { return number{} }

// JSONSchemaExtend adds the short form, a string.
func (Copy) JSONSchemaExtend(s *jsonschema.Schema) { orShort(s, &jsonschema.Schema{Type: "string"}) }

// JSONSchemaExtend adds the short form, a string or a number.
func (Version) JSONSchemaExtend(s *jsonschema.Schema) { orShort(s, number{}.JSONSchema()) }

// orShort turns the schema of a mapping into one of short or the mapping.
func orShort(s, short *jsonschema.Schema) {
	mapping := *s
	*s = jsonschema.Schema{AnyOf: []*jsonschema.Schema{short, &mapping}}
}

// JSONSchema describes a string or a list of strings.
func (Command) JSONSchema() *jsonschema.Schema {
	return anyOf(
		&jsonschema.Schema{Type: "string", Description: "Run by /bin/sh -c."},
		&jsonschema.Schema{Type: "array", Items: &jsonschema.Schema{Type: "string"}, Description: "Run as it is."},
	)
}

// JSONSchema describes a quantity: a plain number or a string with a unit.
func (Limit) JSONSchema() *jsonschema.Schema { return number{}.JSONSchema() }

// The types below only describe shapes in the file.
type (
	scalar      struct{} // a string, number or boolean
	number      struct{} // a string or number
	portNumber  struct{}
	environment map[string]scalar
	channelMap  map[string]Channel
)

func (scalar) JSONSchema() *jsonschema.Schema {
	return anyOf(&jsonschema.Schema{Type: "string"}, &jsonschema.Schema{Type: "number"}, &jsonschema.Schema{Type: "boolean"})
}

func (number) JSONSchema() *jsonschema.Schema {
	return anyOf(&jsonschema.Schema{Type: "string"}, &jsonschema.Schema{Type: "number"})
}

func (portNumber) JSONSchema() *jsonschema.Schema {
	return anyOf(
		&jsonschema.Schema{Type: "integer", Minimum: "1", Maximum: "65535"},
		&jsonschema.Schema{Type: "string", Pattern: port.String()},
	)
}

func (environment) JSONSchemaExtend(s *jsonschema.Schema) {
	s.PropertyNames = &jsonschema.Schema{Pattern: variable.String()}
}

func (channelMap) JSONSchemaExtend(s *jsonschema.Schema) {
	s.PropertyNames = &jsonschema.Schema{Pattern: channel.String()}
}

func anyOf(schemas ...*jsonschema.Schema) *jsonschema.Schema {
	return &jsonschema.Schema{AnyOf: schemas}
}
