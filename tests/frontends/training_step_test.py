"""The training step against NumPy: loss and block in float64, gradients by finite differences, Adam by its formulas.

    training_step_test.py DRIVER SOURCE_FOLDER
"""

import math
import re
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from onnx_cases import difference, evaluate  # noqa: E402


def layer_norm(x, scale, bias):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * scale + bias


def block(v, heads=2):
    x = v["x"]
    b, n, d = x.shape
    h1 = layer_norm(x, v["g1"], v["b1"])
    q, k, val = ((h1 @ v[f"w{p}"] + v[f"b{p}"]).reshape(b, n, heads, d // heads).transpose(0, 2, 1, 3) for p in "qkv")
    scores = q @ k.transpose(0, 1, 3, 2) / math.sqrt(d // heads)
    scores = np.where(np.tril(np.ones((n, n), bool)), scores, -np.inf)
    e = np.exp(scores - scores.max(-1, keepdims=True))
    context = (e / e.sum(-1, keepdims=True) @ val).transpose(0, 2, 1, 3).reshape(b, n, d)
    r1 = x + context @ v["wo"] + v["bo"]
    u = layer_norm(r1, v["g2"], v["b2"]) @ v["wu"] + v["bu"]
    a = 0.5 * u * (1 + np.tanh(math.sqrt(2 / math.pi) * (u + 0.044715 * u**3)))
    y = r1 + a @ v["wd"] + v["bd"]
    return y, ((y - v["target"]) ** 2).mean()


def inputs_of(text, rng):
    values = {}
    for name, sizes in re.findall(r"^  (?:param )?(\w+): f32\[([\d,]*)\]", text, re.M):
        shape = [int(s) for s in sizes.split(",") if s]
        value = rng.standard_normal(shape)
        if name == "step":
            value = np.array(4.0)
        elif name.endswith("_m"):
            value *= 1e-3
        elif name.endswith("_v"):
            value = 1e-6 * value**2
        elif name[0] == "w":
            value /= math.sqrt(shape[0])
        elif name[0] == "g":
            value = 1 + 0.1 * value
        elif name[0] == "b":
            value *= 0.1
        values[name] = value.astype(np.float32)
    return values


def check(what, error, limit):
    print(f"{what}: {error:.2e}")
    if not error <= limit:
        raise SystemExit(f"{what} is wrong: {error} above {limit}")


def main(driver, source):
    path = Path(source) / "experiments/suites/training_step.egret"
    rng = np.random.default_rng(7)
    values = inputs_of(path.read_text(), rng)
    result = evaluate(driver, path, values, mode="text")
    wide = {name: value.astype(np.float64) for name, value in values.items()}
    y, loss = block(wide)
    check("y", difference(y, result["y"].astype(np.float64)), 1e-5)
    check("loss", abs(loss - result["loss"]) / loss, 1e-5)
    names = [n for n in values if f"{n}_m" in values]
    assert len(names) == 16
    correction = {"m": 1 - 0.9**5, "v": 1 - 0.999**5}
    for name in names + ["x"]:
        # Directional derivatives, by central differences.
        gradient = result["dx"].astype(np.float64) if name == "x" else (
            result[f"new_{name}_m"].astype(np.float64) - 0.9 * wide[f"{name}_m"]) / 0.1
        worst = 0
        for _ in range(4):
            direction = rng.standard_normal(wide[name].shape)
            direction /= np.linalg.norm(direction)
            step = 1e-5
            high, low = (block({**wide, name: wide[name] + s * direction})[1] for s in (step, -step))
            slope = (high - low) / (2 * step)
            # The gradient of bk is 0 but for rounding (a softmax does not see what all its terms share).
            scale = max(np.linalg.norm(gradient) / math.sqrt(gradient.size), 1e-5)
            worst = max(worst, abs((gradient * direction).sum() - slope) / scale)
        check(f"gradient of {name}", worst, 2e-3)
        if name == "x":
            continue
        m = 0.9 * wide[f"{name}_m"] + 0.1 * gradient
        v = 0.999 * wide[f"{name}_v"] + 0.001 * gradient**2
        new = wide[name] - 1e-3 * (m / correction["m"]) / (np.sqrt(v / correction["v"]) + 1e-8)
        check(f"second moment of {name}", difference(v, result[f"new_{name}_v"].astype(np.float64)), 1e-4)
        check(f"new {name}", difference(new - wide[name], result[f"new_{name}"] - wide[name]), 1e-2)
        check(f"new {name}", difference(new, result[f"new_{name}"].astype(np.float64)), 1e-5)
    assert result["new_step"] == 5


if __name__ == "__main__":
    main(*sys.argv[1:])
