"""Writes a BERT-like encoder as a text program: post-norm layers of attention and a tanh-gelu MLP, every weight a parameter.

    .deps/venv/bin/python experiments/suites/encoder.py LAYERS > encoder.egret

Sizes are BERT-base's at 128 tokens.  Weights have no values: `optimize --freeze` takes seeded ones.
"""

import argparse
import math

from training_step import Writer


class Encoder:
    def __init__(self, length=128, width=768, heads=12, inner=3072):
        self.w = Writer()
        self.length, self.width, self.heads, self.inner = length, width, heads, inner

    def linear(self, x, name, into):
        w, rows = self.w, self.length
        weight = w.input(f"{name}_w", (w.sizes[x][1], into), "param ")
        bias = w.input(f"{name}_b", (into,), "param ")
        return w.map("add", w.dot(x, weight, [1], [0]), w.each_row(bias, (rows, into)))

    def norm(self, x, name):
        w, sizes = self.w, (self.length, self.width)
        centred = w.map("sub", x, w.along_last(self.mean(x), sizes))
        scale = w.map("rsqrt", w.shifted(self.mean(w.map("mul", centred, centred)), 1e-5))
        gain, bias = (w.input(f"{name}_{part}", (self.width,), "param ") for part in "gb")
        normed = w.map("mul", centred, w.along_last(scale, sizes))
        return w.map("add", w.map("mul", normed, w.each_row(gain, sizes)), w.each_row(bias, sizes))

    def mean(self, x):
        return self.w.scaled(self.w.reduced("reduce_sum", x, [1]), 1 / self.width)

    def attention(self, x, layer):
        w, size = self.w, self.width // self.heads
        q, k, v = (w.transpose(w.reshape(self.linear(x, f"{name}{layer}", self.width), (self.length, self.heads, size)), [1, 0, 2])
                   for name in "qkv")
        scores = w.scaled(w.dot(q, k, [2], [2], [0], [0]), 1 / math.sqrt(size))
        shape = w.sizes[scores]
        powers = w.map("exp", w.map("sub", scores, w.along_last(w.reduced("reduce_max", scores, [2]), shape)))
        weights = w.map("div", powers, w.along_last(w.reduced("reduce_sum", powers, [2]), shape))
        mixed = w.transpose(w.dot(weights, v, [2], [1], [0], [0]), [1, 0, 2])
        return self.linear(w.reshape(mixed, (self.length, self.width)), f"o{layer}", self.width)

    def mlp(self, x, layer):
        w = self.w
        h = self.linear(x, f"u{layer}", self.inner)
        cube = w.map("mul", w.map("mul", h, h), h)
        gate = w.map("tanh", w.scaled(w.map("add", h, w.scaled(cube, 0.044715)), math.sqrt(2 / math.pi)))
        return self.linear(w.scaled(w.map("mul", h, w.shifted(gate, 1.0)), 0.5), f"d{layer}", self.width)

    def program(self, layers):
        x = self.w.input("x", (self.length, self.width))
        for layer in range(layers):
            x = self.norm(self.w.map("add", x, self.attention(x, layer)), f"n{layer}")
            x = self.norm(self.w.map("add", x, self.mlp(x, layer)), f"m{layer}")
        return "\n  ".join(["graph encoder", *self.w.inputs, *self.w.lines, f"return {x}"]) + "\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("layers", type=int)
    print(Encoder().program(parser.parse_args().layers), end="")


if __name__ == "__main__":
    main()
