"""Makes the small PyTorch files beside this script with the real package.

    pip install torch
    python make.py [FOLDER]

See ../pickle/make.py.
"""
import os
import pickle
import sys

import torch
from torch import nn

out = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
torch.manual_seed(0)


def path(name):
    return os.path.join(out, name)


model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
state = model.state_dict()
torch.save(state, path("state.pt"))
torch.save(state, path("legacy.pt"), _use_new_zipfile_serialization=False)
torch.save({k: v.to(torch.bfloat16) for k, v in state.items()}, path("bfloat16.bin"))
torch.save({k: v.half() for k, v in state.items()}, path("half.pth"))
torch.save([torch.quantize_per_tensor(torch.ones(3), 0.1, 2, torch.qint8), torch.eye(3).to_sparse(), torch.tensor(1 + 2j), torch.Size([1, 2])], path("kinds.pt"))
shared = torch.arange(6.0)
torch.save({"a": shared, "b": shared[2:], "p": nn.Parameter(torch.ones(2)), "i": torch.arange(3), "m": torch.tensor([True])}, path("shared.pt"))
optimizer = torch.optim.Adam(model.parameters())
for p in model.parameters():
    p.grad = torch.ones_like(p)
optimizer.step()
torch.save({"epoch": 3, "model": state, "optimizer": optimizer.state_dict(), "rng": torch.get_rng_state()[:16], "loss": 0.5}, path("checkpoint.ckpt"))
torch.save(model, path("whole.pt"))
torch.jit.script(model).save(path("script.pt"))
with open(path("pickled.pkl"), "wb") as f:
    pickle.dump({"w": torch.ones(2)}, f)


class Evil:
    def __reduce__(self):
        return os.getcwd, ()


torch.save({**state, "x": Evil()}, path("evil.pt"))
torch.save({**state, "x": Evil()}, path("evil-legacy.pt"), _use_new_zipfile_serialization=False)


class Reads(nn.Module):
    def forward(self, x):
        return x + torch.from_file("/etc/hostname", size=1, dtype=torch.uint8)


torch.jit.script(Reads()).save(path("evil-script.pt"))
