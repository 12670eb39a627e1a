"""Write small TensorFlow models in saved-model/ and lite/. "evil" ones reach a
file when they are called.

    pip install tensorflow-cpu==2.21.0
    python make_tensorflow.py
"""
import os
import shutil
import tempfile

import tensorflow as tf

here = os.path.dirname(os.path.abspath(__file__))
saved, lite = os.path.join(here, "saved-model"), os.path.join(here, "lite")
for folder in (saved, lite):
    os.makedirs(folder, exist_ok=True)


def keep(module, name, signatures=None):
    """Keep what says what the model does; the weights are no part of it."""
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures=signatures)
        shutil.copy(os.path.join(folder, "saved_model.pb"), os.path.join(saved, name + ".pb"))
        shutil.copy(os.path.join(folder, "fingerprint.pb"), os.path.join(saved, "fingerprint.pb"))


class Dense(tf.Module):
    def __init__(self):
        self.w = tf.Variable(tf.ones((4, 3)), name="w")
        self.b = tf.Variable(tf.zeros(3), name="b")

    @tf.function(input_signature=[tf.TensorSpec((None, 4), tf.float32)])
    def __call__(self, x):
        return tf.nn.softmax(tf.matmul(x, self.w) + self.b)


class Loop(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec((), tf.int32)])
    def __call__(self, n):
        return tf.while_loop(lambda i: i < n, lambda i: (tf.cond(i > 3, lambda: i + 2, lambda: i + 1),), [0])[0]


class Words(tf.Module):
    def __init__(self):
        self.table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a", "b"], [1, 2]), 0)

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string)])
    def __call__(self, x):
        return self.table.lookup(tf.strings.lower(x))


class Reads(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec((), tf.string)])
    def __call__(self, x):
        return tf.io.read_file(tf.strings.join([x, "/etc/hostname"]))


class Writes(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec((), tf.string)])
    def __call__(self, x):
        tf.io.write_file("/tmp/example", x)
        return x


class Python(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec((), tf.float32)])
    def __call__(self, x):
        return tf.py_function(lambda v: v * 2, [x], tf.float32) + tf.numpy_function(lambda v: v, [x], tf.float32)


dense = Dense()
keep(dense, "dense", dense.__call__)
keep(Loop(), "loop")
keep(Words(), "words")
keep(Reads(), "evil-read")
keep(Writes(), "evil-write")
keep(Python(), "evil-python")

from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

frozen = convert_variables_to_constants_v2(dense.__call__.get_concrete_function())
with open(os.path.join(saved, "frozen.pb"), "wb") as f:
    f.write(frozen.graph.as_graph_def().SerializeToString())

m = tf.keras.Sequential([tf.keras.layers.Input((4,)), tf.keras.layers.Dense(3, activation="relu"), tf.keras.layers.Dense(2)])
with tempfile.TemporaryDirectory() as folder:
    m.export(folder, verbose=False)
    shutil.copy(os.path.join(folder, "saved_model.pb"), os.path.join(saved, "keras.pb"))


def convert(name, module, **options):
    c = tf.lite.TFLiteConverter.from_concrete_functions([module.__call__.get_concrete_function()], module)
    for key, value in options.items():
        setattr(c, key, value)
    with open(os.path.join(lite, name), "wb") as f:
        f.write(c.convert())


convert("dense.tflite", dense)
convert("quantised.tflite", dense, optimizations=[tf.lite.Optimize.DEFAULT])
convert("loop.tflite", Loop())


class Flex(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec((2, 2), tf.float32)])
    def __call__(self, x):
        return tf.linalg.inv(x)


convert("flex.tflite", Flex(), target_spec=tf.lite.TargetSpec(
    supported_ops=[tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]))
