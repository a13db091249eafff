"""Every way to fuse over the best known, and the time of each: `egret optimize --no-lower` over a suite of programs.

    .deps/venv/bin/python experiments/fusion/run.py [--target h200] [--seconds 120] [NAME ...] > experiments/fusion/RESULTS.md

The suite: the models that lie in .cache/models (experiments/suites/make_models.py makes them), the graphs of GraphNet that lie in
.cache/graphnet (graphnet.py makes them), the algebra suite, the training step, a residual block's with batch norm (resnet_step.py), a
BERT-like encoder with frozen weights (experiments/suites/encoder.py), and programs of many layers (layers.py).  Costs are predicted by the roofline; "portfolio" is
the best of the covers, "joint" the answer of the pass, "twophase" rewriting first and fusion after, "no algebra" the best cover of
the program as it was.  A ratio below 1 beside "joint" would be a bug: it is said at
the end and the exit status is 2.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COVERS = ["tree", "areaflow", "xla", "inductor", "twophase", "local"]
MODELS = ["squeezenet", "shufflenet", "inception_v1", "inception_v2", "resnet50", "densenet121", "minilm"]
LAYERS = [1, 4, 20]
ENCODERS = [2, 12]


def suite(folder, graphs):
    """(name, file, options)"""
    for name in MODELS:
        file = ROOT / ".cache/models" / f"{name}.onnx"
        if file.exists():
            yield name, file, []
    for file in sorted(graphs.glob("*.onnx")):
        yield file.stem.removeprefix("transformers-auto-model.").removeprefix("hf-tiny-model-private_tiny-random-"), file, []
    for file in sorted((ROOT / "experiments/suites/algebra").glob("*.egret")):
        yield file.stem, file, []
    file = Path(folder) / "resnet_step.egret"
    file.write_text(subprocess.run([sys.executable, Path(__file__).with_name("resnet_step.py")], check=True, capture_output=True, text=True).stdout)
    yield "resnet_step", file, ["--no-freeze"]
    yield "training_step", ROOT / "experiments/suites/training_step.egret", ["--no-freeze"]
    for n in ENCODERS:
        file = Path(folder) / f"encoder_{n}.egret"
        file.write_text(subprocess.run([sys.executable, ROOT / "experiments/suites/encoder.py", str(n)], check=True, capture_output=True, text=True).stdout)
        yield f"encoder_{n}", file, ["--freeze"]
    for n in LAYERS:
        file = Path(folder) / f"layers_{n}.egret"
        file.write_text(subprocess.run([sys.executable, Path(__file__).with_name("layers.py"), str(n)], check=True, capture_output=True, text=True).stdout)
        yield f"layers_{n}", file, ["--no-freeze"]


def measure(tool, file, options):
    done = subprocess.run([tool, "optimize", file, "--no-lower", "--json", *options], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(f"{file}: {done.stderr.strip()}", file=sys.stderr)
        return None
    return json.loads(done.stdout)


def costs(d):
    out = {c["method"]: c["cost"] for c in d["covers"]}
    out["portfolio"] = min(out.values())
    out["unfused"] = d["predicted_before_s"]
    out["no algebra"] = d["predicted_greedy_s"]
    out["joint"] = d["objective"]
    return out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--tool", default=ROOT / "build/bin/egret")
    parser.add_argument("--target", default="h200")
    parser.add_argument("--seconds", default="120")
    parser.add_argument("--graphs", type=Path, default=ROOT / ".cache/graphnet", help="what graphnet.py --suite has made")
    arguments = parser.parse_args()
    methods = ["unfused", *COVERS, "portfolio", "no algebra", "joint"]
    rows, above = [], []
    with tempfile.TemporaryDirectory() as folder:
        for name, file, options in suite(folder, arguments.graphs):
            if arguments.names and name not in arguments.names:
                continue
            d = measure(arguments.tool, file, [*options, "--target", arguments.target, "--time-limit", arguments.seconds])
            if d is None:
                continue
            found = costs(d)
            rows.append((name, d, found))
            above += [f"{name}: {m} {found[m]} below joint {found['joint']}" for m in found if found[m] < found["joint"] * (1 - 1e-9)]
            print(name, found, file=sys.stderr)
    print(f"# Fusion: every method over the best known ({arguments.target}, predicted)\n")
    print("Written by `.deps/venv/bin/python experiments/fusion/run.py > experiments/fusion/RESULTS.md`.  Seconds are of one run, on whatever else the\n"
          "machine did.\n")
    print("| program | operators | kernels | candidates | " + " | ".join(methods) + " | joint us | gap % | fuse s | extract s |")
    print("| --- " * (len(methods) + 8) + "|")
    ratios = {m: [] for m in methods}
    for name, d, found in rows:
        best = min(found.values())
        cells = []
        for m in methods:
            ratio = found[m] / best if m in found else math.nan
            ratios[m].append(ratio)
            cells.append(f"{ratio:.3f}")
        gap = 100 * (1 - d["bound"] / d["objective"]) if d["objective"] > 0 else 0
        print(f"| {name} | {d['ops_before']} | {d['kernels_after']} | {d['kernel_candidates']} | " + " | ".join(cells) +
              f" | {d['objective'] * 1e6:.2f} | {gap:.2f} | {d['fuse_s']:.2f} | {d['extract_s']:.2f} |")

    def known(m):
        return [r for r in ratios[m] if not math.isnan(r)]

    print("| geometric mean | | | | " + " | ".join(f"{math.exp(sum(map(math.log, known(m))) / max(1, len(known(m)))):.3f}" for m in methods) + " | | | | |")
    print("| worst | | | | " + " | ".join(f"{max(known(m), default=1):.3f}" for m in methods) + " | | | | |")
    print("\nSeconds of each cover, of the joint choice from them (columns, reductions, exact engines), and of all from the file to the kernels chosen:\n")
    print("| program | " + " | ".join(COVERS) + " | covers | joint | all |")
    print("| --- " * (len(COVERS) + 4) + "|")
    for name, d, _ in rows:
        took = {c["method"]: c["seconds"] for c in d["covers"]}
        fast = sum(s for m, s in took.items() if m != "local")
        print(f"| {name} | " + " | ".join(f"{took[m]:.3f}" if m in took else "" for m in COVERS) + f" | {fast:.3f} | {d['extract_s']:.2f} | {d['total_s']:.1f} |")
    below = sum(1 for _, _, f in rows if f["joint"] < min(f.get("twophase", math.inf), f["no algebra"]) * (1 - 1e-6))
    print(f"\nJoint is below both rewrite-then-fuse and no algebra in {below} of {len(rows)} programs, above in {len(above)}.")
    for line in above:
        print(f"- {line}")
    return 2 if above else 0


if __name__ == "__main__":
    sys.exit(main())
