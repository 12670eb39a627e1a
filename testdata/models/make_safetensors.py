"""Write small files in safetensors/ and gguf/.

    pip install safetensors==0.8.0 gguf==0.19.0 numpy
    python make_safetensors.py
"""
import os

import gguf
import numpy as np
from safetensors.numpy import save_file

here = os.path.dirname(os.path.abspath(__file__))
out = os.path.join(here, "safetensors")
os.makedirs(out, exist_ok=True)
rng = np.random.default_rng(0)

weights = {"fc.weight": rng.standard_normal((4, 8), dtype=np.float32), "fc.bias": np.zeros(4, np.float32)}
save_file(weights, os.path.join(out, "plain.safetensors"))
save_file(weights, os.path.join(out, "metadata.safetensors"), metadata={"format": "pt", "license": "mit"})
save_file({name: np.ones((2, 3), name) for name in ("float16", "float64", "int8", "int16", "int32", "int64", "uint8", "bool")},
          os.path.join(out, "kinds.safetensors"))
save_file({}, os.path.join(out, "empty.safetensors"))
save_file({"scalar": np.array(1.0, np.float32), "none": np.zeros((0, 4), np.float32)}, os.path.join(out, "odd.safetensors"))

out = os.path.join(here, "gguf")
os.makedirs(out, exist_ok=True)

CHATML = ("{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
          "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}")


def model(name, quantised=False, alignment=None, template=None, big=False):
    w = gguf.GGUFWriter(os.path.join(out, name), "llama", endianess=gguf.GGUFEndian.BIG if big else gguf.GGUFEndian.LITTLE)
    w.add_name("example")
    w.add_license("apache-2.0")
    w.add_context_length(128)
    w.add_block_count(1)
    w.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0 if quantised else gguf.LlamaFileType.ALL_F32)
    w.add_tokenizer_model("llama")
    w.add_token_list(["<s>", "</s>", "a", "b"])
    w.add_token_scores([0.0, 0.0, -1.0, -2.0])
    w.add_token_types([3, 3, 1, 1])
    w.add_bool("example.flag", True)
    if alignment:
        w.add_custom_alignment(alignment)
    if template:
        w.add_chat_template(template)
    data = rng.standard_normal((4, 32), dtype=np.float32)
    if quantised:
        q = gguf.quants.quantize(data, gguf.GGMLQuantizationType.Q8_0)
        w.add_tensor("token_embd.weight", q, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    else:
        w.add_tensor("token_embd.weight", data)
    w.add_tensor("output_norm.weight", np.ones(32, np.float32))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


model("f32.gguf")
model("q8_0.gguf", quantised=True, template=CHATML)
model("aligned.gguf", alignment=64)
model("templates.gguf", template=[{"name": "default", "template": CHATML}, {"name": "tool_use", "template": CHATML}])
model("big-endian.gguf", big=True)
