"""Write small models in exports/, in the formats that frameworks export to.

    pip install torch==2.4.1 torchvision==0.19.1 timm==1.0.20 safetensors==0.8.0 onnx==1.23.2 skl2onnx==1.20.0 scikit-learn==1.9.1 \
        gguf==0.19.0 xgboost-cpu==3.2.0 lightgbm==4.7.0 catboost==1.2.10 joblib==1.6.0 numpy==2.2.6
    python make_exports.py
"""
import os
import shutil

import catboost
import gguf
import joblib
import lightgbm
import numpy as np
import safetensors.torch
import skl2onnx
import timm.models
import torch
import torchvision
import xgboost
from sklearn.cluster import KMeans
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

out = os.path.join(os.path.dirname(os.path.abspath(__file__)), "exports")
shutil.rmtree(out, ignore_errors=True)
os.makedirs(out)
torch.manual_seed(0)
rng = np.random.default_rng(0)


def path(name):
    return os.path.join(out, name)


class Image(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.norm = nn.BatchNorm2d(2)
        self.fc = nn.Linear(2, 3)

    def forward(self, x):
        return self.fc(torch.relu(self.norm(self.conv(x))).mean((2, 3)))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(10, 4)
        self.rnn = nn.LSTM(4, 3, batch_first=True)

    def forward(self, x):
        return self.rnn(self.words(x))[0][:, -1]


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv, self.out, self.norm = nn.Linear(8, 24), nn.Linear(8, 8), nn.LayerNorm(8)

    def forward(self, x):
        q, k, v = self.qkv(self.norm(x)).chunk(3, -1)
        return x + nn.functional.gelu(self.out(nn.functional.scaled_dot_product_attention(q, k, v)))


class Repeat(nn.Module):
    def forward(self, x, n: int):
        for _ in range(n):
            if bool(x.sum() > 0):
                x = x * 2
        return x


image, recurrent = Image().eval(), Recurrent().eval()
pixels, words = torch.zeros(1, 1, 6, 6), torch.zeros(1, 5, dtype=torch.long)
attention = Attention().eval()

# PyTorch's own formats.
torch.jit.trace(image, pixels).save(path("traced.pt"))
torch.jit.script(recurrent).save(path("scripted.pt"))
torch.jit.script(Repeat()).save(path("repeat.pt"))
for name, module, example in (("image", image, pixels), ("mlp", nn.Sequential(nn.Linear(4, 3), nn.GELU()), torch.zeros(2, 4))):
    program = torch.export.export(module, (example,), dynamic_shapes=({0: torch.export.Dim("n", min=2)},) if name == "mlp" else None)
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)
    torch.export.save(program, path(name + ".pt2"))
torch.save(torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(4, 3)), {nn.Linear}).state_dict(), path("quantised.pt"))
vit = timm.models.VisionTransformer(img_size=8, patch_size=4, embed_dim=8, depth=1, num_heads=2, num_classes=2)
torch.save(vit.state_dict(), path("timm.pth"))
safetensors.torch.save_model(vit, path("timm.safetensors"), {"format": "pt"})
shuffle = torchvision.models.ShuffleNetV2([1, 1, 1], [4, 4, 4, 4, 8], num_classes=2)
torch.save(shuffle.state_dict(), path("torchvision.pth"))
torch.save({"state_dict": shuffle.state_dict(), "epoch": 1, "hparams": {"lr": 0.1}}, path("checkpoint.ckpt"))

# ONNX.
torch.onnx.export(image, pixels, path("image.onnx"), input_names=["x"], dynamic_axes={"x": {0: "n"}})
torch.onnx.export(recurrent, words, path("recurrent.onnx"))
torch.onnx.export(attention, torch.zeros(1, 4, 8), path("attention.onnx"), opset_version=17)
x = rng.standard_normal((40, 4)).astype(np.float32)
y = (x[:, 0] > 0).astype(int)
fitted = {
    "pipeline": make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y),
    "forest": RandomForestClassifier(2, max_depth=2, random_state=0).fit(x, y),
    "boosting": GradientBoostingClassifier(n_estimators=2, max_depth=2, random_state=0).fit(x, y),
    "clusters": KMeans(2, n_init=1, random_state=0).fit(x),
}
for name, model in fitted.items():
    with open(path(name + ".onnx"), "wb") as f:
        f.write(skl2onnx.to_onnx(model, x[:1]).SerializeToString())
    joblib.dump(model, path(name + ".joblib"))

# Boosted trees, each library's own formats.
trees = xgboost.train({"max_depth": 2, "seed": 0, "nthread": 1}, xgboost.DMatrix(x, y), 2)
trees.save_model(path("xgboost.json"))
trees.save_model(path("xgboost.ubj"))
lightgbm.train({"num_leaves": 3, "min_data_in_leaf": 2, "verbose": -1, "seed": 0, "num_threads": 1}, lightgbm.Dataset(x, y), 2).save_model(path("lightgbm.txt"))
cat = catboost.CatBoostClassifier(iterations=2, depth=2, random_seed=0, verbose=False, allow_writing_files=False, thread_count=1).fit(x, y)
cat.save_model(path("catboost.cbm"))
cat.save_model(path("catboost.json"), format="json")

# GGUF, of other architectures than make_safetensors.py's.
for name, arch, kind in (("bert", "bert", "F16"), ("qwen2", "qwen2", "Q4_0"), ("phi3", "phi3", "Q5_1"), ("whisper", "whisper", "BF16")):
    w = gguf.GGUFWriter(path(name + ".gguf"), arch)
    w.add_name("example")
    w.add_license("mit")
    w.add_embedding_length(32)
    w.add_block_count(1)
    w.add_file_type(gguf.LlamaFileType["MOSTLY_" + kind])
    w.add_tokenizer_model("gpt2")
    w.add_token_list(["a", "b"])
    data, quantised = rng.standard_normal((4, 32), dtype=np.float32), gguf.GGMLQuantizationType[kind]
    w.add_tensor("token_embd.weight", gguf.quants.quantize(data, quantised), raw_dtype=quantised)
    w.add_tensor("output_norm.weight", np.ones(32, np.float32))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
