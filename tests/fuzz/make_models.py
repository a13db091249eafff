#!/usr/bin/env python3
"""Small ONNX models for the fuzzer to start from: every kind of message, each operator family with what its reader must
decode from tensors and attributes.  Writes FOLDER/*.onnx, each of a few hundred bytes."""
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

F = TensorProto.FLOAT


def value(name, shape, element=F):
    return helper.make_tensor_value_info(name, element, shape)


def node(op, inputs, outputs="y", **attributes):
    return helper.make_node(op, inputs.split(), outputs.split(), **attributes)


def const(name, array):
    return numpy_helper.from_array(np.asarray(array), name)


def ints(name, *values):
    return const(name, np.array(values, np.int64))


def floats(name, *shape):
    count = int(np.prod(shape, dtype=np.int64))
    return const(name, (np.arange(count, dtype=np.float32) / 7 - 0.5).reshape(shape))


def model(nodes, inputs, outputs=(("y", None),), initializers=(), opset=21, functions=(), values=()):
    graph = helper.make_graph(nodes, "g", [value(*i) for i in inputs], [value(*o) for o in outputs], list(initializers),
                              value_info=[value(*v) for v in values])
    opsets = [helper.make_opsetid("", opset)] + [helper.make_opsetid(d, 1) for d in sorted({f.domain for f in functions})]
    return helper.make_model(graph, opset_imports=opsets, functions=list(functions), ir_version=10)


def branch(op):
    return helper.make_graph([node(op, "x", "z")], op, [], [value("z", [2, 3])])


def models():
    x = ("x", [2, 3])
    image = ("x", [1, 4, 6, 6])
    yield "maps", model([node("Relu", "x", "a"), node("Mul", "a x", "b"), node("Gelu", "b", "c"), node("Cast", "c", "y", to=TensorProto.FLOAT16)], [x])
    yield "broadcast", model([node("Add", "x w", "a"), node("Expand", "a s", "y")], [x], initializers=[floats("w", 3), ints("s", 4, 2, 3)])
    yield "open", model([node("Shape", "open_x", "s"), node("Gather", "s i", "n"), node("Unsqueeze", "n a", "u"), node("Concat", "u m", "t", axis=0),
                         node("Reshape", "open_x t")], [("open_x", ["batch", 6])],
                        initializers=[const("i", np.int64(0)), ints("a", 0), ints("m", 2, 3)])
    yield "conv", model([node("Conv", "x w b", "a", kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2], group=2),
                         node("BatchNormalization", "a s s s v", "c"), node("MaxPool", "c", kernel_shape=[2, 2], auto_pad="SAME_UPPER")],
                        [image], initializers=[floats("w", 4, 2, 3, 3), floats("b", 4), floats("s", 4), const("v", np.ones(4, np.float32))])
    yield "transposed", model([node("ConvTranspose", "x w", strides=[2, 2], output_padding=[1, 1], dilations=[1, 1])], [image], initializers=[floats("w", 4, 2, 3, 3)])
    yield "pools", model([node("AveragePool", "x", "a", kernel_shape=[3, 3], count_include_pad=1, pads=[1, 1, 1, 1]), node("GlobalMaxPool", "a", "b"),
                          node("LRN", "b", size=3)], [image])
    yield "products", model([node("MatMul", "x w", "a"), node("Gemm", "a v c", "b", transB=1, alpha=0.5), node("Einsum", "b w", equation="ij,jk->ik")],
                            [x], initializers=[floats("w", 3, 4), floats("v", 3, 4), floats("c", 3)])
    yield "normalization", model([node("LayerNormalization", "x s b", "a", axis=-1), node("Softmax", "a", "c", axis=1), node("LogSoftmax", "c")], [x],
                                 initializers=[floats("s", 3), floats("b", 3)])
    yield "reductions", model([node("ReduceMean", "x a", "b", keepdims=1), node("ReduceL2", "b", "c", keepdims=0), node("ArgMax", "x", "d", axis=1)],
                              [x], [("c", None), ("d", None)], [ints("a", 1)])
    yield "slices", model([node("Slice", "x b e a s", "c"), node("Pad", "c p v", "d", mode="constant"), node("Split", "d", "y z", axis=1, num_outputs=2)],
                          [x], [("y", None), ("z", None)], [ints("b", -1, 0), ints("e", -9, 9), ints("a", 0, 1), ints("s", -1, 2), ints("p", 0, 1, 1, 1), const("v", np.float32(2))])
    yield "indices", model([node("Gather", "x i", "a", axis=1), node("GatherElements", "x j", "b", axis=0), node("ScatterND", "x k u", "c"), node("OneHot", "i d o", "e")],
                           [x], [("a", None), ("b", None), ("c", None), ("e", None)],
                           [ints("i", 0, -1), const("j", np.zeros((1, 3), np.int64)), const("k", np.array([[1]], np.int64)), floats("u", 1, 3), const("d", np.int64(5)), floats("o", 2)])
    yield "resize", model([helper.make_node("Resize", ["x", "", "s"], ["y"], mode="linear", coordinate_transformation_mode="half_pixel")], [image],
                          initializers=[const("s", np.array([1, 1, 2, 1.5], np.float32))])
    yield "resize_sizes", model([helper.make_node("Resize", ["x", "", "", "n"], ["y"], mode="cubic", axes=[2, 3])], [image], initializers=[ints("n", 3, 7)])
    yield "shapes", model([node("Flatten", "x", "a"), node("Squeeze", "a", "b"), node("Tile", "b r", "c"), node("DepthToSpace", "d", "e", blocksize=2), node("Transpose", "e", "f", perm=[0, 2, 3, 1])],
                          [("x", [1, 2, 3]), ("d", [1, 4, 2, 2])], [("c", None), ("f", None)], [ints("r", 2)])
    yield "made", model([node("ConstantOfShape", "s", "a", value=helper.make_tensor("v", F, [1], [0.5])), node("Less", "x a", "q"),
                         node("Where", "q a x")], [x], initializers=[ints("s", 2, 3)])
    yield "constants", model([node("Constant", "", "a", value_floats=[1.0, 2.0, 3.0]), node("Constant", "", "b", value_int=2), node("Cast", "b", "c", to=F), node("Mul", "a c", "d"),
                              node("Add", "x d")], [x])
    yield "condition", model([node("Constant", "", "c", value=const("t", np.bool_(True))), helper.make_node("If", ["c"], ["y"], then_branch=branch("Relu"), else_branch=branch("Neg"))], [x])
    call = helper.make_function("own", "Twice", ["a"], ["b"], [node("Add", "a a", "b")], [helper.make_opsetid("", 21)])
    yield "function", model([helper.make_node("Twice", ["x"], ["y"], domain="own")], [x], functions=[call])
    yield "recurrent", model([node("LSTM", "x w r", "y h", hidden_size=2)], [("x", [3, 1, 2])], [("y", None), ("h", None)], [floats("w", 1, 8, 2), floats("r", 1, 8, 2)])
    yield "unknown", model([helper.make_node("Mystery", ["x"], ["a"], domain="com.vendor", level=3), node("Relu", "a")], [x], [("y", [2, 3])],
                           values=[("a", [2, 3])])
    old = model([node("Clip", "x", "a", min=0.0, max=6.0), node("Dropout", "a", "b"), node("Unsqueeze", "b", "c", axes=[0]), node("Upsample", "c", mode="nearest", scales=[1.0, 2.0, 2.0])], [x], opset=8)
    yield "old", old
    raw = model([node("Add", "x w")], [x], initializers=[helper.make_tensor("w", TensorProto.FLOAT, [3], [1.0, 2.0, 3.0])])
    yield "typed", raw


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for name, made in models():
        onnx.save(made, folder / f"{name}.onnx")
        count += 1
    print(f"{count} models")


if __name__ == "__main__":
    main()
