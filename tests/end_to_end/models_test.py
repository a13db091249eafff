"""Whole models: optimize for the H200 and for the host, run the artifact out of process, judge it by what others wrote.

    models_test.py TOOL [--all | NAME ...] [--no-time] [--alterations N]

For each model: nothing opaque, no more kernels than it has operators that need one (plus three), total_s within 60 s,
the outputs of the host's artifact equal to onnxruntime's on the original model (also before a final softmax), the same
artifact with one thread and with two, a proof that holds and that fails once altered.  Figures go to stdout.
Models that .cache/models lacks are made by experiments/suites/make_models.py.
"""

import argparse
import copy
import filecmp
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "experiments/suites"), str(ROOT / "tests/frontends")]
import make_models  # noqa: E402
from onnx_cases import difference  # noqa: E402
from onnx_models import SHAPES, inputs_of, open_session, outputs_of  # noqa: E402

QUICK = ["squeezenet", "shufflenet", "inception_v1", "minilm"]
ALL = make_models.LIGHT + ["minilm"]
MOST_SECONDS = 60
TOLERANCE = 1e-4

# What cannot disappear into another kernel: a kernel for each at most, plus kMoreKernels.
MORE_KERNELS = 3
HEAVY = {"Conv", "ConvTranspose", "MatMul", "Gemm", "MaxPool", "AveragePool", "LpPool", "GlobalMaxPool", "GlobalAveragePool",
         "LRN", "Softmax", "LogSoftmax", "LayerNormalization", "InstanceNormalization", "GroupNormalization",
         "MeanVarianceNormalization", "LpNormalization", "ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd",
         "ReduceL1", "ReduceL2", "ReduceLogSumExp", "ReduceSumSquare", "ArgMax", "ArgMin", "Concat"}


def kernels_allowed(model):
    """Heavy nodes that read data of the run; what is computed from weights and from shapes alone needs none."""
    weights = {t.name for t in model.graph.initializer}
    data = {i.name for i in model.graph.input} - weights
    count = 0
    for node in model.graph.node:
        if node.op_type in ("Shape", "Size") or not data.intersection(node.input):
            continue
        data.update(node.output)
        count += node.op_type in HEAVY
    return count + MORE_KERNELS


def before_softmax(path, folder):
    """The model cut before its final softmax, or None."""
    model = onnx.load(path)
    outputs = {o.name for o in model.graph.output}
    last = [n for n in model.graph.node if outputs.intersection(n.output)]
    if len(outputs) != 1 or last[0].op_type != "Softmax":
        return None
    name = last[0].input[0]
    model.graph.node.remove(last[0])
    inferred = onnx.shape_inference.infer_shapes(model)
    shape = [v for v in inferred.graph.value_info if v.name == name]
    del model.graph.output[:]
    model.graph.output.append(shape[0] if shape else onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    cut = Path(folder) / "cut.onnx"
    onnx.save(model, cut)
    return cut


def same_folders(a, b):
    """Names of files that differ or that only one folder has."""
    files = sorted({str(p.relative_to(f)) for f in (a, b) for p in f.rglob("*") if p.is_file()})
    return [n for n in files if not (a / n).is_file() or not (b / n).is_file() or not filecmp.cmp(a / n, b / n, shallow=False)]


class Alterations:
    """Random alterations of a proof: names, operands, attributes, rules, conditions, steps, kernels."""

    PARTS = ["terms", "steps", "outputs", "kernels", "rules", "inputs"]

    def __init__(self, proof, seed):
        self.proof, self.random = proof, random.Random(seed)

    def leaves(self, value, place=()):
        if isinstance(value, (dict, list)):
            items = value.items() if isinstance(value, dict) else enumerate(value)
            return [leaf for k, v in items for leaf in self.leaves(v, (*place, k))]
        return [(place, value)]

    def changed(self, value):
        if isinstance(value, bool):
            return not value
        if isinstance(value, (int, float)):
            return value + self.random.choice([-2, -1, 1, 2])
        if not value:
            return "x"
        at = self.random.randrange(len(value))
        return value[:at] + self.random.choice([c for c in "0123456789abkmqz" if c != value[at]]) + value[at + 1:]

    def next(self):
        """An altered copy and what was done."""
        while True:
            parts = [p for p in self.PARTS if self.proof[p]]
            part = self.random.choice(parts)
            entry = self.random.randrange(len(self.proof[part]))
            leaves = self.leaves(self.proof[part][entry])
            if not leaves:
                continue
            place, old = self.random.choice(leaves)
            altered = copy.copy(self.proof)
            altered[part] = list(altered[part])
            altered[part][entry] = copy.deepcopy(altered[part][entry])
            at = altered[part][entry]
            for key in place[:-1]:
                at = at[key]
            at[place[-1]] = self.changed(old)
            return altered, f"{part}[{entry}]{list(place)}: {old!r} to {at[place[-1]]!r}"


class Judge:
    def __init__(self, tool, model, folder, arguments):
        self.tool, self.model, self.folder, self.arguments = tool, model, Path(folder), arguments
        self.path = ROOT / ".cache/models" / f"{model}.onnx"
        self.shapes = SHAPES.get(model, [])
        self.failures, self.peak_bytes = [], {}  # peak_bytes: predicted, by artifact

    def expect(self, right, what):
        if not right:
            self.failures.append(what)
            print(f"  WRONG {self.model}: {what}", flush=True)

    def egret(self, *arguments, allowed=(0,)):
        done = subprocess.run([self.tool, "--json", *map(str, arguments)], capture_output=True, text=True, cwd=ROOT)
        if done.returncode not in allowed:
            raise RuntimeError(f"egret {' '.join(map(str, arguments))}: status {done.returncode}\n{done.stderr[-2000:]}")
        return json.loads(done.stdout)

    def optimize(self, path, target, out, *options):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        shapes = [word for s in self.shapes for word in ("--shape", s)]
        figures = self.egret("optimize", path, *shapes, "--target", target, "-o", out, *options)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        # On an idle machine no longer than this; total_s says how long beside whatever else runs here.
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        figures["seconds"] = min(figures["total_s"], cpu)
        return figures

    def error(self, path, artifact, seed):
        """The artifact, in a process of its own, against onnxruntime on the model."""
        session = open_session(path)
        values = inputs_of(session, self.shapes, seed)
        np.savez(self.folder / "in.npz", **values)
        ran = self.egret("run", artifact, "--inputs", self.folder / "in.npz", "--outputs", self.folder / "out.npz")
        predicted = self.peak_bytes.get(artifact, ran["peak_bytes"])
        self.expect(ran["peak_bytes"] == predicted, f"{ran['peak_bytes']} bytes allocated, {predicted} predicted")
        found = np.load(self.folder / "out.npz")
        return max(difference(expected, found[name]) for name, expected in outputs_of(session, values).items())

    def check_proof(self, artifact):
        proof = artifact / "proof.json"
        outside = ("--model", self.path, "--artifact", artifact)
        report = self.egret("check", proof, *outside, allowed=(0, 2))
        self.expect(report["ok"], f"the proof is refused: {report['failed_step']}")
        alterations = Alterations(json.loads(proof.read_text()), 1)
        accepted = []
        for _ in range(self.arguments.alterations):
            altered, what = alterations.next()
            place = self.folder / "altered.json"
            place.write_text(json.dumps(altered))
            if self.egret("check", place, "--ignore-digest", *outside, allowed=(0, 1, 2)).get("ok", False):
                accepted.append(what)
        for what in accepted:
            self.expect(False, f"an altered proof is accepted: {what}")
        return report["steps"]

    def judge(self, target):
        one, two = self.folder / f"{target}-1", self.folder / f"{target}-2"
        figures = self.optimize(self.path, target, one, "--threads", "1")
        again = self.optimize(self.path, target, two, "--threads", "2")
        if target == "host":
            self.peak_bytes[one] = figures["peak_bytes"]
        differing = same_folders(one, two)
        self.expect(not differing, f"{target}: other bytes with two threads: {differing[:5]}")
        self.expect(not figures["fallbacks"], f"{target}: fallbacks {figures['fallbacks']}")
        self.expect(not figures["quarantined_rules"], f"{target}: quarantined {figures['quarantined_rules']}")
        seconds = min(figures["seconds"], again["seconds"])
        self.expect(self.arguments.no_time or seconds <= MOST_SECONDS, f"{target}: {seconds:.1f} s")
        allowed = kernels_allowed(onnx.load(self.path, load_external_data=False))
        self.expect(figures["kernels_after"] <= allowed, f"{target}: {figures['kernels_after']} kernels, {allowed} allowed")
        after, greedy = figures["predicted_after_s"], figures["predicted_greedy_s"]
        self.expect(after <= greedy * (1 + 1e-9), f"{target}: {after} s predicted, greedy {greedy}")
        steps = self.check_proof(one)
        print(f"{self.model} {target}: {figures['kernels_before']} -> {figures['kernels_after']} kernels ({allowed} allowed), "
              f"{after / greedy:.3f} of greedy, {seconds:.1f} s ({figures['stop_reason']}, "
              f"{'optimal' if figures['optimal'] else 'not optimal'}), {steps} steps", flush=True)
        return one

    def run(self):
        self.judge("h200")
        host = self.judge("host")
        worst = max(self.error(self.path, host, seed) for seed in (0, 1))
        self.expect(worst <= TOLERANCE, f"error {worst:.2e}")
        note = ""
        cut = before_softmax(self.path, self.folder)
        if cut:
            # Not lost in what a softmax forgives: the same network, ending before it.
            self.peak_bytes[self.folder / "cut"] = self.optimize(cut, "host", self.folder / "cut")["peak_bytes"]
            before = self.error(cut, self.folder / "cut", 0)
            self.expect(before <= TOLERANCE, f"error before the softmax {before:.2e}")
            note = f", before the softmax {before:.2e}"
        print(f"{self.model}: error {worst:.2e}{note}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tool")
    parser.add_argument("models", nargs="*", default=QUICK)
    parser.add_argument("--all", action="store_true", help="all nine light models and the transformer")
    parser.add_argument("--no-time", action="store_true", help="do not judge total_s")
    parser.add_argument("--alterations", type=int, default=20, help="altered proofs a target")
    arguments = parser.parse_args()
    names = ALL if arguments.all else arguments.models
    cache = ROOT / ".cache/models"
    make_models.main([str(cache), *names])
    failures = 0
    for name in names:
        with tempfile.TemporaryDirectory(prefix="egret-models-") as folder:
            judge = Judge(os.path.abspath(arguments.tool), name, folder, arguments)
            judge.run()
            failures += len(judge.failures)
    print(f"{failures} failures" if failures else "all right")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
