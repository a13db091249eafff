"""Writes a training step as a text program: forward, backward and Adam of one transformer block.

    .deps/venv/bin/python experiments/suites/training_step.py > experiments/suites/training_step.egret

The block is pre-norm with causal attention and a tanh-gelu MLP; the loss is the mean squared error.  Gradients are
written by hand from primitive operators.  Parameters, Adam's moments and the step number are `param` inputs (not frozen)
whose new values alias them.
"""

import argparse
import math
import sys


class Writer:
    """Statements with the sizes of their results; every method adds one statement and returns its name."""

    def __init__(self):
        self.inputs, self.lines, self.sizes, self.count = [], [], {}, 0

    def input(self, name, sizes, role=""):
        self.inputs.append(f"{role}{name}: f32[{','.join(map(str, sizes))}]")
        self.sizes[name] = tuple(sizes)
        return name

    def put(self, call, sizes, name=None):
        self.count += 1
        name = name or f"t{self.count}"
        self.lines.append(f"{name} = {call}")
        self.sizes[name] = tuple(sizes)
        return name

    def map(self, op, *operands, name=None):
        sizes = {self.sizes[o] for o in operands}
        assert len(sizes) == 1, (op, operands, sizes)
        return self.put(f"{op}({', '.join(operands)})", sizes.pop(), name)

    def splat(self, value, sizes):
        return self.put(f"splat(value={value!r}, dtype=f32, sizes={list(sizes)})", sizes)

    def scaled(self, x, factor):
        return self.map("mul", x, self.splat(factor, self.sizes[x]))

    def shifted(self, x, amount):
        return self.map("add", x, self.splat(amount, self.sizes[x]))

    def dot(self, a, b, lc, rc, lb=(), rb=(), name=None):
        sa, sb = self.sizes[a], self.sizes[b]
        sizes = [sa[i] for i in lb]
        sizes += [s for i, s in enumerate(sa) if i not in lb and i not in lc]
        sizes += [s for i, s in enumerate(sb) if i not in rb and i not in rc]
        batch = f"lb={list(lb)}, rb={list(rb)}, " if lb else ""
        return self.put(f"dot({a}, {b}, {batch}lc={list(lc)}, rc={list(rc)})", sizes, name)

    def reduced(self, op, x, axes):
        sizes = [s for i, s in enumerate(self.sizes[x]) if i not in axes]
        return self.put(f"{op}({x}, axes={list(axes)})", sizes)

    def broadcast(self, x, dims, sizes):
        """x's axes at `dims` of `sizes`."""
        new = [s for i, s in enumerate(sizes) if i not in dims]
        return self.put(f"broadcast({x}, dims={list(dims)}, sizes={new})", sizes)

    def along_last(self, x, sizes):  # x lacks the last axis
        return self.broadcast(x, range(len(sizes) - 1), sizes)

    def each_row(self, x, sizes):  # x has the last axis only
        return self.broadcast(x, [len(sizes) - 1], sizes)

    def reshape(self, x, sizes):
        return self.put(f"reshape({x}, sizes={list(sizes)})", sizes)

    def transpose(self, x, perm):
        return self.put(f"transpose({x}, perm={list(perm)})", [self.sizes[x][p] for p in perm])


class Step:
    def __init__(self, batch=2, length=32, width=64, heads=2, rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8):
        self.w = Writer()
        self.batch, self.length, self.width, self.heads = batch, length, width, heads
        self.rate, self.beta1, self.beta2, self.epsilon = rate, beta1, beta2, epsilon
        self.norm_epsilon = 1e-5
        d = width
        self.parameters = {"g1": (d,), "b1": (d,), "wq": (d, d), "bq": (d,), "wk": (d, d), "bk": (d,), "wv": (d, d),
                           "bv": (d,), "wo": (d, d), "bo": (d,), "g2": (d,), "b2": (d,), "wu": (d, 4 * d),
                           "bu": (4 * d,), "wd": (4 * d, d), "bd": (d,)}
        self.gradients = {}

    # Forward and backward of the parts; the backward parts take the gradient of the result.

    def linear(self, x, weight, bias):
        y = self.w.dot(x, weight, [2], [0])
        return self.w.map("add", y, self.w.each_row(bias, self.w.sizes[y]))

    def linear_back(self, x, weight, bias, dy):
        self.gradients[weight] = self.w.dot(x, dy, [0, 1], [0, 1])
        self.gradients[bias] = self.w.reduced("reduce_sum", dy, [0, 1])
        return self.w.dot(dy, weight, [2], [1])

    def norm(self, x, scale, bias):
        return self.w.put(f"layer_norm({x}, {scale}, {bias}, axis=2, epsilon={self.norm_epsilon!r})", self.w.sizes[x])

    def norm_back(self, x, scale, bias, dy):
        w, sizes = self.w, self.w.sizes[x]
        centred = w.map("sub", x, w.along_last(w.reduced("mean", x, [2]), sizes))
        inverse = w.map("rsqrt", w.shifted(w.reduced("mean", w.map("square", centred), [2]), self.norm_epsilon))
        unit = w.map("mul", centred, w.along_last(inverse, sizes))
        self.gradients[scale] = w.reduced("reduce_sum", w.map("mul", dy, unit), [0, 1])
        self.gradients[bias] = w.reduced("reduce_sum", dy, [0, 1])
        du = w.map("mul", dy, w.each_row(scale, sizes))
        mean = w.along_last(w.reduced("mean", du, [2]), sizes)
        mean_unit = w.along_last(w.reduced("mean", w.map("mul", du, unit), [2]), sizes)
        rest = w.map("sub", w.map("sub", du, mean), w.map("mul", unit, mean_unit))
        return w.map("mul", rest, w.along_last(inverse, sizes))

    def heads_of(self, x):
        each = self.width // self.heads
        return self.w.transpose(self.w.reshape(x, [self.batch, self.length, self.heads, each]), [0, 2, 1, 3])

    def heads_back(self, x):
        return self.w.reshape(self.w.transpose(x, [0, 2, 1, 3]), [self.batch, self.length, self.width])

    def masked(self, scores):
        """Scores of later positions are -inf."""
        w, sizes = self.w, self.w.sizes[scores]
        row = w.put(f"iota(axis=2, dtype=i32, sizes={list(sizes)})", sizes)
        column = w.put(f"iota(axis=3, dtype=i32, sizes={list(sizes)})", sizes)
        seen = w.map("ge", row, column)
        return w.map("select", seen, scores, w.put(f"splat(value=-inf, dtype=f32, sizes={list(sizes)})", sizes))

    def attention(self, q, k, v):
        w, scale = self.w, 1 / math.sqrt(self.width // self.heads)
        scores = self.masked(w.scaled(w.dot(q, k, [3], [3], [0, 1], [0, 1]), scale))
        p = w.put(f"softmax({scores}, axis=3)", w.sizes[scores])
        self.saved = (q, k, v, p, scale)
        return w.dot(p, v, [3], [2], [0, 1], [0, 1])

    def attention_back(self, dy):
        w = self.w
        q, k, v, p, scale = self.saved
        dv = w.dot(p, dy, [2], [2], [0, 1], [0, 1])
        dp = w.dot(dy, v, [3], [3], [0, 1], [0, 1])
        weighted = w.along_last(w.reduced("reduce_sum", w.map("mul", dp, p), [3]), w.sizes[p])
        ds = w.scaled(w.map("mul", p, w.map("sub", dp, weighted)), scale)  # 0 where the mask hides: p is 0 there
        return w.dot(ds, k, [3], [2], [0, 1], [0, 1]), w.dot(ds, q, [2], [2], [0, 1], [0, 1]), dv

    def gelu_back(self, u, dy):
        w, c = self.w, math.sqrt(2 / math.pi)
        square = w.map("square", u)
        inner = w.scaled(w.map("add", u, w.scaled(w.map("mul", square, u), 0.044715)), c)
        t = w.map("tanh", inner)
        slope = w.scaled(w.shifted(w.scaled(square, 3 * 0.044715), 1.0), c)
        outer = w.map("sub", w.splat(1.0, w.sizes[u]), w.map("square", t))
        curve = w.map("mul", w.map("mul", u, outer), slope)
        return w.map("mul", dy, w.scaled(w.map("add", w.shifted(t, 1.0), curve), 0.5))

    # The block.

    def forward(self, x):
        """The block's result for x; what backward() reads is kept."""
        w = self.w
        h1 = self.norm(x, "g1", "b1")
        q, k, v = (self.heads_of(self.linear(h1, f"w{p}", f"b{p}")) for p in "qkv")
        context = self.heads_back(self.attention(q, k, v))
        r1 = w.map("add", x, self.linear(context, "wo", "bo"))
        h2 = self.norm(r1, "g2", "b2")
        u = self.linear(h2, "wu", "bu")
        a = w.map("gelu_tanh", u)
        self.kept = (x, h1, context, r1, h2, u, a)
        return w.map("add", r1, self.linear(a, "wd", "bd"), name="y")

    def backward(self, dy):
        """The gradient of x; those of the parameters are in `gradients`."""
        w = self.w
        x, h1, context, r1, h2, u, a = self.kept
        du = self.gelu_back(u, self.linear_back(a, "wd", "bd", dy))
        dr1 = w.map("add", dy, self.norm_back(r1, "g2", "b2", self.linear_back(h2, "wu", "bu", du)))
        dcontext = self.linear_back(context, "wo", "bo", dr1)
        parts = [self.heads_back(d) for d in self.attention_back(self.heads_of(dcontext))]
        dh1 = [self.linear_back(h1, f"w{p}", f"b{p}", d) for p, d in zip("qkv", parts)]
        dx = self.norm_back(x, "g1", "b1", w.map("add", w.map("add", dh1[0], dh1[1]), dh1[2]))
        return w.map("add", dr1, dx, name="dx")

    def training(self):
        """Loss, result and gradient of x."""
        w, sizes = self.w, (self.batch, self.length, self.width)
        x, target = w.input("x", sizes), w.input("target", sizes)
        for name, shape in self.parameters.items():
            for suffix in ("", "_m", "_v"):
                w.input(name + suffix, shape, "param ")
        w.input("step", (), "param ")
        y = self.forward(x)
        error = w.map("sub", y, target)
        loss = w.put(f"mean({w.map('square', error)}, axes=[0, 1, 2])", (), "loss")
        return loss, y, self.backward(w.scaled(error, 2 / math.prod(sizes)))

    def adam(self):
        """New values of every parameter and its moments; aliases in the order of the outputs."""
        w = self.w
        step = w.map("add", "step", w.splat(1.0, ()), name="new_step")
        correction = {}
        for name, beta in (("m", self.beta1), ("v", self.beta2)):
            power = w.map("pow", w.splat(beta, ()), step)
            correction[name] = w.map("sub", w.splat(1.0, ()), power)
        outputs = []
        for name, shape in self.parameters.items():
            g = self.gradients[name]
            m = w.map("add", w.scaled(f"{name}_m", self.beta1), w.scaled(g, 1 - self.beta1), name=f"new_{name}_m")
            v = w.map("add", w.scaled(f"{name}_v", self.beta2), w.scaled(w.map("square", g), 1 - self.beta2),
                      name=f"new_{name}_v")
            first = w.map("div", m, w.broadcast(correction["m"], [], shape))
            second = w.map("div", v, w.broadcast(correction["v"], [], shape))
            change = w.map("div", w.scaled(first, self.rate), w.shifted(w.map("sqrt", second), self.epsilon))
            outputs += [(w.map("sub", name, change, name=f"new_{name}"), name), (m, f"{name}_m"), (v, f"{name}_v")]
        return outputs + [(step, "step")]

    def text(self):
        loss, y, dx = self.training()
        updates = self.adam()
        lines = ["# Written by training_step.py: one transformer block, forward, backward and Adam.", "graph training_step"]
        lines += [f"  {line}" for line in self.w.inputs + self.w.lines]
        lines.append(f"  return {', '.join([loss, y, dx] + [value for value, _ in updates])}")
        lines += [f"  alias {i + 3} = {name}" for i, (_, name) in enumerate(updates)]
        return "\n".join(lines) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("batch", 2), ("length", 32), ("width", 64), ("heads", 2)):
        parser.add_argument(f"--{name}", type=int, default=value)
    sys.stdout.write(Step(**vars(parser.parse_args())).text())
