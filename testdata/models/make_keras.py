"""Write small Keras models in keras/. "evil" ones hold code that does nothing.

    pip install keras==3.15.1 jax h5py numpy
    KERAS_BACKEND=jax python make_keras.py
"""
import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import h5py
import keras
import numpy as np
from keras import layers

out = os.path.join(os.path.dirname(os.path.abspath(__file__)), "keras")
os.makedirs(out, exist_ok=True)


def path(name):
    return os.path.join(out, name)


def sequential():
    m = keras.Sequential([layers.Input((4,)), layers.Dense(8, activation="relu", kernel_regularizer="l2"), layers.Dropout(0.1),
                          layers.BatchNormalization(), layers.Dense(3, activation="softmax")], name="sequential")
    m.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    m.fit(np.zeros((8, 4), "float32"), np.zeros(8, "int32"), verbose=0)
    return m


def functional():
    x = layers.Input((6, 6, 1), name="image")
    h = layers.Conv2D(2, 3, activation="gelu")(x)
    h = layers.Flatten()(layers.MaxPooling2D()(h))
    y = layers.Dense(1, activation="sigmoid")(layers.Concatenate()([h, h]) * 2.0)
    m = keras.Model(x, y, name="functional")
    m.compile(optimizer=keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)),
              loss=keras.losses.BinaryCrossentropy(), metrics=[keras.metrics.AUC()])
    return m


def recurrent():
    return keras.Sequential([layers.Input((5,), dtype="int32"), layers.Embedding(10, 4), layers.Bidirectional(layers.LSTM(3)),
                             layers.Dense(2)], name="recurrent")


for name, m in {"sequential": sequential(), "functional": functional(), "recurrent": recurrent()}.items():
    m.save(path(name + ".keras"))
    m.save(path(name + ".h5"))
sequential().save_weights(path("only.weights.h5"))
with open(path("sequential.json"), "w") as f:
    f.write(sequential().to_json())


@keras.saving.register_keras_serializable(package="example")
class Twice(layers.Layer):
    def call(self, x):
        return x * 2


keras.Sequential([layers.Input((2,)), Twice()], name="custom").save(path("custom.keras"))
m = keras.Sequential([layers.Input((2,)), layers.Lambda(lambda x: x * 2)], name="evil")
m.save(path("evil-lambda.keras"))
m.save(path("evil-lambda.h5"))

# HDF5 without Keras: a compressed array, the format of later releases, and a file beside it.
with h5py.File(path("data.h5"), "w") as f:
    f.create_dataset("g/x", data=np.arange(100.0), compression="gzip", chunks=(10,))
    f["link"] = h5py.SoftLink("/g/x")
    f.attrs["title"] = "example"
with h5py.File(path("latest.h5"), "w", libver="latest") as f:
    f.create_dataset("x", data=np.arange(10, dtype="int16"))
    f.attrs["model_config"] = '{"class_name": "Sequential", "config": {"layers": []}}'
with h5py.File(path("evil-link.h5"), "w") as f:
    f["x"] = h5py.ExternalLink("../other.h5", "/x")
with h5py.File(path("evil-external.h5"), "w") as f:
    f.create_dataset("x", (4,), "u1", external=[("/etc/hostname", 0, 4)])
with h5py.File(path("evil-virtual.h5"), "w", libver="latest") as f:
    layout = h5py.VirtualLayout((4,), "u1")
    layout[:] = h5py.VirtualSource("../other.h5", "x", (4,))
    f.create_virtual_dataset("x", layout)
with h5py.File(path("evil-pickle.h5"), "w") as f:
    f.attrs["object"] = np.bytes_(b"cposix\nsystem\n(S'id'\ntR.")
with h5py.File(path("dense.h5"), "w", libver="latest") as f:
    for i in range(20):
        f.attrs[f"a{i}"] = i
