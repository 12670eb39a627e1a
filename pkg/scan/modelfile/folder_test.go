package modelfile_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/scan/modelfile"
)

// memory is a file in memory.
type memory struct{ *bytes.Reader }

func (memory) Close() error { return nil }

// image are files by path, in the order of their paths.
func image(contents map[string]string) []scan.File {
	var files []scan.File
	for _, path := range slices.Sorted(maps.Keys(contents)) {
		text := []byte(contents[path])
		files = append(files, scan.File{Path: path, Size: int64(len(text)),
			Open: func() (scan.Content, error) { return memory{bytes.NewReader(text)}, nil }})
	}
	return files
}

const (
	python  = "class Model: pass\n"
	oneFile = "\x08\x00\x00\x00\x00\x00\x00\x00{}      " // safetensors without tensors
)

// hostileFolders are model folders: what is expected is PATH RULE SEVERITY CALLS
// of all that is found, and of Incomplete "? PATH".
func hostileFolders() map[string]struct {
	files map[string]string
	want  []string
} {
	type folder = struct {
		files map[string]string
		want  []string
	}
	one := func(path, text string, want ...string) folder {
		return folder{map[string]string{path: text}, want}
	}
	return map[string]folder{
		"auto_map, and its file": {map[string]string{"m/config.json": `{"auto_map":{"AutoModel":"modeling_x.Model","AutoConfig":"modeling_x.Config"}}`, "m/modeling_x.py": python, "m/other.py": python},
			[]string{"m/config.json remote-code high modeling_x.Config", "m/config.json remote-code high modeling_x.Model",
				"m/modeling_x.py remote-code high modeling_x.Config", "m/modeling_x.py remote-code high modeling_x.Model"}},
		"auto_map of a tokenizer": {map[string]string{"m/tokenizer_config.json": `{"tokenizer_class":"T","auto_map":{"AutoTokenizer":["tok.Slow",null]}}`, "m/tok.py": python},
			[]string{"m/tok.py remote-code high tok.Slow", "m/tokenizer_config.json remote-code high tok.Slow"}},
		"auto_map of another folder's file": {map[string]string{"m/config.json": `{"auto_map":{"A":"x.M"}}`, "x.py": python, "n/x.py": python},
			[]string{"m/config.json remote-code high x.M"}},
		"pipeline of a task": {map[string]string{"config.json": `{"custom_pipelines":{"t":{"impl":"p.P"}}}`, "p.py": python},
			[]string{"config.json remote-code high p.P", "p.py remote-code high p.P"}},
		"a way to generate": {map[string]string{"m/config.json": `{"architectures":["A"]}`, "m/custom_generate/generate.py": python},
			[]string{"m/custom_generate/generate.py remote-code high custom_generate/generate.py"}},
		"a file that is only called so": {map[string]string{"app/custom_generate/generate.py": python, "app/pipeline.py": python}, nil},
		"kernel":                        one("config.json", `{"architectures":["A"],"attn_implementation":"evil/kernel"}`, "config.json remote-code high evil/kernel"),
		"kernel by its other name":      one("config.json", `{"_attn_implementation_internal":"evil/kernel@main"}`, "config.json remote-code high evil/kernel@main"),
		"kernel of a part":              one("config.json", `{"x":{"attn_implementation":{"text_config":"flash|evil/kernel"}}}`, "config.json remote-code high flash|evil/kernel"),
		"no kernel":                     one("config.json", `{"architectures":["A"],"attn_implementation":"flash_attention_2"}`),

		"diffusers: class of a component": {map[string]string{"model_index.json": `{"unet":["my_unet","Net"],"_class_name":"DDPMPipeline"}`, "unet/my_unet.py": python},
			[]string{"model_index.json remote-code high my_unet.Net", "unet/my_unet.py remote-code high my_unet.Net"}},
		"diffusers: any module":     one("model_index.json", `{"_class_name":"DDPMPipeline","unet":["os","system"]}`, "model_index.json remote-code high os.system"),
		"diffusers: another's key":  one("model_index.json", `{"_class_name":"P","architectures":["os","system"]}`, "model_index.json remote-code high os.system"),
		"diffusers: module's below": one("model_index.json", `{"_class_name":"P","unet":["diffusers.utils.hub_utils","X"]}`, "model_index.json remote-code high diffusers.utils.hub_utils.X"),
		"diffusers: pipeline": {map[string]string{"m/model_index.json": `{"_class_name":["mine","P"]}`, "m/mine.py": python},
			[]string{"m/mine.py remote-code high mine.P", "m/model_index.json remote-code high mine.P"}},
		"diffusers: pipeline.py": {map[string]string{"m/model_index.json": `{"_class_name":"DDPMPipeline"}`, "m/pipeline.py": python},
			[]string{"m/pipeline.py remote-code medium pipeline.py"}},
		"diffusers: within a third element": one("modular_model_index.json", `{"_class_name":"P","unet":["diffusers","X",{"auto_map":{"A":"m.M"}}]}`, "modular_model_index.json remote-code high m.M"),
		"diffusers: own pipelines":          one("model_index.json", `{"_class_name":"P","safety_checker":["stable_diffusion","S"],"vae":[null,null],"x":[1,2]}`),

		"sentences: class of the folder": {map[string]string{"m/modules.json": `[{"idx":0,"type":"sentence_transformers.models.Transformer","path":""},{"type":"mine.Pooling","path":"1"}]`, "m/mine.py": python},
			[]string{"m/mine.py remote-code high mine.Pooling", "m/modules.json remote-code high mine.Pooling"}},
		"sentences: any module":   one("modules.json", `[{"type":"os.system"}]`, "modules.json remote-code high os.system"),
		"sentences: duplicate":    one("modules.json", `[{"type":"sentence_transformers.models.Pooling","type":"a.B"}]`, "modules.json remote-code high a.B"),
		"sentences: almost":       one("modules.json", `[{"type":"sentence_transformers_x.B"}]`, "modules.json remote-code high sentence_transformers_x.B"),
		"sentences: outside":      one("modules.json", `[{"type":"sentence_transformers.models.Pooling","path":"../other"}]`, "modules.json outside-folder high ../other"),
		"sentences: activation":   one("2_Dense/config.json", `{"in_features":8,"activation_function":"antigravity.x"}`, "2_Dense/config.json remote-code high antigravity.x"),
		"sentences: cross":        one("config.json", `{"sentence_transformers":{"activation_fn":"mine.Act"}}`, "config.json remote-code high mine.Act"),
		"sentences: torch.nn":     one("config.json", `{"activation_function":"torch.nn.modules.activation.Tanh"}`),
		"sentences: beside torch": one("config.json", `{"activation_function":"torch.hub.load"}`, "config.json remote-code high torch.hub.load"),
		"modules.json of node":    one("node/modules.json", `[{"name":"x","path":"lib"}]`),

		"peft: library":           one("adapter_config.json", `{"peft_type":"LORA","auto_mapping":{"base_model_class":"M","parent_library":"evil.lib"}}`, "adapter_config.json remote-code high evil.lib"),
		"peft: own library":       one("adapter_config.json", `{"peft_type":"LORA","auto_mapping":{"parent_library":"transformers.models.bert"}}`),
		"peft: remote code":       one("adapter_config.json", `{"peft_type":"LORA","auto_mapping":{"parent_library":"transformers_modules.x"}}`, "adapter_config.json remote-code high transformers_modules.x"),
		"peft: megatron":          one("adapter_config.json", `{"peft_type":"LORA","megatron_core":"evil"}`, "adapter_config.json remote-code high evil"),
		"peft: base elsewhere":    one("adapter_config.json", `{"peft_type":"LORA","base_model_name_or_path":"owner/name"}`, "adapter_config.json other-repository low base_model_name_or_path owner/name"),
		"peft: base of the hub":   one("adapter_config.json", `{"peft_type":"LORA","base_model_name_or_path":"gpt2"}`, "adapter_config.json missing-file low gpt2"),
		"peft: base at home":      one("m/adapter_config.json", `{"peft_type":"LORA","base_model_name_or_path":"/home/x/base"}`, "m/adapter_config.json missing-file low /home/x/base"),
		"peft: base of the image": {map[string]string{"opt/m/a/adapter_config.json": `{"peft_type":"LORA","base_model_name_or_path":"/opt/m/base/"}`, "opt/m/base/config.json": "{}"}, nil},
		"peft: base beside":       {map[string]string{"m/a/adapter_config.json": `{"peft_type":"LORA","base_model_name_or_path":"../base"}`, "m/base/config.json": "{}"}, nil},

		"index": {map[string]string{"m/model.safetensors.index.json": `{"metadata":{},"weight_map":{"a":"one.safetensors","b":"two.safetensors","c":"two.safetensors"}}`, "m/one.safetensors": oneFile, "two.safetensors": oneFile},
			[]string{"m/model.safetensors.index.json missing-file medium two.safetensors"}},
		"index, outside":    one("model.safetensors.index.json", `{"weight_map":{"a":"../x.safetensors","b":"/etc/x","c":"..\\x"}}`, `model.safetensors.index.json outside-folder high ../x.safetensors`, `model.safetensors.index.json outside-folder high ..\x`, "model.safetensors.index.json outside-folder high /etc/x"),
		"index, twice":      one("x.json", `{"weight_map":{},"weight_map":{"a":"x/../../y"}}`, "x.json outside-folder high x/../../y"),
		"index, no texts":   one("x.json", `{"weight_map":{"a":1,"b":{"auto_map":{"A":"m.M"}}}}`, "x.json remote-code high m.M"),
		"index, very long":  one("x.json", `{"weight_map":{"a":"`+strings.Repeat("x", 5000)+`"}}`, "? x.json"),
		"index, very many":  one("x.json", `{"weight_map":{`+many(10_001)+`}}`, append(missing(1000), "? x.json")...),
		"template of chats": one("m/chat_template.jinja", `{{ lipsum.__globals__ }}`, "m/chat_template.jinja chat-template high __globals__", "m/chat_template.jinja chat-template high lipsum"),
		"template that begins as JSON": one("m/chat_template.jinja", `{"a": {{ cycler }} }`,
			"m/chat_template.jinja chat-template high cycler", "m/chat_template.jinja polyglot high chat template, json"),
		"one template of several":     one("m/additional_chat_templates/tool.jinja", `{{ lipsum }}`, "m/additional_chat_templates/tool.jinja chat-template high lipsum"),
		"template of a page of chats": one("app/templates/chat.html.j2", `{% extends "base.html" %}`),
		"template for a tool":         one("tool_chat_template_x.jinja", `{{ cycler }}`, "tool_chat_template_x.jinja chat-template high cycler"),
		"template of a web page":      one("app/templates/page.jinja", `{% include "head.jinja" %}{{ request.path }}`),
	}
}

// many are tensors in as many files.
func many(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"t%d":"f%05d",`, i, i)
	}
	return strings.TrimSuffix(b.String(), ",")
}

func missing(n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("x.json missing-file medium f%05d", i))
	}
	return all
}

func TestHostileFolders(t *testing.T) {
	for name, tt := range hostileFolders() {
		t.Run(name, func(t *testing.T) {
			found, err := modelfile.Scanner{}.Scan(t.Context(), scan.Target{Files: image(tt.files)})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range found.Models {
				got = append(got, fmt.Sprintf("%s %s %s %s", f.Path, f.ID, f.Severity, f.Calls))
				if f.Title == "" || f.Convert == "" {
					t.Errorf("a finding without reason or advice: %+v", f)
				}
			}
			for _, i := range found.Incomplete {
				got = append(got, "? "+i.Path)
			}
			slices.Sort(got)
			want := slices.Sorted(slices.Values(tt.want))
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff[:min(len(diff), 2000)])
			}
		})
	}
}

func TestLicences(t *testing.T) {
	const config = `{"architectures":["A"]}`
	for name, tt := range map[string]struct{ card, want string }{
		"one":              {"---\nlicense: mit\n---\n# x", "mit"},
		"several":          {"---\r\nlicense:\r\n- mit\r\n- apache-2.0\r\n---\r\n", "mit, apache-2.0"},
		"of its own":       {"---\nlicense: other\nlicense_name: llama9\n---\n", "llama9"},
		"other":            {"---\nlicense: other\n---\n", "other"},
		"none":             {"---\ntags: [x]\n---\n", ""},
		"no front matter":  {"# x\nlicense: mit\n---\n", ""},
		"no end":           {"---\nlicense: mit\n", ""},
		"no YAML":          {"---\nlicense: [\n---\n", ""},
		"of another kind":  {"---\nlicense: {a: b}\n---\n", ""},
		"not printable":    {"---\nlicense: \"a\\u001b[2Jb\"\n---\n", `a\u001b[2Jb`},
		"very long":        {"---\nlicense: " + strings.Repeat("x", 1000) + "\n---\n", strings.Repeat("x", 100) + "…"},
		"beyond the limit": {"---\nx: " + strings.Repeat("x", 300<<10) + "\nlicense: mit\n---\n", ""},
		"aliases":          {"---\na: &a [x,x]\nb: &b [*a,*a]\nlicense: [*b,*b]\n---\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := modelfile.Scanner{}.Scan(t.Context(), scan.Target{Files: image(map[string]string{
				"app/README.md": "---\nlicense: gpl-3.0\n---\n", "app/model/README.md": tt.card, "app/model/config.json": config, "app/model/part/config.json": config,
			})})
			if err != nil || len(found.Inventory) != 2 {
				t.Fatalf("%v, %+v", err, found.Inventory)
			}
			for _, m := range found.Inventory {
				if m.License != tt.want {
					t.Errorf("%s: licence is %q, want %q", m.Path, m.License, tt.want)
				}
			}
		})
	}
}

func TestDatasets(t *testing.T) {
	const config = `{"architectures":["A"]}`
	for name, tt := range map[string]struct {
		card string
		want []string
	}{
		"one":             {"---\nlicense: mit\ndatasets: mnist\n---\n", []string{"mnist"}},
		"several":         {"---\ndatasets:\n- mnist\n- acme/digits\n- ''\n---\n", []string{"mnist", "acme/digits"}},
		"none":            {"---\nlicense: mit\n---\n", []string{"of the folder above"}},
		"no front matter": {"datasets: mnist\n", []string{"of the folder above"}},
		"of another kind": {"---\ndatasets: {a: b}\n---\n", []string{"of the folder above"}},
		"not printable":   {"---\ndatasets: [\"a\\u001b[2Jb\"]\n---\n", []string{`a\u001b[2Jb`}},
		"very long":       {"---\ndatasets: [" + strings.Repeat("x", 1000) + "]\n---\n", []string{strings.Repeat("x", 100) + "…"}},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := modelfile.Scanner{}.Scan(t.Context(), scan.Target{Files: image(map[string]string{
				"app/README.md": "---\ndatasets: of the folder above\n---\n", "app/config.json": config, "app/model/README.md": tt.card, "app/model/config.json": config,
			})})
			if err != nil || len(found.Inventory) != 2 {
				t.Fatalf("%v, %+v", err, found.Inventory)
			}
			for _, m := range found.Inventory {
				if m.Path == "app/model/config.json" && !slices.Equal(m.Datasets, tt.want) {
					t.Errorf("datasets are %q, want %q", m.Datasets, tt.want)
				}
			}
		})
	}
	many := "---\ndatasets: [" + strings.Repeat("x, ", 1000) + "]\n---\n"
	found, err := modelfile.Scanner{}.Scan(t.Context(), scan.Target{Files: image(map[string]string{"README.md": many, "config.json": config})})
	if err != nil || len(found.Inventory) != 1 || len(found.Inventory[0].Datasets) != 50 {
		t.Errorf("%v, %+v", err, found.Inventory)
	}
}

// TestFolderErrors: a card that cannot be read ends the scan, and so does its
// context.
func TestFolderErrors(t *testing.T) {
	errDisk := errors.New("the disk is gone")
	files := image(map[string]string{"README.md": "---\n", "config.json": `{"architectures":["A"]}`})
	files[0].Open = func() (scan.Content, error) { return nil, errDisk }
	if _, err := (modelfile.Scanner{}).Scan(t.Context(), scan.Target{Files: files}); !errors.Is(err, errDisk) || !strings.Contains(err.Error(), "README.md") {
		t.Errorf("error is %v, want the disk's and the file", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (modelfile.Scanner{}).Scan(ctx, scan.Target{Files: files}); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want canceled", err)
	}
}

// FuzzFolder reads any two texts as the configs and the card of a folder.
func FuzzFolder(f *testing.F) {
	for _, tt := range hostileFolders() {
		for path, text := range tt.files {
			if len(text) < 10_000 {
				f.Add(path, text, "---\nlicense: mit\n---\n")
			}
		}
	}
	f.Fuzz(func(t *testing.T, path, text, card string) {
		files := image(map[string]string{path: text, "m/README.md": card, "m/x.py": python, "m/config.json": `{"auto_map":{"A":"x.M"}}`})
		found, err := modelfile.Scanner{}.Scan(t.Context(), scan.Target{Files: files})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range found.Models {
			if r.ID == "" || r.Title == "" || len([]rune(r.Calls)) > 900 || strings.ContainsAny(r.Calls, "\n\r\x00\x1b") {
				t.Errorf("%+v", r)
			}
		}
		for _, m := range found.Inventory {
			if strings.ContainsAny(m.License, "\n\r\x00\x1b") {
				t.Errorf("%+v", m)
			}
		}
	})
}
