"""Cases for the conformance of operators: a one-operator graph, its inputs, and what somebody else says the result is."""
import re
import zlib

import ml_dtypes
import numpy as np
import onnx
import onnxruntime
from onnx import helper

DTYPES = {"f64": np.float64, "f32": np.float32, "f16": np.float16, "bf16": ml_dtypes.bfloat16, "i64": np.int64,
          "i32": np.int32, "i16": np.int16, "i8": np.int8, "u64": np.uint64, "u32": np.uint32, "u16": np.uint16,
          "u8": np.uint8, "bool": np.bool_}
NAMES = {np.dtype(v): k for k, v in DTYPES.items()}
FLOATS = ("f64", "f32", "f16", "bf16")
TOLERANCE = {"f64": 1e-12, "f32": 2e-6, "f16": 1.5e-3, "bf16": 1.2e-2}  # a few units in the last place

REFERENCE, FAST, DOUBLE, RATIONAL = 1, 2, 4, 8


class Case:
    """`call` is the operator as in the text form over operands a, b, c..; `expected` one array or a list of them.

    Tolerance: None compares floats element by element to a few units in the last place; a number is the largest
    |difference| allowed as a part of the largest |expected|; 0 is bit for bit (NaN equal to NaN).
    `error`: the case must be refused, with this text in the message.  `parts`: the result is a tuple of so many.
    """

    def __init__(self, call, inputs, expected=None, tolerance=None, evaluators=REFERENCE | FAST, error=None,
                 parts=None):
        self.inputs = [np.asarray(x) for x in inputs]
        self.expected = [np.asarray(x) for x in expected] if isinstance(expected, list) else [np.asarray(expected)]
        self.tolerance, self.evaluators, self.error = tolerance, evaluators, error
        letters = "abcdefghijklmnopqrstuvwxyz"
        lines = ["graph g"]
        for letter, x in zip(letters, self.inputs):
            lines.append(f"  {letter}: {type_text(x.dtype, x.shape)}")
        if parts is None:
            lines += [f"  result = {call}", "  return result"]
        else:
            lines.append(f"  whole = {call}")
            lines += [f"  part{i} = get(whole, index={i})" for i in range(parts)]
            lines.append("  return " + ", ".join(f"part{i}" for i in range(parts)))
        self.text = "\n".join(lines) + "\n"
        self.op = re.match(r"\w+", call).group()
        self.name = f"{call} of {', '.join(type_text(x.dtype, x.shape) for x in self.inputs)}"


def type_text(dtype, shape):
    return f"{NAMES[np.dtype(dtype)]}[{','.join(str(n) for n in shape)}]"


def seeded(*key):
    return np.random.default_rng(zlib.crc32(repr(key).encode()))


def values(shape, dtype="f32", key=0):
    """Normal floats, small integers, or bools."""
    random = seeded(tuple(shape), dtype, key)
    if dtype == "bool":
        return random.integers(0, 2, shape).astype(bool)
    if dtype in FLOATS:
        return random.standard_normal(shape).astype(DTYPES[dtype])
    return random.integers(0 if dtype[0] == "u" else -7, 8, shape).astype(DTYPES[dtype])


def shapes(rank):
    """Sizes for one rank: ones, small and different ones, and a zero in the first, middle and last place."""
    if rank == 0:
        return [()]
    sizes = [3, 2, 4, 2, 3][:rank]
    result = [(1,) * rank, tuple(sizes), tuple(1 if i % 2 else n for i, n in enumerate(sizes))]
    for place in {0, rank // 2, rank - 1}:
        result.append(tuple(0 if i == place else n for i, n in enumerate(sizes)))
    return result


def all_shapes(lowest=0, highest=5):
    return [shape for rank in range(lowest, highest + 1) for shape in shapes(rank)]


def subsets(rank):
    """Some sets of axes: none, each alone, all, and a reversed pair."""
    result = [()] + [(i,) for i in range(rank)]
    if rank > 1:
        result += [tuple(range(rank)), (rank - 1, 0)]
    return list(dict.fromkeys(result))


def text(items):
    return "[" + ",".join(str(int(x)) for x in items) + "]"


def ort(op_type, inputs, outputs=1, opset=20, **attrs):
    """onnxruntime on a model of one node."""
    inputs = [np.asarray(x) for x in inputs]
    names = [f"x{i}" for i in range(len(inputs))]
    results = [f"y{i}" for i in range(outputs)]
    node = helper.make_node(op_type, names, results, **attrs)
    types = [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
             for n, x in zip(names, inputs)]
    graph = helper.make_graph([node], "g", types, [helper.make_empty_tensor_value_info(r) for r in results])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    model = onnx.shape_inference.infer_shapes(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    found = session.run(None, dict(zip(names, inputs)))
    return found[0] if outputs == 1 else found
