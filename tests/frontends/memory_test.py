"""Device memory of `egret optimize` as a process: what is predicted is what `run` allocates, and --memory-limit-device is kept.

    memory_test.py EGRET
"""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

EGRET = sys.argv.pop(1) if len(sys.argv) > 1 else "build/bin/egret"


def training_step(layers=8, batch=256, width=32):
    """Forward and backward of a stack of tanh layers under a squared error, and plain gradient descent; weights alias."""
    act, weight = f"[{batch}, {width}]", f"[{width}, {width}]"
    inputs = [f"x: f32{act}", f"target: f32{act}"] + [f"param w{i}: f32{weight}" for i in range(layers)]
    lines, h = [], "x"
    for i in range(layers):
        lines += [f"z{i} = dot({h}, w{i}, lc=[1], rc=[0])", f"h{i} = tanh(z{i})"]
        h = f"h{i}"
    lines += [f"error = sub({h}, target)", "squares = square(error)", "loss = reduce_sum(squares, axes=[0, 1])",
              f"one = splat(value=1.0, dtype=f32, sizes={act})", f"rate = splat(value=0.001, dtype=f32, sizes={weight})"]
    g = "error"
    for i in reversed(range(layers)):
        before = f"h{i - 1}" if i else "x"
        lines += [f"s{i} = square(h{i})", f"d{i} = sub(one, s{i})", f"gz{i} = mul({g}, d{i})",
                  f"gw{i} = dot({before}, gz{i}, lc=[0], rc=[0])", f"step{i} = mul(gw{i}, rate)", f"new{i} = sub(w{i}, step{i})"]
        if i:
            lines += [f"gh{i} = dot(gz{i}, w{i}, lc=[1], rc=[1])"]
            g = f"gh{i}"
    text = ["graph step"] + [f"  {line}" for line in inputs + lines]
    text += ["  return loss, " + ", ".join(f"new{i}" for i in range(layers))] + [f"  alias {i + 1} = w{i}" for i in range(layers)]
    return "\n".join(text) + "\n"


MODEL = """graph block
  x: f32[64, 96]
  param w: f32[96, 96]
  param v: f32[96, 48]
  a = dot(x, w, lc=[1], rc=[0])
  b = softmax(a, axis=1)
  c = dot(b, v, lc=[1], rc=[0])
  d = reduce_max(a, axes=[1])
  return c, d
"""


class Memory(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = Path(cls.folder.name)
        (cls.path / "step.egret").write_text(training_step())
        (cls.path / "block.egret").write_text(MODEL)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def egret(self, *words, status=0):
        done = subprocess.run([EGRET, *map(str, words), "--json"], capture_output=True, text=True)
        self.assertEqual(done.returncode, status, done.stderr)
        return json.loads(done.stdout), done.stderr

    def optimize(self, model, *words, status=0):
        return self.egret("optimize", self.path / model, "--extractor", "greedy", *words, status=status)

    def test_what_is_predicted_is_what_run_allocates(self):
        for model, freeze in [("block.egret", "--freeze"), ("block.egret", "--no-freeze"), ("step.egret", "--no-freeze")]:
            made, _ = self.optimize(model, freeze, "-o", self.path / "artifact")
            ran, _ = self.egret("run", self.path / "artifact", "--random")
            self.assertEqual(made["peak_bytes"], ran["peak_bytes"], model)
            self.assertEqual(made["peak_bytes"], made["arena_bytes"] + made["weight_bytes"] + made["workspace_bytes"])
            self.assertEqual(made["kernels_again"], 0)
            same, _ = self.optimize(model, freeze, "--no-lower")
            self.assertEqual(same["peak_bytes"], made["peak_bytes"], model)

    def test_a_smaller_budget_is_kept_and_never_cheaper(self):
        for target in ["h200", "host"]:
            free, _ = self.optimize("step.egret", "--no-freeze", "--target", target, "--no-lower")
            peak, seconds, again = free["peak_bytes"], 0.0, 0
            for percent in [100, 80, 60]:
                workspace = free["workspace_bytes"]  # is there whatever is kept
                limit = workspace + (peak - workspace) * percent // 100
                found, _ = self.optimize("step.egret", "--no-freeze", "--target", target, "--no-lower", "--memory-limit-device", limit)
                self.assertLessEqual(found["peak_bytes"], limit)
                self.assertGreaterEqual(found["predicted_after_s"], seconds * (1 - 1e-12))
                self.assertEqual(found["peak_bytes_unlimited"], peak)
                self.assertLessEqual(found["bound"], found["objective"])
                seconds, again = found["predicted_after_s"], found["kernels_again"]
            self.assertGreater(again, 0, target)
            self.assertGreater(seconds, free["predicted_after_s"])

    def test_with_a_limit_it_computes_the_same(self):
        free, _ = self.optimize("step.egret", "--no-freeze", "--numerics", "strict", "-o", self.path / "free")
        limit = free["workspace_bytes"] + (free["peak_bytes"] - free["workspace_bytes"]) * 65 // 100
        words = ["--no-freeze", "--numerics", "strict", "--memory-limit-device", limit]
        held, _ = self.optimize("step.egret", *words, "-o", self.path / "held", "--check")
        self.assertTrue(held["check"]["ok"])
        self.assertGreater(held["kernels_again"], 0)
        proof, _ = self.egret("check", self.path / "held/proof.json", "--model", self.path / "step.egret", "--artifact", self.path / "held")
        self.assertTrue(proof["ok"])
        outputs = []
        for name in ["free", "held"]:
            ran, _ = self.egret("run", self.path / name, "--random", "--seed", "5", "--outputs", self.path / f"{name}.npz")
            outputs.append((self.path / f"{name}.npz").read_bytes())
        self.assertEqual(ran["peak_bytes"], held["peak_bytes"])
        self.assertLessEqual(ran["peak_bytes"], limit)
        self.assertEqual(outputs[0], outputs[1])
        again, _ = self.optimize("step.egret", *words, "-o", self.path / "again", "--threads", "1")
        for part in ["plan.json", "proof.json"]:
            self.assertEqual((self.path / "held" / part).read_bytes(), (self.path / "again" / part).read_bytes())

    def test_a_budget_that_cannot_be_met_names_the_smallest_that_can(self):
        words = ["--no-freeze", "--target", "h200", "--no-lower", "--memory-limit-device"]
        refused, errors = self.optimize("step.egret", *words, "4K", "--emit", self.path / "none.egret", status=2)
        smallest = refused["smallest_memory_limit"]
        self.assertIn(f"{smallest} bytes are the smallest limit", errors)
        self.assertFalse((self.path / "none.egret").exists())
        self.assertIn(f"its inputs and outputs alone {refused['arena_floor_bytes']}", errors)
        self.assertLessEqual(refused["arena_floor_bytes"], smallest)
        met, _ = self.optimize("step.egret", *words, smallest)
        self.assertEqual(met["peak_bytes"], smallest)
        self.optimize("step.egret", *words, smallest - 1, status=2)
        done = subprocess.run([EGRET, "optimize", self.path / "step.egret", "--memory-limit-device", "some"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no number of bytes", done.stderr)


if __name__ == "__main__":
    unittest.main()
