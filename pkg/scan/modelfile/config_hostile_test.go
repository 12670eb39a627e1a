package modelfile

import (
	"encoding/binary"
	"encoding/json/v2"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/org/ai-ship/pkg/scan"
)

// safe is a safetensors file of a header and as many bytes of tensors.
func safe(header string, data int) string {
	return string(binary.LittleEndian.AppendUint64(nil, uint64(len(header)))) + header + strings.Repeat("\x00", data)
}

func hostileSafetensors() []hostile {
	const a = `"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}`
	tensor := func(name, dtype, shape, offsets string) string {
		return fmt.Sprintf(`%q:{"dtype":%q,"shape":%s,"data_offsets":%s}`, name, dtype, shape, offsets)
	}
	const rule = "safetensors-header "
	c := func(name, content, want string) hostile {
		return hostile{name: "safetensors " + name, path: "m.safetensors", content: content, want: want}
	}
	return []hostile{
		c("header beyond the file", "\xff\x00\x00\x00\x00\x00\x00\x00{\"a\":1}", rule+"header beyond"),
		c("header of 2^47 bytes", "\x00\x00\x00\x00\x00\x80\x00\x00{\"a\":1}", rule+"header too long"),
		c("header of 2^64-1 bytes", strings.Repeat("\xff", 8)+"{}", rule+"header too long"),
		c("overlap", safe("{"+a+","+tensor("b", "F32", "[2]", "[4,12]")+"}", 12), rule+"overlapping"),
		c("same bytes twice", safe("{"+a+","+tensor("b", "F32", "[2]", "[0,8]")+"}", 8), rule+"overlapping"),
		c("hole", safe("{"+a+","+tensor("b", "F32", "[2]", "[16,24]")+"}", 24), rule+"hole"),
		c("hole at the start", safe("{"+tensor("a", "U8", "[2]", "[2,4]")+"}", 4), rule+"hole"),
		c("bytes behind", safe("{"+a+"}", 9), rule+"bytes behind"),
		c("pickle behind", safe("{"+a+"}", 8)+"\x80\x04cos\nsystem\n(S'id'\ntR.", "pickle-global"),
		c("duplicate tensor", safe("{"+a+","+a+"}", 8), rule+"duplicate"),
		c("duplicate escaped", safe("{"+a+`,"\u0061":{"dtype":"F32","shape":[0],"data_offsets":[8,8]}}`, 8), rule+"duplicate"),
		c("duplicate field", safe(`{"a":{"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]}}`, 8), rule+"duplicate"),
		c("duplicate metadata", safe(`{"__metadata__":{"k":"a","k":"b"},`+a+"}", 8), rule+"duplicate"),
		c("shape product overflows", safe("{"+tensor("a", "F32", "[4294967296,4294967296]", "[0,8]")+"}", 8), rule+"shape"),
		c("bits overflow", safe("{"+tensor("a", "F64", "[4611686018427387904]", "[0,8]")+"}", 8), rule+"shape"),
		c("size differs", safe("{"+tensor("a", "F32", "[3]", "[0,8]")+"}", 8), rule+"size"),
		c("beyond the end", safe("{"+tensor("a", "F32", "[3]", "[0,12]")+"}", 8), rule+"tensor outside"),
		c("end before start", safe("{"+tensor("a", "F32", "[2]", "[8,0]")+"}", 8), rule+"tensor outside"),
		c("negative offset", safe("{"+tensor("a", "F32", "[2]", "[-8,0]")+"}", 8), "?no size"),
		c("fraction", safe("{"+tensor("a", "F32", "[2.0]", "[0,8]")+"}", 8), "?no size"),
		c("unknown dtype", safe("{"+tensor("a", "O", "[2]", "[0,8]")+"}", 8), "?unknown dtype"),
		c("no dtype", safe(`{"a":{"shape":[2],"data_offsets":[0,8]}}`, 8), "?lacks"),
		c("metadata not text", safe(`{"__metadata__":{"k":{}}}`, 0), "?another type"),
		c("behind the object", safe("{"+a+"}{}", 8), "?more behind"),
		c("no end", safe("{"+a, 8), "?header at"),
		c("nested", safe(`{"a":{"x":`+strings.Repeat("[", 2000)+strings.Repeat("]", 2000)+`}}`, 0), "?nests deeper"),
		c("name too long", safe(`{"`+strings.Repeat("x", 3*maxKey)+`":{}}`, 0), "?longer than"),
		c("invalid UTF-8", safe("{\"\xff\":{}}", 0), "?header at"),
		c("too short", "\x02\x00", "?safetensors file"),
	}
}

// ggufFile writes version 3.
type ggufFile struct {
	keys, tensors []string
	data          string
}

func le64(n uint64) string    { return string(binary.LittleEndian.AppendUint64(nil, n)) }
func le32(n uint32) string    { return string(binary.LittleEndian.AppendUint32(nil, n)) }
func ggufStr(s string) string { return le64(uint64(len(s))) + s }
func ggufKey(key string, kind uint32, value string) string {
	return ggufStr(key) + le32(kind) + value
}
func ggufText3(key, value string) string { return ggufKey(key, 8, ggufStr(value)) }
func ggufTensor(name string, kind uint32, off uint64, shape ...uint64) string {
	s := ggufStr(name) + le32(uint32(len(shape)))
	for _, n := range shape {
		s += le64(n)
	}
	return s + le32(kind) + le64(off)
}

func (g ggufFile) String() string {
	s := "GGUF" + le32(3) + le64(uint64(len(g.tensors))) + le64(uint64(len(g.keys))) +
		strings.Join(g.keys, "") + strings.Join(g.tensors, "")
	if len(s)%32 != 0 {
		s += strings.Repeat("\x00", 32-len(s)%32)
	}
	return s + g.data
}

func zeros(n int) string { return strings.Repeat("\x00", n) }

func hostileGGUF() []hostile {
	const rule = "gguf-header "
	c := func(name, content, want string) hostile {
		return hostile{name: "gguf " + name, path: "m.gguf", content: content, want: want}
	}
	key := func(k string) string { return ggufFile{keys: []string{k}}.String() }
	tensors := func(data int, t ...string) string { return ggufFile{tensors: t, data: zeros(data)}.String() }
	head := func(tensors, keys uint64) string { return "GGUF" + le32(3) + le64(tensors) + le64(keys) }
	array := func(kind uint32, n uint64, rest string) string {
		return key(ggufKey("a", 9, le32(kind)+le64(n)+rest))
	}
	nested := strings.Repeat(le32(9)+le64(1), 3000) + le32(0) + le64(1) + "x"
	return []hostile{
		c("too many tensors CVE-2024-21836", head(math.MaxUint64/2, 0), rule+"too many tensors"),
		c("too many keys CVE-2024-23605", head(0, math.MaxUint64), rule+"too many keys"),
		c("key length CVE-2024-23496", head(0, 1)+le64(math.MaxUint64)+zeros(16), rule+"too many bytes"),
		c("text length", head(0, 1)+ggufStr("k")+le32(8)+le64(1<<40)+zeros(16), rule+"too many bytes"),
		c("array length CVE-2024-21825", array(4, 1<<62, zeros(16)), rule+"too many elements"),
		c("array of texts", array(8, 1<<61, zeros(16)), rule+"too many elements"),
		c("arrays of arrays", key(ggufKey("a", 9, nested)), rule+"nested arrays"),
		c("unknown type", key(ggufKey("a", 77, zeros(8))), "?type 77"),
		c("unknown element type", array(13, 1, zeros(8)), "?type 13"),
		c("duplicate key", ggufFile{keys: []string{ggufText3("k", "a"), ggufText3("k", "b")}}.String(), rule+"duplicate key"),
		c("alignment 0", key(ggufKey("general.alignment", 4, le32(0))), rule+"alignment"),
		c("alignment 3", key(ggufKey("general.alignment", 4, le32(3))), rule+"alignment"),
		c("dimensions CVE-2024-21802", tensors(0, ggufStr("t")+le32(1000)+zeros(64)), rule+"too many dimensions"),
		c("shape overflow CVE-2025-53630", tensors(32, ggufTensor("t", 0, 0, 1<<32, 1<<32)), rule+"shape"),
		c("size overflow", tensors(32, ggufTensor("t", 28, 0, 1<<61)), rule+"size"),
		c("part of a block", tensors(32, ggufTensor("t", 2, 0, 31)), rule+"size"),
		c("outside", tensors(32, ggufTensor("t", 0, 0, 1000)), rule+"tensor outside"),
		c("offset outside", tensors(32, ggufTensor("t", 0, 1<<40, 8)), rule+"tensor outside"),
		c("offset 2^64", tensors(32, ggufTensor("t", 0, 1<<63, 8)), rule+"tensor not aligned"),
		c("not aligned", tensors(64, ggufTensor("t", 0, 4, 8)), rule+"tensor not aligned"),
		c("overlap", tensors(96, ggufTensor("t", 0, 0, 16), ggufTensor("u", 0, 32, 16)), rule+"overlapping"),
		c("hole", tensors(96, ggufTensor("t", 0, 0, 8), ggufTensor("u", 0, 64, 8)), rule+"hole"),
		c("duplicate tensor", tensors(64, ggufTensor("t", 0, 0, 8), ggufTensor("t", 0, 32, 8)), rule+"duplicate tensor"),
		c("unknown tensor type", tensors(32, ggufTensor("t", 99, 0, 8)), "?unknown type"),
		c("bytes behind", tensors(4096, ggufTensor("t", 0, 0, 8)), "trailing-data"),
		c("version 9", "GGUF"+le32(9)+zeros(16), "?version 9"),
		c("cut", head(1, 0)+zeros(9), "?gguf at"),
		c("template CVE-2024-34359", key(ggufText3("tokenizer.chat_template", "{{ x.__class__ }}")), "chat-template __class__"),
		c("named template", key(ggufText3("tokenizer.chat_template.tool_use", "{{ lipsum }}")), "chat-template lipsum"),
		c("template in array", key(ggufKey("tokenizer.chat_template", 9, le32(8)+le64(1)+ggufStr("{{ cycler }}"))), "chat-template cycler"),
		c("template too long", key(ggufText3("tokenizer.chat_template", strings.Repeat("x", maxGGUFText+1))), "?chat template of"),
	}
}

func hostileTemplates() []hostile {
	c := func(name, text, want string) hostile {
		b, _ := json.Marshal(map[string]string{"chat_template": text})
		return hostile{name: "template " + name, path: "tokenizer_config.json", content: string(b), want: want}
	}
	const rule = "chat-template "
	return []hostile{
		c("walk", "{% for x in ().__class__.__base__.__subclasses__() %}{% endfor %}", rule+"__class__"),
		c("subscript", `{{ ""["__class__"]["__mro__"] }}`, rule+"__class__"),
		c("hex", `{{ ""["\x5f\x5fclass\x5f\x5f"] }}`, rule+"__class__"),
		c("octal", `{{ ""["\137\137class\137\137"] }}`, rule+"__class__"),
		c("unicode escape", `{{ ""["\u005f\u005fclass__"] }}`, rule+"__class__"),
		c("unicode name", `{{ ""["\N{LOW LINE}\N{LOW LINE}class__"] }}`, rule+"__class__"),
		c("pieces", `{{ ""["__cl" ~ "ass__"] }}`, rule+"__class__"),
		c("neighbours", `{{ ""["_" "_class_" "_"] }}`, rule+"__class__"),
		c("halves in variables", `{% set a = "__cl" %}{% set b = "ass__" %}{{ ""[a ~ b] }}`, rule+"__cl"),
		c("within a longer text", `{{ ""["x__class__y"[1:10]] }}`, rule+"__class__"),
		c("backwards", `{{ ""["__ssalc__"[::-1]] }}`, rule+"__ssalc__"),
		c("fullwidth", "{{ x.__ｃlass__ }}", rule+"__class__"),
		c("attr filter", `{{ x | attr(y) }}`, rule+"|attr"),
		c("lipsum", `{{ lipsum.x }}`, rule+"lipsum"),
		c("cycler", `{{ cycler }}`, rule+"cycler"),
		c("self", `{{ self._TemplateReference__context }}`, rule+"_TemplateReference__context"),
		c("request", `{{ request.application }}`, rule+"request"),
		c("config", `{{ config.items() }}`, rule+"config"),
		c("include", `{% include "/etc/passwd" %}`, rule+"include"),
		c("import", `{%- import "x" as y %}`, rule+"import"),
		c("from", `{%+ from "x" import y %}`, rule+"from"),
		c("extends", `{% extends "x" %}`, rule+"extends"),
		c("os", `{{ os.environ }}`, rule+"os"),
		c("popen", `{{ x.popen("id") }}`, rule+".popen()"),
		c("subprocess", `{{ subprocess.run }}`, rule+"subprocess"),
		c("frame", `{{ g.gi_frame }}`, rule+".gi_frame"),
		c("format", `{{ "{0.__class__}".format(x) }}`, rule+"__class__"),
		c("behind raw", "{% raw %}{#{% endraw %}{{ lipsum }}{% raw %}#}{% endraw %}", rule+"lipsum"),
		c("behind a brace in a text", `{{ "}}" }}{{ lipsum }}`, rule+"lipsum"),
		c("behind a comment", `{# {{ ' #}{{ lipsum }}`, rule+"lipsum"),
		c("no end of a block", `{{ x`, "?no end"),
		c("no end of a comment", `{# x`, "?no end"),
		c("no end of raw", `{% raw %} x`, "?no end"),
		c("too long", strings.Repeat("x", maxTemplate+1), "?chat template of"),
	}
}

func hostileConfigs() []hostile {
	c := func(name, content, want string) hostile {
		return hostile{name: "config " + name, path: "config.json", content: content, want: want}
	}
	const rule = "remote-code "
	return []hostile{
		c("auto_map", `{"auto_map":{"AutoModel":"modeling_x.Model"}}`, rule+"modeling_x.Model"),
		c("auto_map elsewhere", `{"auto_map":{"AutoModel":"evil/repo--m.Model"}}`, rule+"evil/repo--m.Model"),
		c("auto_map of a tokenizer", `{"auto_map":{"AutoTokenizer":["tok.Slow",null]}}`, rule+"tok.Slow"),
		c("auto_map as list", `{"auto_map":["tok.Slow","tok.Fast"]}`, rule+"tok.Fast"),
		c("auto_map within", `{"text_config":{"auto_map":{"AutoModel":"m.M"}}}`, rule+"m.M"),
		c("escaped key", `{"\u0061uto_map":{"A":"m.M"}}`, rule+"m.M"),
		c("duplicate key", `{"auto_map":{},"auto_map":{"A":"m.M"}}`, rule+"m.M"),
		c("behind NaN", `{"x":NaN,"y":[-Infinity, Infinity],"auto_map":{"A":"m.M"}}`, rule+"m.M"),
		c("behind a lone surrogate", `{"x":"\ud800","auto_map":{"A":"m.M"}}`, rule+"m.M"),
		c("behind a byte order mark", "\xef\xbb\xbf"+`{"auto_map":{"A":"m.M"}}`, rule+"m.M"),
		c("behind depth", `{"x":`+strings.Repeat("[", 400)+strings.Repeat("]", 400)+`,"auto_map":{"A":"m.M"}}`, rule+"m.M"),
		c("pipelines", `{"custom_pipelines":{"t":{"impl":"p.P","pt":["AutoModel"]}}}`, rule+"p.P"),
		c("pipelines, odd", `{"custom_pipelines":{"t":"p.P"}}`, rule+"t"),
		c("trust_remote_code", `{"x":{"trust_remote_code":true}}`, rule+"trust_remote_code"),
		c("other repository", `{"_name_or_path":"owner/name"}`, "other-repository _name_or_path owner/name"),
		c("adapter's base", `{"peft_type":"LORA","base_model_name_or_path":"https://x.example/m"}`, "other-repository base"),
		c("templates by name", `{"chat_template":[{"name":"default","template":"{{ lipsum }}"}]}`, "chat-template lipsum"),
		c("templates as object", `{"chat_template":{"default":"{{ lipsum }}"}}`, "chat-template lipsum"),
		c("cut", `{"architectures":["A"],"x":`, "?json at"),
		c("too deep", `{"architectures":["A"],"x":`+strings.Repeat("[", 5000), "?nests deeper"),
		c("behind space", strings.Repeat(" ", 5000)+`{"auto_map":{"A":"m.M"}}`, rule+"m.M"),
		c("behind space within", "{"+strings.Repeat("\n", 5000)+`"auto_map":{"A":"m.M"}}`, rule+"m.M"),
		c("behind a very long text", `{"x":"`+strings.Repeat("x", 2*maxJSONText)+`","auto_map":{"A":"m.M"}}`, "?longer than"),
		c("behind more depth", `{"x":`+strings.Repeat("[", 600)+strings.Repeat("]", 600)+`,"auto_map":{"A":"m.M"}}`, "?nests deeper"),
		c("behind many", `{"x":[`+strings.Repeat("1,", 5<<20)+`1],"auto_map":{"A":"m.M"}}`, "?more"),
		c("key too long", `{"architectures":["A"],"`+strings.Repeat("x", 3*maxKey)+`":1}`, "?longer than"),
	}
}

func hostileTexts() []hostile {
	all := append(hostileSafetensors(), hostileGGUF()...)
	return append(append(all, hostileTemplates()...), hostileConfigs()...)
}

func TestHostileConfigsAndTensors(t *testing.T) {
	for _, h := range hostileTexts() {
		t.Run(h.name, func(t *testing.T) {
			r := inspectString(t, h.path, h.content)
			if !says(r, h.want) {
				t.Errorf("want %q, got risks %+v, unscanned %q", h.want, r.Risks, r.Unscanned)
			}
			for _, risk := range r.Risks {
				checkRisk(t, risk)
				if risk.Rule == "polyglot" {
					t.Errorf("polyglot: %s", risk.Calls)
				}
			}
		})
	}
}

func FuzzConfigsAndTensors(f *testing.F) { fuzzed(f, "m.safetensors", hostileTexts()) }

// FuzzTemplate reads any text as a template.
func FuzzTemplate(f *testing.F) {
	for _, text := range ordinaryTemplates() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		in := newInput(sourceOf("x", ""), tightBudget())
		template(in, text, 0)
		for _, risk := range in.risks {
			checkRisk(t, risk)
			if risk.Severity < scan.Medium || risk.Offset > int64(len(text)) {
				t.Errorf("%+v", risk)
			}
		}
	})
}
