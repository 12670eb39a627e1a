package modelfile

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// ordinaryTemplates are the constructs of the chat templates that Llama 3,
// Qwen 2.5, Mistral, Gemma, Phi and DeepSeek ship.
func ordinaryTemplates() map[string]string {
	return map[string]string{
		"llama": `{{- bos_token }}
{%- if custom_tools is defined %}{%- set tools = custom_tools %}{%- endif %}
{%- if not date_string is defined %}{%- if strftime_now is defined %}{%- set date_string = strftime_now("%d %b %Y") %}{%- else %}{%- set date_string = "26 Jul 2024" %}{%- endif %}{%- endif %}
{%- if messages[0]['role'] == 'system' %}{%- set system_message = messages[0]['content']|trim %}{%- set messages = messages[1:] %}{%- else %}{%- set system_message = "" %}{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\n\n" }}
{%- if tools is not none %}{{- "Environment: ipython\n" }}{%- endif %}
{{- 'Respond in the format {"name": function name, "parameters": dictionary of argument name and its value}.' }}
{%- for t in tools %}{{- t | tojson(indent=4) }}{%- endfor %}
{%- if not tools_in_user_message and builtin_tools is defined %}{{- "Tools: " + builtin_tools | reject('equalto', 'code_interpreter') | join(", ") + "\n\n"}}{%- endif %}
{%- for arg_name, arg_val in tool_call.arguments | items %}{{- arg_name + '="' + arg_val + '"' }}{%- if not loop.last %}{{- ", " }}{%- endif %}{%- endfor %}
{{- raise_exception("This model only supports single tool-calls at once!") }}`,
		"qwen": `{%- if tools %}{{- '<|im_start|>system\n' }}{%- if messages[0]['role'] == 'system' %}{{- messages[0]['content'] }}{%- endif %}
{{- "\n\n# Tools\n\n<tools>" }}{%- for tool in tools %}{{- "\n" }}{{- tool | tojson }}{%- endfor %}
{{- "\n</tools>\n\n<tool_call>\n{\"name\": <function-name>, \"arguments\": <args-json-object>}\n</tool_call><|im_end|>\n" }}{%- endif %}
{%- for message in messages %}{%- if (message.role == "user") or (message.role == "system" and not loop.first) or (message.role == "assistant" and not message.tool_calls) %}
{{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>' + '\n' }}
{%- elif message.role == "tool" %}{%- if (loop.index0 == 0) or (messages[loop.index0 - 1].role != "tool") %}{{- '<|im_start|>user' }}{%- endif %}{%- endif %}{%- endfor %}`,
		"qwen 3": `{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}{%- set index = (messages|length - 1) - loop.index0 %}
{%- if ns.multi_step_tool and message.role == "user" and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
{%- set ns.multi_step_tool = false %}{%- set ns.last_query_index = index %}{%- endif %}{%- endfor %}
{%- set content = message.content.split('</think>')[-1].lstrip('\n') %}`,
		"mistral": `{%- set loop_messages = messages[1:] %}{%- set ns = namespace() %}{%- set ns.index = 0 %}
{%- for message in loop_messages %}{%- if not (message.role == "tool" or message.role == "tool_results" or (message.tool_calls is defined and message.tool_calls is not none)) %}
{%- if (message["role"] == "user") != (ns.index % 2 == 0) %}{{- raise_exception("After the optional system message, conversation roles must alternate user/assistant/user/assistant/...") }}{%- endif %}{%- endif %}{%- endfor %}
{%- for key, val in tool.items() if key != "return" %}{%- if val is string %}{{- '"' + key + '": "' + val + '"' }}{%- else %}{{- '"' + key + '": ' + val|tojson }}{%- endif %}{%- endfor %}
{%- set out = tool_call.function|tojson %}{{- out[:-1] }}{{- ', "id": "' + tool_call.id + '"}' }}`,
		"gemma":    `{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{% for message in messages %}{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}{% endif %}{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}{% if add_generation_prompt %}{{'<start_of_turn>model\n'}}{% endif %}`,
		"phi":      `{% for message in messages %}{% if message['role'] == 'system' and 'tools' in message and message['tools'] is not none %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|tool|>' + message['tools'] + '<|/tool|>' + '<|end|>' }}{% else %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% else %}{{ eos_token }}{% endif %}`,
		"deepseek": `{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}{% set ns = namespace(is_first=false, is_tool=false, is_output_first=true, system_prompt='') %}{%- for message in messages %}{%- if message['role'] == 'system' %}{% set ns.system_prompt = message['content'] %}{%- endif %}{%- endfor %}{{bos_token}}{{ns.system_prompt}}{%- for tool in message['tool_calls']%}{{'<｜Assistant｜><｜tool▁calls▁begin｜><｜tool▁call▁begin｜>' + tool['type'] + '<｜tool▁sep｜>' + tool['function']['name'] + '\n' + '` + "```json" + `' + '\n' + tool['function']['arguments'] + '\n' + '` + "```" + `' + '<｜tool▁call▁end｜>'}}{%- endfor %}`,
		"macros":   `{%- macro json_to_python_type(json_spec) %}{%- set basic_type_map = {"string": "str", "number": "float"} %}{%- if basic_type_map[json_spec.type] is defined %}{{- basic_type_map[json_spec.type] }}{%- elif json_spec.type == "array" %}{{- "list[" + json_to_python_type(json_spec|items) + "]" }}{%- endif %}{%- endmacro %}{% generation %}{{ x }}{% endgeneration %}{# it's {{ fine }} #}{% raw %}{{ lipsum }}{% endraw %}`,
	}
}

func TestOrdinaryTemplatesAreNoRisk(t *testing.T) {
	for name, text := range ordinaryTemplates() {
		in := newInput(sourceOf("x", ""), tightBudget())
		template(in, text, 0)
		if len(in.risks) > 0 || len(in.reasons) > 0 {
			t.Errorf("%s: %+v %q", name, in.risks, in.reasons)
		}
	}
}

func TestBenignConfigsAndTensors(t *testing.T) {
	llama := ggufFile{
		keys: []string{
			ggufText3("general.architecture", "llama"), ggufText3("general.license", "apache-2.0"),
			ggufKey("general.file_type", 4, le32(15)), ggufKey("general.alignment", 4, le32(32)),
			ggufKey("tokenizer.ggml.tokens", 9, le32(8)+le64(2)+ggufStr("__class__")+ggufStr("b")),
			ggufKey("tokenizer.ggml.scores", 9, le32(6)+le64(2)+zeros(8)), ggufKey("x", 12, zeros(8)), ggufKey("b", 7, "\x01"),
			ggufText3("tokenizer.chat_template", ordinaryTemplates()["llama"]),
		},
		tensors: []string{ggufTensor("a", 12, 0, 256, 2), ggufTensor("b", 0, 288, 8), ggufTensor("c", 0, 320)},
		data:    zeros(352),
	}.String()
	v1 := "GGUF" + le32(1) + le32(1) + le32(1) + le32(20) + "general.architecture" + le32(8) + le32(5) + "llama" +
		le32(1) + "t" + le32(1) + le32(8) + le32(0) + le64(0)
	v1 += zeros((32-len(v1)%32)%32) + zeros(32)
	big := "GGUF" + string(binary.BigEndian.AppendUint32(nil, 3)) + zeros(16)
	for name, c := range map[string]struct {
		path, content string
		want          Card
	}{
		"safetensors": {"m.safetensors", safe(`{"__metadata__":{"format":"pt","license":"mit"},"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"b":{"dtype":"BF16","shape":[],"data_offsets":[16,18]},"c":{"dtype":"I8","shape":[0],"data_offsets":[18,18]}}   `, 18),
			Card{Format: Safetensors, Framework: "pytorch", License: "mit", Dtypes: []string{"F32", "BF16", "I8"}, Parameters: 5}},
		"no tensors":   {"m.safetensors", safe(`{}`, 0), Card{Format: Safetensors}},
		"gguf":         {"m.gguf", llama, Card{Format: GGUF, Version: "3", Architecture: "llama", License: "apache-2.0", Quantisation: "Q4_K_M", Dtypes: []string{"Q4_K", "F32"}, Parameters: 521}},
		"gguf 1":       {"m.gguf", v1, Card{Format: GGUF, Version: "1", Architecture: "llama", Dtypes: []string{"F32"}, Parameters: 8}},
		"gguf, big":    {"m.gguf", big, Card{Format: GGUF, Version: "3"}},
		"gguf, types":  {"m.gguf", ggufFile{tensors: []string{ggufTensor("a", 8, 0, 32)}, data: zeros(34)}.String(), Card{Format: GGUF, Version: "3", Quantisation: "Q8_0", Dtypes: []string{"Q8_0"}, Parameters: 32}},
		"config":       {"x.json", `{"_name_or_path":"/data/m","architectures":["LlamaForCausalLM"],"model_type":"llama","torch_dtype":"bfloat16","transformers_version":"4.44.0","auto_map":null,"trust_remote_code":false,"quantization_config":{"bits":4,"quant_method":"gptq","dataset":["a"]},"rope":{"a":[1,{}]}}`, Card{Format: JSON, Framework: "transformers", Version: "4.44.0", Architecture: "LlamaForCausalLM", Dtypes: []string{"bfloat16"}, Quantisation: "gptq 4 bit"}},
		"tokenizer":    {"x.json", `{"chat_template":null,"tokenizer_class":"X","quantization_config":null,"architectures":[],"custom_pipelines":[]}`, Card{Format: JSON}},
		"any other":    {"config.json", `{"a":{"b":[1,2,"__class__"]},"name":"owner/name"}`, Card{Format: Other}},
		"broken other": {"config.json", `{"a":{{ x }}}`, Card{Format: Other}},
		"an array":     {"config.json", `[{"auto_map":{"a":"b"}}]`, Card{Format: Other}},
	} {
		r := inspectString(t, c.path, c.content)
		if len(r.Risks) > 0 || r.Unscanned != "" {
			t.Errorf("%s: %+v %q", name, r.Risks, r.Unscanned)
		}
		if diff := cmp.Diff(c.want, r.Card); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestLongTemplatesAndHeadersTakeNoTime reads what grows fast if read carelessly.
func TestLongTemplatesAndHeadersTakeNoTime(t *testing.T) {
	start := time.Now()
	for _, text := range []string{
		strings.Repeat(`{{"__"~"a"}}`, 50_000), "{{" + strings.Repeat(`"a"~`, 250_000) + "}}",
		strings.Repeat("{{", 500_000), strings.Repeat("{#", 500_000), `{{"` + strings.Repeat("__a", 300_000) + `"}}`,
		"{{" + strings.Repeat("a[f(", 50_000), strings.Repeat("{% set a = a + a[a] %}", 30_000), "{% with " + strings.Repeat("a = a[b], ", 30_000) + "%}",
		strings.Repeat("{% raw %}", 100_000), "{{" + strings.Repeat("_", 1_000_000) + "}}",
	} {
		in := newInput(sourceOf("x", ""), tightBudget())
		template(in, text, 0)
	}
	inspectString(t, "m.safetensors", safe("{"+strings.Repeat(" ", 20<<20)+"}", 0))
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
}
