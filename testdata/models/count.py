"""Write parameters.json: how many numbers each model file holds, counted by the
packages that read it, for the test that holds the scanner's counts against it.

    pip install torch==2.4.1 safetensors==0.8.0 onnx==1.23.2 gguf==0.19.0 numpy==2.2.6
    python count.py
"""
import glob
import json
import os

import gguf
import numpy as np
import onnx
import torch
from onnx import numpy_helper
from safetensors import safe_open

here = os.path.dirname(os.path.abspath(__file__))


def safetensors(file):
    with safe_open(file, "pt") as f:
        return sum(f.get_tensor(name).numel() for name in f.keys())


def onnx_numbers(file):
    """Weights; what is computed with (nodes of Constant) is no parameter."""
    return sum(numpy_helper.to_array(t).size for t in onnx.load(file).graph.initializer)


def tensors(value):
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (dict, list, tuple)):
        for v in value.values() if isinstance(value, dict) else value:
            yield from tensors(v)


def state(file):
    """What shares memory counts once."""
    return sum({t.data_ptr(): t.numel() for t in tensors(torch.load(file, weights_only=True))}.values())


def script(file):
    return sum(t.numel() for t in torch.jit.load(file).state_dict().values())


counts = {}
for pattern, count in {
    "hub/**/*.safetensors": safetensors, "exports/*.safetensors": safetensors, "safetensors/*.safetensors": safetensors,
    "hub/**/*.bin": state, "exports/*.pth": state, "exports/*.ckpt": state,
    "exports/scripted.pt": script, "exports/traced.pt": script, "exports/*.onnx": onnx_numbers,
    "exports/*.gguf": lambda file: int(sum(np.prod(t.shape) for t in gguf.GGUFReader(file).tensors)),
}.items():
    for file in glob.glob(os.path.join(here, pattern), recursive=True):
        counts[os.path.relpath(file, here)] = int(count(file))
with open(os.path.join(here, "parameters.json"), "w") as f:
    json.dump(counts, f, indent=1, sort_keys=True)
    f.write("\n")
