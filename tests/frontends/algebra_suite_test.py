"""The algebra suite: every program parses, and evaluation agrees with onnxruntime on the program written as ONNX.

    algebra_suite_test.py DRIVER SOURCE_FOLDER
"""

import re
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime

sys.path.insert(0, str(Path(__file__).parent))
from onnx_cases import difference, drive, evaluate  # noqa: E402


def inputs_of(text, rng):
    values = {}
    for role, name, sizes in re.findall(r"^  (param )?(\w+): f32\[([\d,]+)\]", text, re.M):
        shape = [int(s) for s in sizes.split(",")]
        value = rng.standard_normal(shape)
        if role and len(shape) > 1:  # weights, scaled by fan-in
            value /= np.sqrt(np.prod(shape[1:] if len(shape) == 4 else shape[:1]))
        values[name] = (np.abs(value) + 0.5 if "variance" in name else value).astype(np.float32)
    return values


def main(driver, source):
    files = sorted((Path(source) / "experiments/suites/algebra").glob("*.egret"))
    wrong = len(files) < 12
    for path in files:
        values = inputs_of(path.read_text(), np.random.default_rng(5))
        result = evaluate(driver, path, values, mode="text")
        with tempfile.TemporaryDirectory() as folder:
            drive(driver, "convert", path, f"{folder}/out.onnx")
            session = onnxruntime.InferenceSession(f"{folder}/out.onnx", providers=["CPUExecutionProvider"])
            expected = dict(zip([o.name for o in session.get_outputs()], session.run(None, values)))
        worst = max(difference(e, result.get(n)) for n, e in expected.items())
        wrong |= not worst <= 1e-4
        print(f"{path.stem}: {worst:.2e}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
