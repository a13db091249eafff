"""Attention end to end on the host: one kernel that folds the scores where they are made, and the values it has to have.

    attention_test.py EGRET
"""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

EGRET = sys.argv.pop() if len(sys.argv) > 1 else "build/bin/egret"

HEAD = """graph attention
  q: f32[2,4,96,32]
  k: f32[2,{heads},96,32]
  v: f32[2,{heads},96,32]
"""
SCORES = """  s = splat(value=0.17, dtype=f32, sizes=[2, 4, 96, 96])
  scores = mul(dot(q, {k}, lb=[0, 1], rb=[0, 1], lc=[3], rc=[3]), s)
"""
TAIL = """  p = softmax({scores}, axis=3)
  o = dot(p, {v}, lb=[0, 1], rb=[0, 1], lc=[3], rc=[2])
  r = transpose(o, perm=[0, 2, 1, 3])
  return r
"""
CAUSAL = """  i = iota(axis=2, dtype=i32, sizes=[2, 4, 96, 96])
  j = iota(axis=3, dtype=i32, sizes=[2, 4, 96, 96])
  low = splat(value=-10000.0, dtype=f32, sizes=[2, 4, 96, 96])
  seen = select(ge(i, j), scores, low)
"""
GROUPS = """  kb = reshape(broadcast(k, dims=[0, 1, 3, 4], sizes=[2]), sizes=[2, 4, 96, 32])
  vb = reshape(broadcast(v, dims=[0, 1, 3, 4], sizes=[2]), sizes=[2, 4, 96, 32])
"""
PROGRAMS = {
    "plain": HEAD.format(heads=4) + SCORES.format(k="k") + TAIL.format(scores="scores", v="v"),
    "masked": HEAD.format(heads=4) + "  m: f32[2,96]\n" + SCORES.format(k="k")
    + "  seen = add(scores, broadcast(m, dims=[0, 3], sizes=[4, 96]))\n" + TAIL.format(scores="seen", v="v"),
    "causal": HEAD.format(heads=4) + SCORES.format(k="k") + CAUSAL + TAIL.format(scores="seen", v="v"),
    "groups": HEAD.format(heads=2) + GROUPS + SCORES.format(k="kb") + TAIL.format(scores="scores", v="vb"),
}


def optimize(folder, name, *options):
    file = Path(folder) / f"{name}.egret"
    file.write_text(PROGRAMS[name])
    command = [EGRET, "optimize", file, "--target", "host", "--check", "--keep-run", Path(folder) / "run", "-o", Path(folder) / "out", "--json", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), json.loads((Path(folder) / "run/run.json").read_text())


class Attention(unittest.TestCase):
    def test_one_kernel_right_and_proved(self):
        for name in PROGRAMS:
            with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                answer, run = optimize(folder, name)
                self.assertTrue(answer["check"]["ok"])
                self.assertLess(answer["check"]["max_error"], 1e-4)
                products = [k["schedule"] for k in run["kernels"] if k["schedule"].startswith("contraction")]
                self.assertEqual(products, ["contraction_pair"])
                checked = subprocess.run([EGRET, "check", Path(folder) / "out/proof.json"], capture_output=True, text=True, check=False)
                self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_strict(self):
        with tempfile.TemporaryDirectory() as folder:
            answer, _ = optimize(folder, "causal", "--numerics", "strict")
            self.assertTrue(answer["check"]["ok"])


if __name__ == "__main__":
    unittest.main()
