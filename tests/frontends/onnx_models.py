"""Whole models: import and evaluation against onnxruntime, and what egret writes, run by onnxruntime, against it too.

    onnx_models.py DRIVER MODELS_FOLDER NAME ...

Models that the folder lacks are made by experiments/suites/make_models.py.
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(1, str(Path(__file__).parents[2] / "experiments/suites"))
import make_models  # noqa: E402
from onnx_cases import difference, drive, evaluate  # noqa: E402

# Sizes of the open dimensions.
SHAPES = {
    "magika": ["bytes=1,2048"],
    "silero_vad": ["input=1,256", "state=2,1,128"],
    "silero_vad_ifless": ["input=1,576", "state=2,1,128"],
    "silero_vad_sequence": ["input=5,576"],
}


def inputs_of(session, shapes, seed=0):
    rng = np.random.default_rng(seed)
    given = {s.split("=")[0]: [int(v) for v in s.split("=")[1].split(",")] for s in shapes}
    values = {}
    for i in session.get_inputs():
        shape = given.get(i.name, i.shape)
        if i.type == "tensor(float)":
            values[i.name] = rng.standard_normal(shape).astype(np.float32)
        elif i.name == "sr":
            values[i.name] = np.array(16000 if given["input"][1] == 576 else 8000)
        elif i.name == "attention_mask":
            values[i.name] = (np.arange(shape[1])[None] < shape[1] - 20).astype(np.int64)
        elif i.type == "tensor(int32)":
            values[i.name] = rng.integers(0, 256, shape).astype(np.int32)
        else:
            values[i.name] = rng.integers(0, 1000, shape).astype(np.int64)
    return values


def open_session(path):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def outputs_of(session, values):
    return dict(zip([o.name for o in session.get_outputs()], session.run(None, values)))


def main(driver, folder, names):
    wrong = 0
    make_models.main([folder, *names])
    for name in names:
        path, shapes = Path(folder) / f"{name}.onnx", SHAPES.get(name, [])
        session = open_session(path)
        values = inputs_of(session, shapes)
        expected = outputs_of(session, values)
        start = time.time()
        result = evaluate(driver, path, values, shapes)
        seconds = time.time() - start
        with tempfile.TemporaryDirectory() as temporary:
            drive(driver, "write", path, f"{temporary}/out.onnx", *shapes)
            again = outputs_of(open_session(f"{temporary}/out.onnx"), values)
        worst, written = (max(difference(e, r.get(n)) for n, e in expected.items()) for r in (result, again))
        bad = not max(worst, written) <= 1e-4
        wrong += bad
        verdict = "  WRONG" if bad else ""
        print(f"{name}: error {worst:.2e}, {seconds:.1f} s; written {written:.2e}{verdict}", flush=True)
    return wrong


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1], sys.argv[2], sys.argv[3:]) else 0)
