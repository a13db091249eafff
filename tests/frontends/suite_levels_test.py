"""What the algebra suite costs on the H200's model, as it was once reached: enumeration of kernels may not lose it again.

    suite_levels_test.py EGRET

A level is the predicted cost of the best program known, in microseconds; it is deterministic.  A program may be cheaper.
"""

import json
import subprocess
import sys
import unittest
from pathlib import Path

SUITE = Path(__file__).resolve().parents[2] / "experiments/suites/algebra"
EGRET = sys.argv.pop(1) if len(sys.argv) > 1 else "build/bin/egret"
SLACK = 1.01
COVER_SLACK = 1.15  # of the best of the fast covers over the answer
LEVELS = {
    "chain": 7.954,
    "common_factor": 4.419,
    "concat_of_products": 3.162,
    "conv_batch_norm_residual": 6.205,
    "lora_apart": 7.306,
    "lora_merged": 7.757,
    "pooled_convolution": 5.110,
    "product_of_sum": 4.413,
    "qkv": 8.023,
    "repeated_subterms": 3.170,
    "rms_norm_weight": 8.847,
    "scale_before_product": 6.362,
    "scaled_attention": 5.432,
    "shared_right": 8.900,
    "sum_of_product": 5.716,
    "transpose_pairs": 6.304,
}


class Levels(unittest.TestCase):
    def test_every_program_is_here(self):
        self.assertEqual(set(LEVELS), {file.stem for file in SUITE.glob("*.egret")})

    def test_levels_hold(self):
        for name, level in LEVELS.items():
            with self.subTest(name):
                done = subprocess.run([EGRET, "optimize", str(SUITE / f"{name}.egret"), "--target", "h200", "--no-lower", "--no-freeze", "--json"],
                                      capture_output=True, text=True, check=True, timeout=120)
                answer = json.loads(done.stdout)
                self.assertLessEqual(answer["objective"] * 1e6, level * SLACK)
                self.assertLessEqual(min(c["cost"] for c in answer["covers"]), answer["objective"] * COVER_SLACK)


if __name__ == "__main__":
    unittest.main()
