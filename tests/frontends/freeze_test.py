"""Frozen weights as a process: `--freeze` only adds equal programs, so it is never dearer than `--no-freeze`.

    freeze_test.py EGRET
"""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EGRET = sys.argv.pop(1) if len(sys.argv) > 1 else "build/bin/egret"


def optimized(model, *options):
    done = subprocess.run([EGRET, "optimize", str(model), "--target", "h200", "--no-lower", "--json", *options], capture_output=True, text=True,
                          check=True, timeout=120)
    return json.loads(done.stdout)


class Encoder(unittest.TestCase):
    """Two layers of BERT-base: queries, keys and values of a layer are one product, frozen or not."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.model = Path(cls.folder.name) / "encoder.egret"
        written = subprocess.run([sys.executable, ROOT / "experiments/suites/encoder.py", "2"], check=True, capture_output=True, text=True)
        cls.model.write_text(written.stdout)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_never_dearer(self):
        for extractor in ("greedy", "ilp"):
            with self.subTest(extractor):
                frozen = optimized(self.model, "--freeze", "--extractor", extractor)
                free = optimized(self.model, "--no-freeze", "--extractor", extractor)
                self.assertLessEqual(frozen["objective"], free["objective"] * (1 + 1e-9))
                self.assertLess(frozen["objective"], 0.92 * frozen["predicted_greedy_s"])

    def test_a_product_for_queries_keys_and_values(self):
        with tempfile.TemporaryDirectory() as folder:
            optimized(self.model, "--freeze", "--extractor", "greedy", "--keep-run", folder)
            run = json.loads((Path(folder) / "run.json").read_text())
        products = sum("dot" in kernel["operators"] for kernel in run["kernels"])
        self.assertEqual(products, 10, "two layers of five: q with k with v, scores with mixing, out, up, down")


if __name__ == "__main__":
    unittest.main()
