"""Layouts as a process: frozen matrices are stored in panels where the host's products gain, and nowhere else.

    layouts_test.py EGRET
"""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

EGRET = sys.argv.pop(1) if len(sys.argv) > 1 else "build/bin/egret"

# Two products and what is between them; each matrix the other way about.
MLP = """graph mlp
  x: f32[{rows},96]
  param up: f32[96,{inner}]
  param b: f32[{inner}]
  param down: f32[64,{inner}]
  h = dot(x, up, lc=[1], rc=[0])
  c = broadcast(b, dims=[1], sizes=[{rows}])
  i = add(h, c)
  r = relu(i)
  y = dot(r, down, lc=[1], rc=[1])
  return y
"""


class Layouts(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.model, self.artifact = Path(self.folder.name) / "mlp.egret", Path(self.folder.name) / "artifact"

    def optimized(self, *options, rows=24, inner=256):
        self.model.write_text(MLP.format(rows=rows, inner=inner))
        done = subprocess.run([EGRET, "optimize", str(self.model), "--json", "-o", str(self.artifact), *options], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout), json.loads((self.artifact / "plan.json").read_text())

    @staticmethod
    def bodies(plan):
        return [plan["kernels"][launch["kernel"]]["body"] for launch in plan["run"]]

    def test_both_matrices_in_panels(self):
        result, plan = self.optimized("--target", "host", "--freeze", "--check")
        self.assertTrue(result["check"]["ok"])
        self.assertLess(result["predicted_after_s"], result["predicted_greedy_s"])
        joined = "\n".join(self.bodies(plan))
        self.assertIn(": f32[4,96,64]", joined)
        self.assertIn(": f32[1,256,64]", joined)
        checked = subprocess.run([EGRET, "check", str(self.artifact / "proof.json"), "--model", str(self.model), "--artifact", str(self.artifact)],
                                 capture_output=True, text=True, timeout=120)
        self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_row_major_where_nothing_is_gained(self):
        for options, sizes in ((("--target", "h200", "--freeze"), {}),       # tiles read either way
                               (("--target", "host", "--no-freeze"), {}),    # what is not known before the run
                               (("--target", "host", "--freeze"), {"rows": 8}),  # read once, in place
                               (("--target", "host", "--freeze", "--no-library"), {})):  # no rule says that it is the same
            with self.subTest(options=options, sizes=sizes):
                result, plan = self.optimized(*options, **sizes)
                self.assertNotIn(": f32[4,96,64]", "\n".join(self.bodies(plan)))
                self.assertLessEqual(result["predicted_after_s"], result["predicted_greedy_s"] * (1 + 1e-9))

    def test_any_number_of_threads(self):
        plans = [self.optimized("--target", "host", "--freeze", "--threads", threads)[1] for threads in ("1", "4")]
        self.assertEqual(plans[0], plans[1])


if __name__ == "__main__":
    unittest.main()
