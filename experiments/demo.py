#!/usr/bin/env python3
"""The demo: a convolutional network and a transformer that nobody here wrote, optimized for the H200 and for this host.

Both versions (an operator a kernel, and the chosen kernels) run on the host; their outputs are compared with each other
and with onnxruntime's on the original model.  Prints a table and writes a report a model.  Needs: make build.
"""
import argparse
import hashlib
import json
import pathlib
import statistics
import subprocess
import sys
import time

import numpy as np
import onnxruntime

ROOT = pathlib.Path(__file__).resolve().parents[1]


def egret(tool, *arguments):
    """One command of the tool; its JSON object.  Exit status 2 (the answer is no) is an answer."""
    done = subprocess.run([tool, "--json", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode not in (0, 2):
        sys.exit(f"demo: egret {' '.join(map(str, arguments))} failed ({done.returncode}):\n{done.stderr}")
    return json.loads(done.stdout)


def random_inputs(session, seed):
    """Values for the inputs of a model: normal for floats, small non-negative integers else, ones for masks."""
    rng = np.random.default_rng(seed)
    values = {}
    for port in session.get_inputs():
        shape = [d if isinstance(d, int) else 1 for d in port.shape]
        if "float" in port.type:
            values[port.name] = rng.standard_normal(shape).astype(np.float32)
        elif "mask" in port.name:
            values[port.name] = np.ones(shape, dtype=np.int64)
        else:
            values[port.name] = rng.integers(0, 10, shape).astype(np.int64)
    return values


def error_of(reference, result):
    """max|a - b| / max|a|; infinite where NaN or infinities disagree in place."""
    a, b = reference.astype(np.float64), result.astype(np.float64)
    if a.shape != b.shape or not np.array_equal(np.isfinite(a), np.isfinite(b)):
        return float("inf")
    finite = np.isfinite(a)
    if not finite.any():
        return 0.0
    scale = np.abs(a[finite]).max()
    difference = np.abs(a[finite] - b[finite]).max()
    return float(difference / scale) if scale > 0 else float(difference)


def time_onnxruntime(model, values, threads, repeat):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    outputs = session.run(None, values)
    seconds = []
    for _ in range(repeat):
        begin = time.perf_counter()
        session.run(None, values)
        seconds.append(time.perf_counter() - begin)
    return dict(zip([o.name for o in session.get_outputs()], outputs)), min(seconds)


def digest(*paths):
    """Of the contents of files."""
    total = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()


class Kept:
    """Results of earlier runs of the demo: kept while the tool, its modules, the model and the options are the same."""

    def __init__(self, tool, out):
        tool = pathlib.Path(tool)
        self.tool = digest(tool, *sorted((tool.parent.parent / "lib").glob("libegret_*.so")))
        self.out, self.used = out, []

    def get(self, name, model_digest, options, make, whole=lambda: True):
        """What `make` gives, or what it gave before; `whole`: what it left on the disk is still there."""
        path = self.out / f"{name}.kept.json"
        key = [self.tool, model_digest, [str(o) for o in options]]
        if path.exists() and whole():
            kept = json.loads(path.read_text())
            if kept["key"] == key:
                self.used.append(name)
                return kept["result"]
        path.unlink(missing_ok=True)
        result = make()
        path.write_text(json.dumps({"key": key, "result": result}))
        return result


def measure(tool, model, out, repeat, kept):
    """Everything the table says of one model."""
    name, content = model.stem, digest(model)
    row = {"model": name}
    for target in ("h200", "host"):
        made = [out / f"{name}-{target}", out / f"{name}-{target}.html"]
        options = ["--target", target, "-o", made[0], "--report", made[1]]
        row[target] = kept.get(f"{name}-{target}", content, options, lambda: egret(tool, "optimize", model, *options),
                               lambda: (made[0] / "plan.json").exists() and made[1].exists())
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    values = random_inputs(session, 0)
    inputs = out / f"{name}-inputs.npz"
    np.savez(inputs, **values)
    row["error"] = 0.0
    for threads in (1, 2):
        expected, reference = time_onnxruntime(model, values, threads, repeat)
        row[f"onnxruntime_{threads}"] = reference
        for version, what in (("before", model), ("after", out / f"{name}-host")):
            results = out / f"{name}-{version}-{threads}.npz"
            options = ["--inputs", inputs, "--outputs", results, "--threads", threads, "--repeat", repeat]
            ran = lambda: egret(tool, "run", what, *options)  # noqa: E731
            # The model as it is, an operator a kernel, is lowered and run once; what the optimizer made runs every time.
            again = kept.get(f"{name}-before-{threads}", content, options, ran, results.exists) if version == "before" else ran()
            row[f"{version}_{threads}"] = again["min_s"]
            found = np.load(results)
            row["error"] = max([row["error"]] + [error_of(expected[k], found[k]) for k in expected])
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--egret", default=str(ROOT / "build/bin/egret"))
    parser.add_argument("--models", nargs="*", default=["resnet50", "minilm"])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--out", default=str(ROOT / "out/demo"))
    arguments = parser.parse_args()
    out = pathlib.Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    onnxruntime.set_default_logger_severity(3)  # errors only: the light models carry initializers that nothing reads
    cache = ROOT / ".cache/models"
    subprocess.run([sys.executable, str(ROOT / "experiments/suites/make_models.py"), str(cache), *arguments.models], check=True)

    kept = Kept(arguments.egret, out)
    rows = [measure(arguments.egret, cache / f"{name}.onnx", out, arguments.repeat, kept) for name in arguments.models]
    if kept.used:
        print(f"kept from an earlier run, for tool, model and options are the same: {', '.join(kept.used)}; `rm -r {arguments.out}` makes all anew")
    print(f"\n{'model':<14}{'kernels':>14}{'h200 us':>16}{'total_s':>9}{'host ms 1 thr':>18}{'2 thr':>14}{'/ort 1':>8}{'/ort 2':>8}{'error':>9}")
    for r in rows:
        h, c = r["h200"], r["host"]
        print(f"{r['model']:<14}{h['kernels_before']:>6} ->{h['kernels_after']:>5}"
              f"{h['predicted_before_s'] * 1e6:>8.0f} ->{h['predicted_after_s'] * 1e6:>5.0f}{max(h['total_s'], c['total_s']):>9.1f}"
              f"{r['before_1'] * 1e3:>9.1f} ->{r['after_1'] * 1e3:>6.1f}{r['before_2'] * 1e3:>7.1f} ->{r['after_2'] * 1e3:>4.0f}"
              f"{r['onnxruntime_1'] / r['after_1']:>8.2f}{r['onnxruntime_2'] / r['after_2']:>8.2f}{r['error']:>9.1e}")
    speeds = [r[f"onnxruntime_{t}"] / r[f"after_{t}"] for r in rows for t in (1, 2)]
    print(f"speed against onnxruntime, geometric mean: {statistics.geometric_mean(speeds):.2f}")
    (out / "figures.json").write_text(json.dumps(rows, indent=1) + "\n")
    print(f"reports and figures: {out.relative_to(ROOT) if out.is_relative_to(ROOT) else out}")
    wrong = [r["model"] for r in rows if not r["error"] <= 1e-4]
    if wrong:
        print(f"outputs differ from onnxruntime's: {', '.join(wrong)}")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
