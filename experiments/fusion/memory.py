"""Training steps under --memory-limit-device: predicted time, kernels run again and bytes, at shares of the peak without a limit.

    python3 experiments/fusion/memory.py --egret build/bin/egret [--target h200] [--output experiments/fusion/MEMORY.md]

A stack of tanh layers (tests/frontends/memory_test.py) and the transformer block of experiments/suites/training_step.py, in two
sizes.  Where a share cannot be met, the smallest limit that can is given.  Each answer is checked: within its limit, never dearer
than one of a smaller limit.
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARES = (100, 90, 80, 70, 60, 50, 40)


def layers(count, batch, width):
    spec = importlib.util.spec_from_file_location("memory_test", ROOT / "tests/frontends/memory_test.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.training_step(count, batch, width)


def block(*words):
    script = [sys.executable, ROOT / "experiments/suites/training_step.py", *words]
    return subprocess.run(script, check=True, capture_output=True, text=True).stdout


PROGRAMS = {
    "8 tanh layers, 256 x 32": lambda: layers(8, 256, 32),
    "24 tanh layers, 512 x 64": lambda: layers(24, 512, 64),
    "transformer block, 16 x 64 x 64": lambda: block("--batch", "16", "--length", "64"),
    "transformer block, 2 x 32 x 64": block,
}


def optimize(egret, path, target, limit=None):
    command = [egret, "optimize", path, "--target", target, "--no-freeze", "--extractor", "greedy", "--no-lower", "--json"]
    if limit is not None:
        command += ["--memory-limit-device", str(limit)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in (0, 2):
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def row(egret, name, path, target):
    free = optimize(egret, path, target)
    peak, cells, before = free["peak_bytes"], [], 0.0
    for share in SHARES:
        made = optimize(egret, path, target, peak * share // 100)
        if made["smallest_memory_limit"] is not None:
            cells.append(f"no: {100 * made['smallest_memory_limit'] / peak:.1f} %")
            continue
        assert made["peak_bytes"] <= peak * share // 100 and made["predicted_after_s"] >= before * (1 - 1e-12), (name, share)
        before = made["predicted_after_s"]
        cells.append(f"{before * 1e6:.1f} ({made['kernels_again']})")
    floor = 100 * free["arena_floor_bytes"] / peak
    return f"| {name} | {free['kernels_after']} | {peak} | {floor:.1f} % | " + " | ".join(cells) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--egret", default=ROOT / "build/bin/egret")
    parser.add_argument("--target", default="h200")
    parser.add_argument("--output")
    a = parser.parse_args()
    lines = [f"Training steps under `--memory-limit-device`, {a.target}, `--extractor greedy`: predicted microseconds (kernels run again) at shares of",
             "the peak without a limit; where a share cannot be met, the smallest that can. Floor: inputs (or outputs) alone, which no order avoids.",
             "Written by `experiments/fusion/memory.py`.", "",
             "| program | kernels | peak, bytes | floor | " + " | ".join(f"{s} %" for s in SHARES) + " |", "| --- " * (4 + len(SHARES)) + "|"]
    with tempfile.TemporaryDirectory() as folder:
        for name, text in PROGRAMS.items():
            path = Path(folder) / "program.egret"
            path.write_text(text())
            lines.append(row(a.egret, name, path, a.target))
            print(lines[-1], flush=True)
    if a.output:
        Path(a.output).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
