package modelfile

import (
	"context"
	"path"
	"strings"

	"github.com/org/ai-ship/pkg/scan"
)

// The parts of a model folder that name code: diffusers' model_index.json,
// sentence-transformers' modules.json, peft's adapter_config.json, and the chat
// template in a file of its own. What they name is judged by how their loaders
// resolve it: diffusers 0.35 (pipelines/pipeline_loading_utils.py),
// sentence-transformers 5.1 (SentenceTransformer.py, models/Dense.py), peft 0.17
// (auto.py, tuners/lora), transformers 4.57 (integrations/hub_kernels.py).

// base reports whether the config has this name, for loaders take some by name.
func (c *jsonConfig) base(name string) bool { return path.Base(c.in.name()) == name }

// library reads the keys that one library has.
func (c *jsonConfig) library(key string, off int64) error {
	switch key {
	case "_class_name":
		return c.className(off)
	case "_diffusers_version":
		c.card.Framework = "diffusers"
		return c.first(&c.card.Version)
	case "weight_map":
		return c.shards()
	case "graph_module":
		c.program = true
	case "peft_type":
		c.card.Framework = "peft"
	case "auto_mapping":
		return c.autoMapping()
	case "megatron_core":
		return c.imports(off, "megatron.core")
	}
	return c.nested(key, off)
}

// className is a text, or a pipeline of the folder: [MODULE, CLASS].
func (c *jsonConfig) className(off int64) error {
	if c.json.peek() != '[' {
		return c.first(&c.card.Architecture)
	}
	module, class, err := c.pair()
	if module != "" {
		c.code(off, module+"."+class, "The pipeline is a class in a Python file beside the index, which diffusers loads and runs.")
		c.in.beside(module+".py", module+"."+class, off)
	}
	return err
}

// component reads [LIBRARY, CLASS] of a diffusers pipeline. A library that is
// neither diffusers', transformers' nor one of diffusers' pipelines is a Python
// file in the component's folder, or any module that is installed.
func (c *jsonConfig) component(key string, off int64) error {
	library, class, err := c.pair()
	if library != "" && !oneOf(library, diffusersLibraries) {
		c.known = true
		c.code(off, library+"."+class, "A part of the pipeline is a class of a Python file in its folder, or of whatever module is installed, which diffusers imports.")
		c.in.beside(path.Join(key, library+".py"), library+"."+class, off)
	}
	return err
}

// diffusersLibraries are diffusers' own libraries and, behind them, the modules
// of diffusers.pipelines.
const diffusersLibraries = "diffusers transformers onnxruntime.training " +
	"allegro alt_diffusion amused animatediff audioldm audioldm2 aura_flow blip_diffusion bria chroma chronoedit cogvideo cogview3 cogview4 consisid " +
	"consistency_models controlnet controlnet_hunyuandit controlnet_sd3 controlnet_xs cosmos dance_diffusion ddim ddpm deepfloyd_if deprecated dit " +
	"easyanimate flux hidream_image hunyuan_video hunyuandit i2vgen_xl kandinsky kandinsky2_2 kandinsky3 kolors latent_consistency_models " +
	"latent_diffusion latte ledits_pp ltx lumina lumina2 marigold mochi musicldm omnigen pag paint_by_example pia pixart_alpha qwenimage sana " +
	"semantic_stable_diffusion shap_e skyreels_v2 stable_audio stable_cascade stable_diffusion stable_diffusion_3 " +
	"stable_diffusion_attend_and_excite stable_diffusion_diffedit stable_diffusion_gligen stable_diffusion_k_diffusion stable_diffusion_ldm3d " +
	"stable_diffusion_panorama stable_diffusion_safe stable_diffusion_sag stable_diffusion_xl stable_video_diffusion t2i_adapter " +
	"text_to_video_synthesis unclip unidiffuser visualcloze wan wuerstchen"

// pair reads an array's first two elements, "" where they are no texts, and looks
// at the others as at any value.
func (c *jsonConfig) pair() (first, second string, err error) {
	if err := c.json.open('['); err != nil {
		return "", "", err
	}
	for i := 0; c.json.peek() != ']'; i++ {
		if i < 2 && c.json.peek() == '"' {
			text, err := c.json.text()
			if err != nil {
				return "", "", err
			}
			if text = shown(text, maxName); i == 0 {
				first = text
			} else {
				second = text
			}
		} else if err := c.walk(); err != nil {
			return "", "", err
		}
	}
	_, err = c.json.token()
	return first, second, err
}

// modules reads modules.json: [{"type": CLASS, "path": FOLDER, …}, …].
func (c *jsonConfig) modules() error {
	if err := c.json.open('['); err != nil {
		return err
	}
	for c.json.peek() != ']' {
		if c.json.peek() != '{' {
			if err := c.walk(); err != nil {
				return err
			}
			continue
		}
		if err := c.json.object(c.module); err != nil {
			return err
		}
	}
	_, err := c.json.token()
	return err
}

// module reads one key of a module. A class of another library is looked for as
// a Python file of the folder, without trust_remote_code where the folder is
// local, and then among what is installed.
func (c *jsonConfig) module(key string) error {
	off := c.json.offset()
	if key != "type" && key != "path" || c.json.peek() != '"' {
		return c.nested(key, off)
	}
	value, err := c.json.text()
	if err != nil {
		return err
	}
	c.known, c.card.Framework = true, "sentence-transformers"
	switch {
	case key == "path" && value != "" && escapes(value):
		c.outside(off, value, "A module of the model is read from outside of the model's folder.")
	case key == "type" && !strings.HasPrefix(value, "sentence_transformers."):
		c.code(off, value, "A module of the model is a class of a Python file in its folder, or of whatever is installed, which sentence-transformers imports, for a local folder without being asked.")
		c.in.beside(pythonFile(value), value, off)
	}
	return nil
}

// activation reads the name of a class that sentence-transformers imports and
// makes. Those of transformers have no dot.
func (c *jsonConfig) activation(off int64) error {
	name, err := c.json.text()
	if err == nil && strings.Contains(name, ".") && !strings.HasPrefix(name, "torch.nn.") {
		c.known = true
		c.code(off, name, "The config names an activation that is no part of torch.nn: it is imported, and called, when sentence-transformers loads the model.")
	}
	return err
}

// kernel reads an attention's implementation, a text or an object of them:
// OWNER/NAME is a compiled kernel.
func (c *jsonConfig) kernel(off int64) error {
	switch c.json.peek() {
	case '{':
		return c.json.object(func(string) error { return c.kernel(c.json.offset()) })
	case '"':
		name, err := c.json.text()
		if err == nil && strings.Contains(name, "/") {
			c.known = true
			c.code(off, name, "The config names a kernel in another repository, which transformers fetches and runs without being asked.")
		}
		return err
	}
	return c.walk()
}

// autoMapping reads peft's {"parent_library": MODULE, "base_model_class": CLASS}.
func (c *jsonConfig) autoMapping() error {
	if c.json.peek() != '{' {
		return c.walk()
	}
	return c.json.object(func(key string) error {
		off := c.json.offset()
		if key == "parent_library" {
			return c.imports(off, "transformers", "diffusers", "sentence_transformers", "timm", "torch.nn")
		}
		return c.nested(key, off)
	})
}

// imports reads the name of a module that is imported, and reports it unless it
// is one of own or lies below it.
func (c *jsonConfig) imports(off int64, own ...string) error {
	if c.json.peek() != '"' {
		return c.walk()
	}
	name, err := c.json.text()
	if err == nil && !hasPrefix(name, strings.Join(own, " ")) {
		c.known = true
		c.code(off, name, "The adapter names a module of another library, which peft imports.")
	}
	return err
}

// shards reads {TENSOR: FILE, …}.
func (c *jsonConfig) shards() error {
	const most = 10_000 // files of a model
	if c.json.peek() != '{' {
		return c.walk()
	}
	seen := map[string]bool{}
	return c.json.object(func(string) error {
		off := c.json.offset()
		if c.json.peek() != '"' {
			return c.walk()
		}
		file, err := c.json.text()
		if err != nil || seen[file] {
			return err
		}
		if len(seen) == most || len(file) > maxPath {
			return errMany
		}
		seen[file] = true
		if escapes(file) {
			c.outside(off, file, "The index names a file outside of the model's folder, which is loaded as a part of the model.")
			return nil
		}
		c.in.wants(wanted{File: file, Offset: off})
		return nil
	})
}

func (c *jsonConfig) outside(off int64, file, why string) {
	c.in.risk(Risk{
		Rule: "outside-folder", Severity: scan.High, Offset: off, Calls: file, Why: why,
		Convert: "Ship the file in the model's folder and name it without a path.",
	})
}

// pythonFile is the file of MODULE.CLASS.
func pythonFile(name string) string {
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return ""
	}
	return strings.ReplaceAll(name[:i], ".", "/") + ".py"
}

// isTemplate goes by name, for a template is any text: chat_template.jinja and
// the like, and what lies in additional_chat_templates, where transformers looks.
func isTemplate(_ context.Context, in *input, _ []byte) bool {
	name := strings.ToLower(in.name())
	folder, base := path.Split(name)
	if end := path.Ext(base); end != ".jinja" && end != ".jinja2" && end != ".j2" {
		return false
	}
	return strings.Contains(base, "chat_template") || path.Base(folder) == "additional_chat_templates"
}

// inspectTemplate reads a chat template from its file.
func inspectTemplate(_ context.Context, in *input) {
	template(in, string(in.at(0, maxTemplate+1)), 0)
}
