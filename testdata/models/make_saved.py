"""Write SavedModels as whole folders in tensorflow/, and TFLite files beside
them.

    pip install tensorflow-cpu==2.21.0 keras==3.15.1 numpy
    python make_saved.py
"""
import os
import shutil

import numpy as np
import tensorflow as tf

out = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tensorflow")
shutil.rmtree(out, ignore_errors=True)
os.makedirs(out)
tf.keras.utils.set_random_seed(0)


def path(name):
    return os.path.join(out, name)


class Dense(tf.Module):
    def __init__(self):
        self.w = tf.Variable(tf.ones((4, 3)), name="w")
        self.b = tf.Variable(tf.zeros(3), name="b")

    @tf.function(input_signature=[tf.TensorSpec((None, 4), tf.float32)])
    def __call__(self, x):
        return tf.nn.softmax(tf.matmul(x, self.w) + self.b)


class Words(tf.Module):
    """Looks words up in a file of assets."""

    def __init__(self, file):
        self.table = tf.lookup.StaticVocabularyTable(tf.lookup.TextFileInitializer(
            file, tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER), 1)

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string)])
    def __call__(self, x):
        return self.table.lookup(tf.strings.lower(x))


dense = Dense()
tf.saved_model.save(dense, path("module"), signatures=dense.__call__)
layers = tf.keras.layers
mlp = tf.keras.Sequential([layers.Input((4,)), layers.Dense(3, activation="relu"), layers.BatchNormalization(), layers.Dense(2)])
mlp.export(path("keras"), verbose=False)
image = tf.keras.Sequential([layers.Input((6, 6, 1)), layers.Conv2D(2, 3, activation="relu"), layers.GlobalAveragePooling2D(), layers.Dense(2)])
image.export(path("image"), verbose=False)
text = tf.keras.Sequential([layers.Input((5,), dtype="int32"), layers.Embedding(10, 4), layers.LSTM(3), layers.Dense(1)])
text.export(path("recurrent"), verbose=False)

# As TensorFlow 1 wrote it: a graph, a session, and no objects.
with tf.Graph().as_default(), tf.compat.v1.Session() as session:
    x = tf.compat.v1.placeholder(tf.float32, (None, 4), "x")
    w = tf.compat.v1.get_variable("w", (4, 2), initializer=tf.compat.v1.zeros_initializer(), use_resource=False)
    y = tf.matmul(x, w, name="y")
    session.run(tf.compat.v1.global_variables_initializer())
    tf.compat.v1.saved_model.simple_save(session, path("session"), {"x": x}, {"y": y})


def convert(name, converter, **options):
    for key, value in options.items():
        setattr(converter, key, value)
    with open(path(name), "wb") as f:
        f.write(converter.convert())


def samples():
    for _ in range(8):
        yield [np.random.default_rng(0).standard_normal((1, 6, 6, 1), dtype=np.float32)]


lite = tf.lite.TFLiteConverter.from_keras_model
convert("mlp.tflite", lite(mlp))
convert("image.tflite", lite(image))
convert("image-int8.tflite", lite(image), optimizations=[tf.lite.Optimize.DEFAULT], representative_dataset=samples,
        target_spec=tf.lite.TargetSpec(supported_ops=[tf.lite.OpsSet.TFLITE_BUILTINS_INT8]),
        inference_input_type=tf.int8, inference_output_type=tf.int8)
convert("image-float16.tflite", lite(image), optimizations=[tf.lite.Optimize.DEFAULT],
        target_spec=tf.lite.TargetSpec(supported_types=[tf.float16]))
convert("recurrent.tflite", tf.lite.TFLiteConverter.from_saved_model(path("recurrent")),
        target_spec=tf.lite.TargetSpec(supported_ops=[tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]))
convert("module.tflite", tf.lite.TFLiteConverter.from_saved_model(path("module")))
os.chdir(out)
with open("vocabulary.txt", "w") as f:
    f.write("fox\ndog\n")
tf.saved_model.save(Words("vocabulary.txt"), "words")
os.remove("vocabulary.txt")
# Weights alone, as a training run leaves them.
mlp.save_weights(path("mlp.weights.h5"))
tf.train.Checkpoint(dense=dense).write(path("checkpoint"))
