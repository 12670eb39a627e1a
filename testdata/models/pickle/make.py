"""Makes the small model files beside this script with the real packages.

    pip install numpy joblib scikit-learn pandas cloudpickle dill lz4
    python make.py [FOLDER]

The files are inputs of the tests of pkg/scan/modelfile. They hold made-up
numbers only. Those named evil-* call a harmless function by a name that a scanner
must report; none is ever loaded by the tests.
"""
import collections
import datetime
import io
import os
import pickle
import sys

import cloudpickle
import dill
import joblib
import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

out = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(7)


def path(name):
    return os.path.join(out, name)


def write(name, content):
    with open(path(name), "wb") as f:
        f.write(content)


x = rng.random((40, 4))
y = (x.sum(axis=1) > 2).astype(int)
plain = {
    "weights": [[0.5, -1.25], [3.0, 4.0]],
    "labels": ("cat", "dog", "größe"),
    "when": datetime.date(2026, 1, 2),
    "order": collections.OrderedDict(a=1, b=2 ** 70, c=-1, d=-300, e=b"\x00bytes"),
    "flags": {True, False},
    "none": None,
}
arrays = {"w": x, "b": np.arange(5, dtype="<i8"), "names": np.array(["a", "bb"]), "mask": x > 0.5, "f": np.asfortranarray(x)}
record = np.array([(1, 2.0, "x")], dtype=[("a", "<i4"), ("b", "<f8"), ("c", "<U3")])
forest = RandomForestClassifier(3, max_depth=3, random_state=0).fit(x, y)
pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y)

for protocol in range(6):
    write(f"plain-{protocol}.pkl", pickle.dumps(plain, protocol))
    write(f"arrays-{protocol}.pkl", pickle.dumps(arrays, protocol))
    joblib.dump(arrays, path(f"arrays-{protocol}.joblib"), protocol=protocol) if protocol > 1 else None
write("sklearn.pkl", pickle.dumps(pipeline))
write("pandas.pkl", pickle.dumps(pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})))
write("random.pkl", pickle.dumps([np.random.RandomState(1), np.random.default_rng(1)]))

for how in [("zlib", 3), ("gzip", 3), ("bz2", 3), ("lzma", 3), ("xz", 3), ("lz4", 3)]:
    joblib.dump(arrays, path(f"arrays.{how[0]}.joblib"), compress=how)
joblib.dump(pipeline, path("pipeline.joblib"))
joblib.dump(forest, path("forest.joblib"), compress=3)
joblib.dump({"r": record, "s": sparse.csr_matrix(x), "n": np.float32(1.5), "empty": np.zeros((0, 3)), "zero": np.array(3)}, path("kinds.joblib"))
joblib.dump({"o": np.array([1, "a", None], dtype=object), "after": x}, path("objects.joblib"))
joblib.dump([x, x, np.array([1.0]), np.array(["2026-01-01"], dtype="datetime64[D]")], path("shared.joblib"))

np.save(path("float.npy"), x)
np.save(path("fortran.npy"), np.asfortranarray(x))
np.save(path("record.npy"), record)
np.save(path("objects.npy"), np.array([{"a": 1}, [2]], dtype=object), allow_pickle=True)
np.lib.format.write_array(open(path("version2.npy"), "wb"), x, version=(2, 0))
np.lib.format.write_array(open(path("version3.npy"), "wb"), np.zeros(2, dtype=[("é", "<f4")]), version=(3, 0))
several = io.BytesIO()
np.save(several, x)
np.save(several, y)
write("several.npy", several.getvalue())
np.savez(path("arrays.npz"), **arrays)
np.savez_compressed(path("compressed.npz"), **arrays)


def double(v):
    return 2 * v


write("evil-cloudpickle.pkl", cloudpickle.dumps(lambda v: v + 1))
write("evil-dill.pkl", dill.dumps(lambda v: v + 1, recurse=True))


class Evil:
    def __reduce__(self):
        return os.getcwd, ()


for protocol in range(6):
    write(f"evil-{protocol}.pkl", pickle.dumps(Evil(), protocol))
joblib.dump({"w": x, "evil": Evil(), "b": x}, path("evil.joblib"))
joblib.dump({"w": x, "evil": Evil()}, path("evil.lz4.joblib"), compress=("lz4", 3))
np.save(path("evil-objects.npy"), np.array([Evil()], dtype=object), allow_pickle=True)
