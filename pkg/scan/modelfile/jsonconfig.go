package modelfile

import (
	"context"
	"encoding/json/jsontext"
	"errors"
	"slices"
	"strings"

	"github.com/org/ai-ship/pkg/scan"
)

// inspectJSON reads the configs of a Hugging Face model folder: config.json,
// tokenizer_config.json, chat_template.json, adapter_config.json and the like,
// which it knows by their keys. Any other JSON is none of its business.
func inspectJSON(ctx context.Context, in *input) {
	off := int64(0)
	if string(in.at(0, 3)) == "\xef\xbb\xbf" {
		off = 3
	}
	c := &jsonConfig{in: in, json: newJSONReader(ctx, in, off, in.Size, true)}
	var err error
	switch kind := c.json.peek(); {
	case kind == '{':
		err = c.json.object(c.top)
	case kind == '[' && c.base("modules.json"):
		err = c.modules()
	default:
		return
	}
	// Broken JSON that is no config is no model. What is only too long or too deep
	// loaders may read on, where its name is one that they look for.
	limit := errors.Is(err, errLong) || errors.Is(err, errDeep) || errors.Is(err, errMany)
	if !in.alive(ctx) || !c.known && (!limit || !c.loaded()) {
		return
	}
	in.card.Format = JSON
	in.card.Framework, in.card.Version = c.card.Framework, c.card.Version
	in.card.Architecture, in.card.Dtypes, in.card.Quantisation = c.card.Architecture, c.card.Dtypes, c.card.Quantisation
	if err != nil {
		in.unscanned("json at offset %d: %v", c.json.offset(), err)
	}
}

// loadedJSON are the ends of the names that loaders of models open.
func loadedJSON() []string {
	return []string{"config.json", ".index.json", "model_index.json", "modules.json", "chat_template.json", "exported_program.json", "model.json"}
}

// loaded reports whether loaders open a file of this name.
func (c *jsonConfig) loaded() bool {
	return slices.ContainsFunc(loadedJSON(), func(end string) bool { return strings.HasSuffix(c.in.name(), end) })
}

// jsonConfig is a config that is read.
type jsonConfig struct {
	in    *input
	json  *jsonReader
	card  Card
	known bool // a key was seen that only a model's config has

	program bool // it is a program that torch.export wrote
}

// top reads one key's value of the config.
func (c *jsonConfig) top(key string) error {
	off := c.json.offset()
	if oneOf(key, "architectures auto_map custom_pipelines trust_remote_code chat_template quantization_config transformers_version "+
		"torch_dtype tokenizer_class processor_class feature_extractor_type image_processor_type peft_type base_model_name_or_path "+
		"_name_or_path _from_model_config _diffusers_version _class_name weight_map") {
		c.known = true
	}
	if key != "_class_name" && c.json.peek() == '[' && (c.base("model_index.json") || c.base("modular_model_index.json")) {
		return c.component(key, off)
	}
	switch key {
	case "architectures":
		return c.first(&c.card.Architecture)
	case "model_type":
		if c.card.Architecture == "" {
			return c.first(&c.card.Architecture)
		}
	case "torch_dtype", "dtype":
		return c.dtype()
	case "transformers_version":
		if c.card.Framework == "" {
			c.card.Framework = "transformers"
		}
		return c.first(&c.card.Version)
	case "quantization_config":
		return c.quantisation()
	case "chat_template":
		return c.templates()
	case "_name_or_path", "base_model_name_or_path":
		return c.origin(key, off)
	}
	return c.library(key, off)
}

// nested reads the value of a key at any depth, for composite models keep the
// configs of their parts within.
func (c *jsonConfig) nested(key string, off int64) error {
	switch key {
	case "auto_map":
		c.known = true
		return c.autoMap(off)
	case "custom_pipelines":
		c.known = true
		return c.pipelines(off)
	case "trust_remote_code":
		t, err := c.json.token()
		if err != nil {
			return err
		}
		if t.Kind() == 't' {
			c.known = true
			c.code(off, "trust_remote_code", "The config asks loaders to run code that comes with the model.")
		}
		return c.json.skip(t)
	case "attn_implementation", "_attn_implementation", "_attn_implementation_internal":
		return c.kernel(off)
	case "expr_str":
		return c.expression(off)
	case "target":
		return c.target(off)
	case "activation_function", "activation_fn", "sbert_ce_default_activation_function":
		if c.json.peek() == '"' && c.base("config.json") {
			return c.activation(off)
		}
	}
	return c.walk()
}

// walk goes through a value and looks at the keys in it.
func (c *jsonConfig) walk() error {
	t, err := c.json.token()
	if err != nil {
		return err
	}
	switch t.Kind() {
	case '{':
		return c.json.members(func(key string) error { return c.nested(key, c.json.offset()) })
	case '[':
		for c.json.peek() != ']' {
			if err := c.walk(); err != nil {
				return err
			}
		}
		_, err = c.json.token()
	}
	return err
}

func (c *jsonConfig) code(off int64, calls, why string) {
	c.in.risk(Risk{
		Rule: "remote-code", Severity: scan.High, Offset: off, Calls: calls, Why: why,
		Convert: "Use an architecture that the library has itself, and drop the key from the config.",
	})
}

// autoMap reports the classes that auto_map names: MODULE.CLASS from this folder,
// REPO--MODULE.CLASS from another.
func (c *jsonConfig) autoMap(off int64) error {
	t, err := c.json.token()
	if err != nil {
		return err
	}
	switch t.Kind() {
	case '"':
		name := t.String()
		why := "The config names a class in a Python file beside it, which trust_remote_code loads and runs."
		if strings.Contains(name, "--") {
			why = "The config names a class in a Python file of another repository, which trust_remote_code fetches and runs."
		}
		c.code(off, name, why)
		c.in.beside(pythonFile(name), name, off)
		return nil
	case '{':
		return c.json.members(func(string) error { return c.autoMap(c.json.offset()) })
	case '[':
		for c.json.peek() != ']' {
			if err := c.autoMap(c.json.offset()); err != nil {
				return err
			}
		}
		_, err = c.json.token()
	}
	return err
}

// pipelines reports the classes of custom_pipelines: {TASK: {"impl": MODULE.CLASS, …}}.
func (c *jsonConfig) pipelines(off int64) error {
	const why = "The config names a pipeline in a Python file beside it, which trust_remote_code loads and runs."
	t, err := c.json.token()
	if err != nil || t.Kind() != '{' {
		if err == nil {
			err = c.json.skip(t)
		}
		return err
	}
	return c.json.members(func(task string) error {
		t, err := c.json.token()
		if err != nil {
			return err
		}
		if t.Kind() != '{' {
			c.code(off, task, why)
			return c.json.skip(t)
		}
		impl := task
		err = c.json.members(func(key string) error {
			if key == "impl" {
				return c.first(&impl)
			}
			return c.json.pass()
		})
		c.code(off, impl, why)
		c.in.beside(pythonFile(impl), impl, off)
		return err
	})
}

// templates checks a chat template: a text, a list of {"name", "template"}, or an
// object of texts by name.
func (c *jsonConfig) templates() error {
	t, err := c.json.token()
	if err != nil {
		return err
	}
	switch t.Kind() {
	case '"':
		template(c.in, t.String(), -1)
	case '{':
		return c.json.members(func(string) error { return c.templates() })
	case '[':
		for c.json.peek() != ']' {
			if err := c.templates(); err != nil {
				return err
			}
		}
		_, err = c.json.token()
	}
	return err
}

// origin reports a model that is loaded from elsewhere.
func (c *jsonConfig) origin(key string, off int64) error {
	var name string
	if err := c.first(&name); err != nil {
		return err
	}
	if key == "base_model_name_or_path" && name != "" && !isRepository(name) {
		c.in.wants(wanted{File: name, Folder: true, Offset: off})
	}
	if isRepository(name) {
		c.in.risk(Risk{
			Rule: "other-repository", Severity: scan.Low, Offset: off, Calls: key + " " + name,
			Why:     "The config names a model in another repository, which some loaders fetch.",
			Convert: "Ship the base model in the image and name its path.",
		})
	}
	return nil
}

// isRepository reports whether name has the form OWNER/NAME, or is a URL. A path
// in a file system is neither.
func isRepository(name string) bool {
	if strings.Contains(name, "://") {
		return true
	}
	owner, rest, ok := strings.Cut(name, "/")
	return ok && owner != "" && owner != "." && owner != ".." && owner != "~" && rest != "" && !strings.ContainsAny(rest, `/\`)
}

// first is the next value if it is a text, or the first text of an array.
func (c *jsonConfig) first(to *string) error {
	const most = 100 // characters
	t, err := c.json.token()
	if err != nil {
		return err
	}
	switch t.Kind() {
	case '"':
		*to = shown(t.String(), most)
		return nil
	case '[':
		if c.json.peek() != '"' {
			return c.rest()
		}
		if t, err = c.json.token(); err != nil {
			return err
		}
		*to = shown(t.String(), most)
		return c.rest()
	}
	return c.json.skip(t)
}

// rest goes behind the end of the array at work.
func (c *jsonConfig) rest() error {
	for {
		t, err := c.json.token()
		if err != nil || t.Kind() == jsontext.Kind(']') {
			return err
		}
		if err := c.json.skip(t); err != nil {
			return err
		}
	}
}

func (c *jsonConfig) dtype() error {
	var name string
	err := c.first(&name)
	c.card.addDtype(strings.TrimPrefix(name, "torch."))
	return err
}

// quantisation reads the method, and the width where there is one.
func (c *jsonConfig) quantisation() error {
	t, err := c.json.token()
	if err != nil || t.Kind() != '{' {
		if err == nil {
			err = c.json.skip(t)
		}
		return err
	}
	method, width := "", ""
	err = c.json.members(func(key string) error {
		switch key {
		case "quant_method":
			return c.first(&method)
		case "bits":
			t, err := c.json.token()
			if err != nil {
				return err
			}
			if t.Kind() == '0' {
				width = " " + shown(t.String(), 4) + " bit"
			}
			return c.json.skip(t)
		}
		return c.nested(key, c.json.offset())
	})
	c.card.Quantisation = method + width
	return err
}
