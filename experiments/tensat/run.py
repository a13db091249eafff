#!/usr/bin/env python3
"""The TENSAT suite under one cost table: each model, the optimized graph that TENSAT's authors saved, and what egret finds.

    experiments/tensat/run.py [--egret build/bin/egret] [--data ../shared/data] [--target h200] [MODEL ...]
    experiments/tensat/run.py --fast         # what CI runs: bert, nasrnn, resnext50, and nasneta's saved graph
    experiments/tensat/run.py --pairs        # also TENSAT's own pair rules, 1, 2 and 3 rounds (k_multi)
    experiments/tensat/run.py --out FILE.md  # the tables, as RESULTS.md has them

The cost table is operators.rules: an operator a kernel, priced by the roofline of the target (operations, bytes, a launch).
Rules are TENSAT's own that are true: TASO's 114 of one root (made by tests/rules/data/make_taso.py; the four false ones are
left out) and those of several roots (several_roots.rules).  Weights are frozen: what depends on them alone is free, as in
TENSAT's measurements, within the fold limit.  Ends with 1 where a figure misses what is due.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))
from convert import Writer, convert, read_model  # noqa: E402

MODELS = {  # the graph, the saved result, whether that is equivalent
    "bert": ("bert.graph.jsonl", "bert_optimized.model", True),
    "nasrnn": ("nasrnn.graph.jsonl", "nasrnn_optimized.model", True),
    "resnext50": ("resnext50.graph.jsonl", "resnext50_optimized.model", True),
    "nasneta": ("nasneta.graph.jsonl", "nasneta_optimized.model", False),
    "resnet50": ("resnet50.graph.jsonl", None, None),
    "inceptionv3": ("inceptionv3.model", None, None),
    "squeezenet": ("squeezenet_out.model", None, None),
    "vgg": ("vgg.model", None, None),
    "mobilenetv2": ("mobilenetv2-7.model", None, None),
}
FAST = ["bert", "nasrnn", "resnext50"]
NUMERICS = "default,cancel"  # TASO and TENSAT take every rule that is true of the reals
FALSE = {"taso-099", "taso-100", "taso-130", "taso-131"}  # grouped convolutions of unequal groups: refuted by `egret verify`
CANDIDATES = 40
SECONDS = 10.0
GAP = 0.05


class Suite:
    def __init__(self, options, folder):
        self.options, self.folder = options, Path(folder)
        self.models = Path(options.data) / "tensat/models"
        made = self.made_rules(Path(options.data) / "taso/graph_subst.txt")
        parts = re.split(r"(?m)^(?=rule )", made)
        kept = [p for p in parts[1:] if p.split(":")[0].removeprefix("rule ") not in FALSE and "\n  find" not in p]
        self.several = Path(shutil.copy(HERE / "several_roots.rules", self.folder))
        self.single = self.folder / "single.rules"
        self.single.write_text(parts[0] + "".join(kept))
        self.pairs = self.folder / "pairs.rules"
        self.pairs.write_text(self.made_rules(Path(options.data) / "tensat/multi_rules_one_per_line.txt"))
        self.missed = []
        for rules in [self.several, self.single] + ([self.pairs] if options.pairs else []):  # proved once, recorded beside the file
            rows = self.egret("verify", rules, "--record", good=(0, 2))["rules"]
            self.due(all(r["verdict"] == "proved" for r in rows), f"not proved: {[r['name'] for r in rows if r['verdict'] != 'proved']}")

    def made_rules(self, source):
        maker = ROOT / "tests/rules/data/make_taso.py"
        return subprocess.run([sys.executable, maker, source], capture_output=True, text=True, check=True).stdout

    def due(self, right, what):
        if not right:
            self.missed.append(what)
            print(f"MISSED {what}", flush=True)

    def egret(self, *arguments, good=(0,)):
        done = subprocess.run([self.options.egret, "--json", *map(str, arguments)], capture_output=True, text=True, check=False)
        if done.returncode not in good:
            raise SystemExit(f"egret {' '.join(map(str, arguments))}: status {done.returncode}\n{done.stderr[-2000:]}")
        return json.loads(done.stdout)

    def optimize(self, model, rules, *more):
        kept = self.folder / "kept"
        figures = self.egret("optimize", model, "--freeze", "--no-lower", "--no-library", "--rules", HERE / "operators.rules", *rules,
                             "--numerics", NUMERICS, "--target", self.options.target, "--candidates", CANDIDATES, "--keep-run", kept, *more)
        kernels = json.loads((kept / "run.json").read_text())["kernels"]
        figures["products"] = sum(k["operators"].count(op) for k in kernels for op in ("dot", "conv"))
        shutil.rmtree(kept)
        return figures

    def text(self, file):
        path = self.folder / (Path(file).name.split(".")[0] + ".egret")
        path.write_text(convert(self.models / file))
        return path

    def row(self, name):
        file, saved_file, equivalent = MODELS[name]
        source = self.text(file)
        rules = [self.several, ROOT / "rules/library/movement/slices.rules", self.single]
        before = self.optimize(source, [])
        saved = self.optimize(self.text(saved_file), []) if saved_file else None
        ours = self.optimize(source, rules)
        cost, gap = ours["predicted_after_s"], 1 - ours["bound"] / ours["predicted_after_s"]
        self.due(cost <= before["predicted_after_s"] * (1 + 1e-9), f"{name}: dearer than the input")
        self.due(gap <= GAP, f"{name}: gap {gap:.1%}")
        self.due(self.options.fast or ours["total_s"] <= SECONDS, f"{name}: {ours['total_s']:.1f} s")
        if saved and equivalent:
            self.due(cost <= saved["predicted_after_s"] * (1 + 1e-9), f"{name}: dearer than the saved graph")
        if name == "bert":
            self.due(ours["products"] == 24, f"bert: {ours['products']} products, 24 are due")
        us = "{:.1f}".format
        saved_text = us(saved["predicted_after_s"] * 1e6) + ("" if equivalent else " (not equal)") if saved else "-"
        counts = " / ".join(str(f["products"]) if f else "-" for f in (before, saved, ours))
        return [name, us(before["predicted_after_s"] * 1e6), saved_text, us(cost * 1e6), f"{(1 - cost / before['predicted_after_s']):.1%}",
                f"{max(gap, 0):.2%}", counts, str(ours["enodes"]), f"{ours['iterations']} ({ours['stop_reason']})", f"{ours['total_s']:.2f}"]

    def pair_row(self, name, rounds):
        """TENSAT's way: pairs merged, `rounds` times."""
        figures = self.optimize(self.text(MODELS[name][0]), [self.pairs, ROOT / "rules/library/movement/slices.rules", self.single],
                                "--iterations", rounds, "--node-limit", 50_000)
        gap = 1 - figures["bound"] / figures["predicted_after_s"]
        return [name, str(rounds), f"{figures['predicted_after_s'] * 1e6:.1f}", f"{max(gap, 0):.2%}", str(figures["products"]),
                str(figures["enodes"]), figures["stop_reason"], f"{figures['total_s']:.2f}"]

    def wrong_merges(self, file):
        """Convolutions of a saved graph whose weights are two depthwise ones joined, and the first as two small programs."""
        nodes, outputs = read_model(self.models / file)
        writer = Writer("saved", nodes, outputs)
        writer.text()
        found = []
        for node in nodes.values():
            weights = [nodes[d] for d, _ in node.operands if nodes[d].op == "concat"] if node.op == "conv2d" else []
            parts = [writer.shapes[writer.value(d)] for d in weights[0].operands] if weights else []
            if len(parts) == 2 and parts[0] == parts[1] and parts[0][1] == 1:
                image = next(d for d in node.operands if not writer.is_constant(d[0]))
                if writer.shapes[writer.value(image)][1] == parts[0][0]:
                    found.append((node, parts[0]))
        node, shape = found[0]
        c, kernel = shape[0], shape[2:]
        head = f"  x: f32[1,{c},5,5]\n  w: f32[{','.join(map(str, shape))}]\n  v: f32[{','.join(map(str, shape))}]\n"
        attributes = f"stride={node.stride}, low={node.pad}, high={node.pad}, groups={c}"
        size = [(5 + 2 * p - k) // t + 1 for p, k, t in zip(node.pad, kernel, node.stride)]
        merged = self.folder / "merged.egret"
        merged.write_text(f"graph merged\n{head}  u = concat(w, v, axis=0)\n  y = conv(x, u, {attributes})\n"
                          f"  p = slice(y, start=[0, 0, 0, 0], limit=[1, {c}, {size[0]}, {size[1]}])\n"
                          f"  q = slice(y, start=[0, {c}, 0, 0], limit=[1, {2 * c}, {size[0]}, {size[1]}])\n  return p, q\n")
        apart = self.folder / "apart.egret"
        apart.write_text(f"graph apart\n{head}  p = conv(x, w, {attributes})\n  q = conv(x, v, {attributes})\n  return p, q\n")
        return len(found), self.difference(merged, apart)

    def difference(self, a, b):
        import numpy as np
        values = []
        for path in (a, b):
            npz = self.folder / "values.npz"
            self.egret("run", path, "--device", "reference", "--random", "--seed", 1, "--outputs", npz)
            with np.load(npz) as loaded:
                values.append([loaded[name] for name in loaded.files])
        return max(float(np.abs(x - y).max() / np.abs(y).max()) for x, y in zip(*values))


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    return "\n".join(lines + ["| " + " | ".join(r) + " |" for r in rows])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL", help="of " + ", ".join(MODELS))
    parser.add_argument("--egret", default=str(ROOT / "build/bin/egret"))
    parser.add_argument("--data", default=str(ROOT.parent / "shared/data"))
    parser.add_argument("--target", default="h200")
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--pairs", action="store_true")
    parser.add_argument("--out")
    options = parser.parse_args()
    if unknown := [m for m in options.models if m not in MODELS]:
        parser.error(f"no such model: {', '.join(unknown)}")
    if not (Path(options.data) / "tensat/models").is_dir():
        print("SKIPPED: TENSAT's models are not here")
        return 0
    names = options.models or (FAST if options.fast else list(MODELS))
    parts = []
    with tempfile.TemporaryDirectory(prefix="egret-tensat-") as folder:
        suite = Suite(options, folder)
        head = ["model", "input, us", "saved by TENSAT's authors, us", "egret, us", "gain", "gap", "products: input / saved / egret",
                "e-nodes", "rounds", "seconds"]
        parts.append(table(head, [suite.row(n) for n in names]))
        print(parts[-1], flush=True)
        if options.pairs:
            head = ["model", "k_multi", "egret, us", "gap", "products", "e-nodes", "stopped by", "seconds"]
            parts.append(table(head, [suite.pair_row(n, k) for n in ("bert", "nasrnn") if n in names for k in (1, 2, 3)]))
            print(parts[-1], flush=True)
        count, error = suite.wrong_merges("nasneta_optimized.model")
        suite.due(count > 0 and error > 0.1, f"nasneta: {count} wrong merges, error {error}")
        parts.append(f"nasneta_optimized.model: {count} grouped convolutions join two depthwise ones of one image; the reference interpreter "
                     f"gives results that differ by {error:.2f} of their largest value.")
        print(parts[-1], flush=True)
        if options.out:
            Path(options.out).write_text(f"# The TENSAT suite, target {options.target}\n\n" + "\n\n".join(parts) + "\n")
    return 1 if suite.missed else 0


if __name__ == "__main__":
    sys.exit(main())
