"""A graph of the TENSAT suite in egret's text form.

    convert.py MODEL.graph.jsonl|MODEL.model > MODEL.egret

MODEL.graph.jsonl is a node a line; MODEL.model is TASO's serialization, four lines a node: number, operator, operands as
number:result, parameters.  Weights become parameters, a fused activation an operator after, SAME padding what TASO's kernels
take on both sides, a split its slices, an average pooling a window's sum times one over its size.  A .model file lists
operands by number, not by place, so an operand's place is found by what it is: weights come last in a convolution, first
in a batch normalization; of two products of data the one that is a product itself comes first.
"""

import json
import sys
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

NAMES = {0: "input", 1: "weight", 3: "conv2d", 4: "dropout", 6: "maxpool", 7: "avgpool", 8: "relu", 9: "sigmoid", 10: "tanh",
         11: "batchnorm", 12: "concat", 13: "split", 14: "reshape", 15: "transpose", 16: "add", 17: "mul", 18: "matmul",
         20: "enlarge", 21: "merge_gconv"}
ACTIVATIONS = {0: "none", 1: "sigmoid", 2: "relu", 3: "tanh"}
MAPS = {"relu": "relu", "sigmoid": "logistic", "tanh": "tanh", "add": "add", "mul": "mul"}


@dataclass
class Node:
    op: str
    operands: list  # (node, result)
    shape: list | None = None  # of leaves and reshapes
    stride: list = field(default_factory=list)
    pad: list = field(default_factory=list)
    kernel: list = field(default_factory=list)
    act: str = "none"
    axis: int = 0
    sizes: list = field(default_factory=list)  # of a split's parts
    perm: list = field(default_factory=list)
    count: int = 0


def read_jsonl(path):
    nodes, outputs = {}, []
    for line in Path(path).read_text().splitlines():
        row = json.loads(line)
        if "outputs" in row:
            outputs = row["outputs"]
            continue
        node = Node(row["op"], [(i, 0) for i in row["ins"]], shape=row["shape"], stride=row.get("stride", []),
                    kernel=row.get("kernel", []), act=row.get("act", "none"), axis=row.get("axis", 0), perm=row.get("perm", []))
        if "pad" in row:
            assert row["pad"] == "same", row
            kernel = node.kernel or nodes[row["ins"][1]].shape[2:]
            node.pad = [(k - 1) // 2 for k in kernel]
        nodes[row["id"]] = node
    return nodes, [(o, 0) for o in outputs]


def read_model(path):
    lines = Path(path).read_text().splitlines()
    nodes = {}
    for at in range(0, len(lines) - len(lines) % 4, 4):
        number, code = int(lines[at]), int(lines[at + 1])
        deps = [tuple(int(n) for n in d.split(":")) for d in lines[at + 2].split(",")]
        given = [int(n) for n in lines[at + 3].split(",")] if lines[at + 3] else []
        op = NAMES[code]
        node = nodes[number] = Node(op, [] if op in ("input", "weight") else deps)
        if op in ("input", "weight", "reshape"):
            node.shape = given
        elif op == "conv2d":
            node.kernel, node.stride, node.act = given[6:8], given[8:10], ACTIVATIONS[given[11]]
            node.pad = given[12:14] if given[10] == 0 else [0, 0]
        elif op in ("maxpool", "avgpool"):
            node.kernel, node.stride, node.act = given[5:7], given[7:9], ACTIVATIONS[given[10]]
            node.pad = given[11:13] if given[9] == 0 else [0, 0]
        elif op == "matmul":
            node.act = ACTIVATIONS[given[0]]
        elif op == "concat":
            node.axis = given[0]
        elif op == "split":
            node.axis, node.sizes = given[0], given[1:]
        elif op == "transpose":  # [rank,] permutation, whether to shuffle the data
            node.perm = given[:-1]
        elif op == "enlarge":
            node.kernel = given[2:]
        elif op == "merge_gconv":
            node.count = given[0]
    read = {dep for node in nodes.values() for dep in node.operands}
    sinks = [(n, 0) for n, node in nodes.items() if node.op not in ("input", "weight", "split") and (n, 0) not in read]
    return nodes, sinks


class Writer:
    def __init__(self, name, nodes, outputs):
        self.nodes, self.outputs = nodes, outputs
        self.lines, self.shapes, self.names, self.constant = [], {}, {}, {}
        self.fresh = 0
        self.head = [f"graph {name}"]
        self.leaves = []

    def emit(self, text, shape):
        name = f"t{self.fresh}"
        self.fresh += 1
        self.lines.append(f"  {name} = {text}")
        self.shapes[name] = list(shape)
        return name

    def splat(self, value, sizes):
        return self.emit(f"splat(value={value!r}, dtype=f32, sizes={list(sizes)})", sizes)

    def activate(self, value, act):
        return value if act == "none" else self.emit(f"{MAPS[act]}({value})", self.shapes[value])

    def part(self, value, axis, start, size):
        shape = self.shapes[value]
        low, high = [0] * len(shape), list(shape)
        low[axis], high[axis] = start, start + size
        return self.emit(f"slice({value}, start={low}, limit={high})", [h - l for l, h in zip(low, high)])

    def pad(self, value, low, high):
        shape = [s + l + h for s, l, h in zip(self.shapes[value], low, high)]
        return self.emit(f"pad({value}, {self.splat(0.0, [])}, low={low}, high={high})", shape)

    def reshape(self, value, sizes):
        return self.emit(f"reshape({value}, sizes={list(sizes)})", sizes)

    def concat(self, values, axis):
        shape = list(self.shapes[values[0]])
        shape[axis] = sum(self.shapes[v][axis] for v in values)
        return self.emit(f"concat({', '.join(values)}, axis={axis})", shape)

    def window(self, op, x, node):
        kernel, stride, pad = ([1, 1] + node.kernel, [1, 1] + node.stride, [0, 0] + node.pad)
        shape = [(s + 2 * p - k) // t + 1 for s, p, k, t in zip(self.shapes[x], pad, kernel, stride)]
        return self.emit(f"{op}({x}, window={kernel}, stride={stride}, low={pad}, high={pad})", shape)

    def conv(self, x, w, node):
        image, weights = self.shapes[x], self.shapes[w]
        groups = image[1] // weights[1]
        assert image[1] == groups * weights[1] and weights[0] % groups == 0, (image, weights)
        space = [(s + 2 * p - k) // t + 1 for s, p, k, t in zip(image[2:], node.pad, weights[2:], node.stride)]
        text = f"conv({x}, {w}, stride={node.stride}, low={node.pad}, high={node.pad}" + (f", groups={groups})" if groups > 1 else ")")
        return self.emit(text, [image[0], weights[0], *space])

    def merged(self, w, count, node):
        """Weights of groups as weights of groups of `count` of them: zeros where a group does not read."""
        o, i, *kernel = self.shapes[w]
        reader = node
        while reader.op != "conv2d":
            reader = next(n for n in self.nodes.values() if any(self.nodes[d[0]] is reader for d in n.operands))
        image = next(d for d in reader.operands if not self.is_constant(d[0]))
        groups = self.shapes[self.value(image)][1] // i
        apart = self.reshape(w, [groups // count, count, o // groups, i, *kernel])
        parts = []
        for j in range(count):
            low, high = [0] * len(self.shapes[apart]), [0] * len(self.shapes[apart])
            low[3], high[3] = j * i, (count - 1 - j) * i
            parts.append(self.pad(self.part(apart, 1, j, 1), low, high))
        return self.reshape(self.concat(parts, 1), [o, i * count, *kernel])

    def is_constant(self, number):
        if number not in self.constant:
            node = self.nodes[number]
            self.constant[number] = node.op == "weight" or (node.op != "input" and all(self.is_constant(d) for d, _ in node.operands))
        return self.constant[number]

    def value(self, ref):
        number, result = ref
        if number not in self.names:
            self.names[number] = self.translate(self.nodes[number], number)
        return self.names[number][result]

    def leaf(self, node, number):
        name = f"{'w' if node.op == 'weight' else 'x'}{number}"
        self.leaves.append((number, f"  {'param ' if node.op == 'weight' else ''}{name}: f32[{','.join(map(str, node.shape))}]"))
        self.shapes[name] = node.shape
        return [name]

    def translate(self, node, number):
        if node.op in ("input", "weight"):
            return self.leaf(node, number)
        if node.op in ("maxpool", "avgpool"):
            x = self.value(next((d for d in node.operands if not self.is_constant(d[0])), node.operands[0]))
            if node.op == "maxpool":
                return [self.activate(self.window("window_max", x, node), node.act)]
            total = self.window("window_sum", x, node)
            shape = self.shapes[total]
            return [self.activate(self.emit(f"mul({total}, {self.splat(1 / prod(node.kernel), shape)})", shape), node.act)]
        if node.op in ("conv2d", "batchnorm"):
            operands = sorted(node.operands, key=lambda d: self.is_constant(d[0]))
        elif node.op == "matmul":
            operands = sorted(node.operands, key=lambda d: (self.is_constant(d[0]), self.nodes[d[0]].op != "matmul"))
        else:
            operands = node.operands
        args = [self.value(d) for d in operands]
        if node.op == "conv2d":
            return [self.activate(self.conv(*args, node), node.act)]
        if node.op == "batchnorm":
            return [self.emit(f"batch_norm({', '.join(args)})", self.shapes[args[0]])]
        if node.op == "matmul":
            a, b = (self.shapes[v] for v in args)
            batch = list(range(len(a) - 2))
            text = f"dot({args[0]}, {args[1]}, " + (f"lb={batch}, rb={batch}, " if batch else "") + f"lc=[{len(a) - 1}], rc=[{len(b) - 2}])"
            return [self.activate(self.emit(text, a[:-1] + b[-1:]), node.act)]
        if node.op == "dropout":
            return args
        if node.op == "concat":
            return [self.concat(args, node.axis)]
        if node.op == "split":
            starts = [sum(node.sizes[:i]) for i in range(len(node.sizes))]
            return [self.part(args[0], node.axis, start, size) for start, size in zip(starts, node.sizes)]
        if node.op == "reshape":
            return [self.reshape(args[0], node.shape)]
        if node.op == "transpose":
            shape = self.shapes[args[0]]
            perm = node.perm[len(node.perm) - len(shape):]
            return [self.emit(f"transpose({args[0]}, perm={perm})", [shape[p] for p in perm])]
        if node.op == "enlarge":
            return [self.enlarged(node, args)]
        if node.op == "merge_gconv":
            return [self.merged(args[0], node.count, node)]
        return [self.emit(f"{MAPS[node.op]}({', '.join(args)})", self.shapes[args[0]])]

    def enlarged(self, node, args):
        """The first of the two weights, with zeros around up to the kernel of the second."""
        kernel = [max(self.shapes[a][i] for a in args) for i in (2, 3)]
        own = next((a for a in args if self.shapes[a][2:] == node.kernel), args[0])
        missing = [k - s for k, s in zip(kernel, self.shapes[own][2:])]
        if not any(missing):
            return own
        low = [0, 0] + [m // 2 for m in missing]
        return self.pad(own, low, [0, 0] + [m - m // 2 for m in missing])

    def needed(self):
        """The nodes that the outputs need, operands first."""
        order, work = {}, [(o[0], False) for o in reversed(self.outputs)]
        while work:
            number, ready = work.pop()
            if ready:
                order[number] = None
            elif number not in order:
                node = self.nodes[number]
                fake = node.op in ("maxpool", "avgpool")  # TASO gives them weights that nothing reads
                data = [d for d in node.operands if not (fake and len(node.operands) > 1 and self.is_constant(d[0]))]
                work.append((number, True))
                work += [(d, False) for d, _ in reversed(data)]
        return order

    def text(self):
        for number in self.needed():
            self.value((number, 0))
        results = [self.value(o) for o in self.outputs]
        leaves = [line for _, line in sorted(self.leaves)]
        return "\n".join(self.head + leaves + self.lines + ["  return " + ", ".join(results)]) + "\n"


def convert(path):
    path = Path(path)
    nodes, outputs = read_jsonl(path) if path.suffix == ".jsonl" else read_model(path)
    return Writer(path.name.split(".")[0].replace("-", "_"), nodes, outputs).text()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print(convert(sys.argv[1]), end="")
