"""Writes forward and backward of a residual bottleneck with batch norm in training mode, as a text program.

    .deps/venv/bin/python experiments/fusion/resnet_step.py [BATCH [WIDTH [SIDE]]] > resnet_step.egret

x [batch, 4 width, side, side] -> 1x1 to width, 3x3, 1x1 to 4 width, each with its norm, relu between, the input added; the gradient
of the result is an input.  Results: y, the gradient of x, those of all parameters.  (32, 64, 56) is the first stage of ResNet-50.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "suites"))
from training_step import Writer  # noqa: E402

EPSILON = 1e-5


class Block:
    def __init__(self, batch, width, side):
        self.w, self.batch, self.side = Writer(), batch, side
        self.count = batch * side * side
        self.grads = []
        w = self.w
        x = w.input("x", (batch, 4 * width, side, side))
        given = w.input("g", (batch, 4 * width, side, side))
        shapes = [(width, 4 * width, 1), (width, width, 3), (4 * width, width, 1)]
        weights = [w.input(f"w{i}", (o, c, k, k), "param ") for i, (o, c, k) in enumerate(shapes)]
        scales = [(w.input(f"gamma{i}", (o,), "param "), w.input(f"beta{i}", (o,), "param ")) for i, (o, c, k) in enumerate(shapes)]
        saved, h = [], x
        for i, (o, c, k) in enumerate(shapes):
            y = self.conv("conv", h, weights[i], k, (batch, o, side, side))
            n, keep = self.norm(y, *scales[i])
            saved.append((h, n, keep))
            h = self.relu(n) if i < 2 else n
        total = w.map("add", h, x)
        self.out = [self.relu(total)]
        grad = self.relu_back(total, given)
        around = grad
        for i in (2, 1, 0):
            h, n, keep = saved[i]
            if i < 2:
                grad = self.relu_back(n, grad)
            grad = self.norm_back(grad, keep, scales[i][0])
            o, c, k = shapes[i]
            self.grads.append(self.conv("conv_dw", h, grad, k, w.sizes[weights[i]], f", sizes={[k, k]}"))
            grad = self.conv("conv_dx", grad, weights[i], k, w.sizes[h], f", sizes={[side, side]}")
        self.out += [w.map("add", grad, around), *self.grads]

    def conv(self, op, a, b, k, sizes, more=""):
        pad = [k // 2, k // 2]
        high = f", high={pad}" if op == "conv" else ""
        return self.w.put(f"{op}({a}, {b}, stride=[1, 1], low={pad}{high}{more})", sizes)

    def channel(self, v, like):
        return self.w.broadcast(v, [1], self.w.sizes[like])

    def mean(self, x):
        return self.w.scaled(self.w.reduced("reduce_sum", x, [0, 2, 3]), 1 / self.count)

    def relu(self, x):
        return self.w.map("max", x, self.w.splat(0.0, self.w.sizes[x]))

    def relu_back(self, x, grad):
        positive = self.w.put(f"gt({x}, {self.w.splat(0.0, self.w.sizes[x])})", self.w.sizes[x])
        return self.w.put(f"select({positive}, {grad}, {self.w.splat(0.0, self.w.sizes[x])})", self.w.sizes[x])

    def norm(self, x, gamma, beta):
        w = self.w
        centred = w.map("sub", x, self.channel(self.mean(x), x))
        inverse = w.map("rsqrt", w.shifted(self.mean(w.map("mul", centred, centred)), EPSILON))
        unit = w.map("mul", centred, self.channel(inverse, x))
        return w.map("add", w.map("mul", unit, self.channel(gamma, x)), self.channel(beta, x)), (unit, inverse)

    def norm_back(self, grad, keep, gamma):
        w = self.w
        unit, inverse = keep
        d_gamma, d_beta = w.reduced("reduce_sum", w.map("mul", grad, unit), [0, 2, 3]), w.reduced("reduce_sum", grad, [0, 2, 3])
        self.grads += [d_gamma, d_beta]
        centred = w.map("sub", grad, self.channel(w.scaled(d_beta, 1 / self.count), grad))
        along = w.map("mul", unit, self.channel(w.scaled(d_gamma, 1 / self.count), grad))
        factor = self.channel(w.map("mul", gamma, inverse), grad)
        return w.map("mul", w.map("sub", centred, along), factor)


def main():
    sizes = [int(a) for a in sys.argv[1:]] + [32, 64, 56][len(sys.argv) - 1:]
    block = Block(*sizes)
    print("graph resnet_step")
    for line in block.w.inputs + block.w.lines:
        print("  " + line)
    print("  return " + ", ".join(block.out))


if __name__ == "__main__":
    main()
