"""Write the names that come with TensorFlow and Keras, which need no code of
somebody else: pkg/scan/modelfile/{tfops,kerasnames}.txt.

    pip install tensorflow-cpu==2.21.0 keras==3.15.1
    python make_names.py ../../pkg/scan/modelfile
"""
import inspect
import os
import sys

import keras
import tensorflow as tf
from tensorflow.python.framework import op_def_registry

out = sys.argv[1]
ops = set()
for name in dir(tf.raw_ops):
    if not name.startswith("_") and op_def_registry.get(name) is not None:
        ops.add(name)
# Ops that the public interface leaves out.
for name in ("_Arg", "_Retval", "_ArrayToList", "_ListToArray", "_FusedMatMul", "_FusedConv2D", "_HostCast", "_Send", "_Recv",
             "_HostSend", "_HostRecv", "_If", "_While", "_EagerConst", "_FusedBatchNormEx", "_UnaryOpsComposition",
             "_DeviceArg", "_DeviceRetval", "_ParallelConcatStart", "_ParallelConcatUpdate", "_NcclReduceSend",
             "_VarHandlesOp", "_ReadVariablesOp"):
    ops.add(name)
with open(os.path.join(out, "tfops.txt"), "w") as f:
    f.write("\n".join(sorted(ops)) + "\n")

names = set()
rooms = [keras.layers, keras.initializers, keras.regularizers, keras.constraints, keras.optimizers,
         keras.optimizers.schedules, keras.losses, keras.metrics, keras.models, keras.dtype_policies, keras.random,
         keras.quantizers]
for room in rooms:
    for name, value in vars(room).items():
        if inspect.isclass(value):
            names.add(name)
with open(os.path.join(out, "kerasnames.txt"), "w") as f:
    f.write("\n".join(sorted(names)) + "\n")
