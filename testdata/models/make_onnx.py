"""Write small ONNX models in onnx/.

    pip install onnx==1.23.2 numpy
    python make_onnx.py
"""
import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

out = os.path.join(os.path.dirname(os.path.abspath(__file__)), "onnx")
os.makedirs(out, exist_ok=True)
rng = np.random.default_rng(0)


def weight(name, *shape):
    return numpy_helper.from_array(rng.standard_normal(shape, dtype=np.float32), name)


def mlp(weights):
    nodes = [
        helper.make_node("Gemm", ["x", "w1", "b1"], ["h"]),
        helper.make_node("Relu", ["h"], ["a"]),
        helper.make_node("Gemm", ["a", "w2", "b2"], ["y"]),
        helper.make_node("Softmax", ["y"], ["p"], axis=-1),
    ]
    graph = helper.make_graph(
        nodes, "mlp",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])],
        [helper.make_tensor_value_info("p", TensorProto.FLOAT, ["n", 3])],
        weights,
    )
    model = helper.make_model(graph, producer_name="example", producer_version="1.0",
                              opset_imports=[helper.make_opsetid("", 17)])
    onnx.checker.check_model(model)
    return model


def weights():
    return [weight("w1", 4, 8), weight("b1", 8), weight("w2", 8, 3), weight("b2", 3)]


def save(model, name, **options):
    onnx.save(model, os.path.join(out, name), **options)


model = mlp(weights())
helper.set_model_props(model, {"license": "apache-2.0"})
save(model, "mlp.onnx")

# Weights in a file beside it.
if os.path.exists(os.path.join(out, "outside.bin")):
    os.remove(os.path.join(out, "outside.bin"))
save(mlp(weights()), "outside.onnx", save_as_external_data=True, location="outside.bin", size_threshold=0)

# Half precision, and numbers not as raw bytes.
half = [numpy_helper.from_array(np.zeros(3, np.float16), "c"), helper.make_tensor("d", TensorProto.FLOAT, [2, 2], [1, 2, 3, 4])]
graph = helper.make_graph([helper.make_node("Identity", ["c"], ["y"]), helper.make_node("Identity", ["d"], ["z"])], "half", [],
                          [helper.make_tensor_value_info("y", TensorProto.FLOAT16, [3]),
                           helper.make_tensor_value_info("z", TensorProto.FLOAT, [2, 2])], half)
save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]), "half.onnx")

# A branch with graphs in attributes.
branch = [helper.make_graph([helper.make_node("Constant", [], [f"o{i}"], value=numpy_helper.from_array(np.array([i], np.int64)))],
                            f"b{i}", [], [helper.make_tensor_value_info(f"o{i}", TensorProto.INT64, [1])]) for i in range(2)]
graph = helper.make_graph([helper.make_node("If", ["c"], ["y"], then_branch=branch[0], else_branch=branch[1])], "if",
                          [helper.make_tensor_value_info("c", TensorProto.BOOL, [])],
                          [helper.make_tensor_value_info("y", TensorProto.INT64, [1])])
save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), "branch.onnx")

# A function of its own, in a domain of its own, as exporters write them.
function = helper.make_function("pkg.example", "Twice", ["a"], ["b"], [helper.make_node("Add", ["a", "a"], ["b"])],
                                [helper.make_opsetid("", 17)])
graph = helper.make_graph([helper.make_node("Twice", ["x"], ["y"], domain="pkg.example")], "function",
                          [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
                          [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])])
save(helper.make_model(graph, functions=[function], opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("pkg.example", 1)]),
     "function.onnx")

# Classical learning: ai.onnx.ml.
graph = helper.make_graph([helper.make_node("Scaler", ["x"], ["y"], domain="ai.onnx.ml", offset=[0.5], scale=[2.0])], "scaler",
                          [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1])],
                          [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1])])
save(helper.make_model(graph, opset_imports=[helper.make_opsetid("ai.onnx.ml", 3), helper.make_opsetid("", 17)]), "scaler.onnx")

# A sparse weight.
values = numpy_helper.from_array(np.array([1, 2], np.float32), "s")
indices = numpy_helper.from_array(np.array([1, 5], np.int64), "i")
graph = helper.make_graph([helper.make_node("Identity", ["s"], ["y"])], "sparse", [],
                          [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 3])],
                          sparse_initializer=[helper.make_sparse_tensor(values, indices, [2, 3])])
save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), "sparse.onnx")
