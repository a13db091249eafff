"""Writes a program of many equal layers as text: forward and backward of a pre-norm MLP block, repeated.

    .deps/venv/bin/python experiments/fusion/layers.py LAYERS > layers.egret

About 35 operators a layer: 143 layers are 5,000, 2,860 are 100,000.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "suites"))
from training_step import Writer  # noqa: E402

ROWS, WIDTH, HIDDEN = 512, 256, 1024


def norm(w, x):
    """x over its root mean square, and the reciprocal of that, a row."""
    mean = w.scaled(w.reduced("reduce_sum", w.map("mul", x, x), [1]), 1 / WIDTH)
    r = w.map("rsqrt", w.shifted(mean, 1e-5))
    return w.map("mul", x, w.broadcast(r, [0], (ROWS, WIDTH))), r


def forward(w, x, up, down):
    n, r = norm(w, x)
    h = w.dot(n, up, [1], [0])
    s = w.map("logistic", h)
    a = w.map("mul", h, s)
    y = w.dot(a, down, [1], [0])
    return w.map("add", x, y), (x, n, r, h, s, a)


def backward(w, grad, saved, up, down):
    x, n, r, h, s, a = saved
    d_down = w.dot(a, grad, [0], [0])
    da = w.dot(grad, down, [1], [1])
    slope = w.map("mul", s, w.shifted(w.map("mul", h, w.shifted(w.map("neg", s), 1.0)), 1.0))
    dh = w.map("mul", da, slope)
    d_up = w.dot(n, dh, [0], [0])
    dn = w.dot(dh, up, [1], [1])
    along = w.scaled(w.reduced("reduce_sum", w.map("mul", dn, n), [1]), 1 / WIDTH)
    dx = w.map("mul", w.map("sub", dn, w.map("mul", n, w.broadcast(along, [0], (ROWS, WIDTH)))), w.broadcast(r, [0], (ROWS, WIDTH)))
    return w.map("add", grad, dx), d_up, d_down


def step(w, parameter, grad):
    return w.map("sub", parameter, w.scaled(grad, 1e-3))


def program(layers):
    w = Writer()
    x = w.input("x", (ROWS, WIDTH))
    weights = [(w.input(f"up{i}", (WIDTH, HIDDEN), "param "), w.input(f"down{i}", (HIDDEN, WIDTH), "param ")) for i in range(layers)]
    saved = []
    for up, down in weights:
        x, keep = forward(w, x, up, down)
        saved.append(keep)
    outputs = []
    grad = w.scaled(x, 2 / (ROWS * WIDTH))
    for (up, down), keep in zip(reversed(weights), reversed(saved)):
        grad, d_up, d_down = backward(w, grad, keep, up, down)
        outputs += [step(w, up, d_up), step(w, down, d_down)]
    return w, outputs


if __name__ == "__main__":
    writer, outputs = program(int(sys.argv[1]))
    print("graph layers")
    for line in writer.inputs + writer.lines:
        print("  " + line)
    print("  return " + ", ".join(outputs))
