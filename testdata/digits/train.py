#!/usr/bin/env python3
"""Trains the digits network and writes its weights and its held-out images.

    python train.py          writes models/digits.safetensors and data/heldout.csv
    python train.py --check  trains again and compares with the committed files;
                             writes nothing, exits 1 where they differ
"""

import argparse
import json
import struct
import sys
import warnings
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

HERE = Path(__file__).resolve().parent
MODEL = HERE / "models" / "digits.safetensors"
HELDOUT = HERE / "data" / "heldout.csv"

SEED = 42
HELD_OUT = 450  # images, stratified by digit; the other 1,347 train
MAX_PIXEL = 16
EPOCHS = 150
TOLERANCE = 0.005  # how far the accuracy of a retrained network may lie from the committed one's
METADATA = {
    "name": "digits",
    "dataset": "UCI Optical Recognition of Handwritten Digits (doi:10.24432/C50P49), test part, as scikit-learn ships it",
    "licence": "CC-BY-4.0",
    "layers": "64-64-10, relu, softmax",
    "input": "8x8 pixels, row by row, divided by 16",
}


def split():
    """Returns train images, held-out images (pixels 0..16), train labels, held-out labels."""
    digits = load_digits()
    return train_test_split(
        digits.data, digits.target, test_size=HELD_OUT, stratify=digits.target, random_state=SEED
    )


def train(images, labels):
    """Returns the tensors w1, b1, w2, b2 as float32; a weight matrix has a row for each output."""
    network = MLPClassifier(
        hidden_layer_sizes=(64,),
        activation="relu",
        alpha=0.01,
        batch_size=32,
        learning_rate_init=0.003,
        max_iter=EPOCHS,
        n_iter_no_change=EPOCHS,
        random_state=SEED,
    )
    # One thread, because the order of a sum's terms changes its last bits.
    # Training ends after EPOCHS, converged or not; the warning says just that.
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit(images / MAX_PIXEL, labels)
    tensors = {}
    for i, (weights, bias) in enumerate(zip(network.coefs_, network.intercepts_), start=1):
        tensors[f"w{i}"] = weights.T.astype("<f4")
        tensors[f"b{i}"] = bias.astype("<f4")
    return tensors


def accuracy(tensors, images, labels):
    """Returns the share of images that the network names rightly, 0..1."""
    x = (images / MAX_PIXEL).astype(np.float32)
    hidden = np.maximum(x @ tensors["w1"].T + tensors["b1"], 0)
    logits = hidden @ tensors["w2"].T + tensors["b2"]
    return float(np.mean(logits.argmax(axis=1) == labels))


def safetensors_bytes(tensors, metadata):
    """Returns the file: u64 length of the header, JSON header, then the tensors without gaps."""
    header, data, offset = {"__metadata__": metadata}, b"", 0
    for name, tensor in tensors.items():
        raw = np.ascontiguousarray(tensor, dtype="<f4").tobytes()
        header[name] = {
            "dtype": "F32",
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + len(raw)],
        }
        offset += len(raw)
        data += raw
    encoded = json.dumps(header, separators=(",", ":")).encode()
    encoded += b" " * (-len(encoded) % 8)  # the data starts at a multiple of 8
    return struct.pack("<Q", len(encoded)) + encoded + data


def read_safetensors(path):
    """Returns the F32 tensors of a file that safetensors_bytes wrote."""
    raw = path.read_bytes()
    start = 8 + struct.unpack("<Q", raw[:8])[0]
    tensors = {}
    for name, entry in json.loads(raw[8:start]).items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            tensors[name] = np.frombuffer(raw[start + begin : start + end], "<f4").reshape(entry["shape"])
    return tensors


def heldout_csv(images, labels):
    """Returns the held-out set: a header line, then 64 pixels and the digit a line."""
    lines = [",".join([f"p{i}" for i in range(64)] + ["digit"])]
    for image, label in zip(images.astype(int), labels):
        lines.append(",".join(map(str, [*image, label])))
    return "\n".join(lines) + "\n"


def write(path, content):
    """Writes the whole file or leaves the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    partial.replace(path)


def check(tensors, images, labels):
    """Compares with the committed files; returns what differs, one line each."""
    wrong = []
    if HELDOUT.read_text() != heldout_csv(images, labels):
        wrong.append(f"{HELDOUT.name}: not the split that this script makes")
    new, committed = accuracy(tensors, images, labels), accuracy(read_safetensors(MODEL), images, labels)
    print(f"held-out accuracy: committed {committed}, retrained {new}")
    if abs(new - committed) > TOLERANCE:
        wrong.append(f"{MODEL.name}: accuracy {committed}, retrained {new}, more than {TOLERANCE} apart")
    return wrong


def main():
    parser = argparse.ArgumentParser(description="Trains the digits network.")
    parser.add_argument("--check", action="store_true", help="compare with the committed files, write nothing")
    args = parser.parse_args()

    train_images, held_images, train_labels, held_labels = split()
    tensors = train(train_images, train_labels)
    if args.check:
        wrong = check(tensors, held_images, held_labels)
        for line in wrong:
            print(line, file=sys.stderr)
        return 1 if wrong else 0
    write(MODEL, safetensors_bytes(tensors, METADATA))
    write(HELDOUT, heldout_csv(held_images, held_labels).encode())
    print(f"held-out accuracy: {accuracy(tensors, held_images, held_labels)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
