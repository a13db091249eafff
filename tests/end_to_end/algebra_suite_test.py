"""The algebra suite through the tool: the gain that needs the e-graph is there, is its rule's, and the results are right.
The training step too: right, and never dearer than greedy.

    algebra_suite_test.py TOOL ONNX_DRIVER [NAME ...]

A program with parameters is frozen: it becomes an ONNX file whose parameters are initializers (onnx_driver converts it).
Every program is compared with itself an operator a kernel (--check); its host artifact with `run --device reference`;
an ONNX file with onnxruntime too.  Where a gain is due, rules_used names its rule, and it goes with that rule's file.
"""

import json
import math
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/frontends"))
from onnx_cases import difference  # noqa: E402
from onnx_models import open_session, outputs_of  # noqa: E402

# The rule that a program's gain needs (a part of its name).  What is not named may gain by fusion alone.
RULES = {
    "chain": "dot-assoc",
    "common_factor": "factor-dot",
    "concat_of_products": "concat-of",
    "conv_batch_norm_residual": "conv-",
    "lora_apart": "factor-dot",
    "lora_merged": "",
    "pooled_convolution": "sum-of-pointwise-conv",
    "product_of_sum": "factor-dot",
    "qkv": "merge-dot",
    "repeated_subterms": "dot-of-transpose",
    "rms_norm_weight": "scale-",
    "scale_before_product": "scale-",
    "scaled_attention": "dot-assoc",
    "shared_right": "merge-dot-shared-right",
    "sum_of_product": "sum-of-dot",
    "transpose_pairs": "map-past-transpose",
}
# Another way to much of the same gain: [Wq | Wk] as one product, whose parts are read as views.
ALSO = {"scaled_attention": ["merge-dot-shared-left"]}
OPTIONS = {"lora_merged": ["--no-freeze", "--numerics", "fast"], "training_step": ["--no-freeze"]}
GAIN = 0.85       # predicted_after_s over predicted_greedy_s, at most, where a gain is due
MOST_LEFT = 0.5   # of the gain (of its logarithm), without the rule's file
AT_LEAST = 8      # programs with a gain
TOLERANCE = 1e-4


def inputs_of(text, rng):
    """Values by name, and the names of the parameters."""
    values, parameters = {}, set()
    for role, name, sizes in re.findall(r"^  (param )?(\w+): f32\[([\d,]*)\]", text, re.M):
        shape = [int(s) for s in sizes.split(",") if s]
        value = rng.standard_normal(shape)
        if role:
            parameters.add(name)
            if len(shape) > 1:  # weights, scaled by fan-in
                value /= math.sqrt(np.prod(shape[1:] if len(shape) == 4 else shape[:1]))
        if "variance" in name or name.endswith("_v"):  # of a norm, of Adam
            value = np.abs(value) + 0.5
        values[name] = np.asarray(4.0 if name == "step" else value, np.float32)
    return values, parameters


class Suite:
    def __init__(self, tool, driver, folder):
        self.tool, self.driver, self.folder = tool, driver, Path(folder)
        self.failures = 0
        self.rule_file = {r["name"].removesuffix("/rev"): r["file"] for r in self.egret("rules")["rules"] if r["on"]}
        self.files = sorted({ROOT / "rules" / f for f in self.rule_file.values()})

    def expect(self, right, what):
        if not right:
            self.failures += 1
            print(f"  WRONG {what}", flush=True)

    def egret(self, *arguments):
        done = subprocess.run([self.tool, "--json", *map(str, arguments)], capture_output=True, text=True, cwd=ROOT)
        if done.returncode != 0:
            raise RuntimeError(f"egret {' '.join(map(str, arguments))}: status {done.returncode}\n{done.stderr[-2000:]}")
        return json.loads(done.stdout)

    def frozen(self, path, values, parameters):
        """The program as an ONNX file with the parameters' values."""
        onnx_path = self.folder / f"{path.stem}.onnx"
        subprocess.run([self.driver, "convert", str(path), str(onnx_path)], check=True)
        model = onnx.load(onnx_path)
        inputs = [i for i in model.graph.input if i.name not in parameters]
        del model.graph.input[:]
        model.graph.input.extend(inputs)
        model.graph.initializer.extend(numpy_helper.from_array(values[n], n) for n in sorted(parameters))
        onnx.save(model, onnx_path)
        return onnx_path

    def check_values(self, path, values, options):
        """Another process runs the host's artifact on given values; the reference and onnxruntime judge it."""
        artifact, given = self.folder / "artifact", self.folder / "in.npz"
        np.savez(given, **values)
        self.egret("optimize", path, *options, "--target", "host", "-o", artifact)
        self.egret("run", artifact, "--inputs", given, "--outputs", self.folder / "found.npz")
        self.egret("run", path, "--device", "reference", "--inputs", given, "--outputs", self.folder / "expected.npz")
        found, expected = (dict(np.load(self.folder / f"{n}.npz")) for n in ("found", "expected"))
        self.expect(found.keys() == expected.keys(), f"{path.stem}: other outputs")
        worst = max(difference(e, found[n]) for n, e in expected.items())
        if path.suffix == ".onnx":
            session = open_session(path)
            used = {i.name: values[i.name] for i in session.get_inputs()}
            worst = max([worst] + [difference(e, found[n]) for n, e in outputs_of(session, used).items()])
        self.expect(worst <= TOLERANCE, f"{path.stem}: error {worst:.2e}")
        return worst

    def without_files(self, path, options, rules):
        """The ratio when every library file but those of `rules` is loaded."""
        gone = {ROOT / "rules" / self.rule_file[r] for r in rules}
        left = [f for f in self.files if f not in gone]
        figures = self.egret("optimize", path, *options, "--target", "h200", "--no-library", "--rules", *left)
        return figures["predicted_after_s"] / figures["predicted_greedy_s"]

    def judge(self, path):
        """True where the program gains what is due."""
        values, parameters = inputs_of(path.read_text(), np.random.default_rng(5))
        name, options = path.stem, OPTIONS.get(path.stem, [])
        if "--no-freeze" not in options and parameters:
            path = self.frozen(path, values, parameters)
            values = {n: v for n, v in values.items() if n not in parameters}
        figures = self.egret("optimize", path, *options, "--target", "h200", "--check")
        self.expect(figures["check"]["ok"], f"{name}: --check says {figures['check']}")
        self.expect(not figures["quarantined_rules"], f"{name}: quarantined {figures['quarantined_rules']}")
        ratio = figures["predicted_after_s"] / figures["predicted_greedy_s"]
        self.expect(ratio <= 1 + 1e-9, f"{name}: dearer than greedy: {ratio}")
        error = self.check_values(path, values, options)
        used = [r["name"] for r in figures["rules_used"]]
        rule = next((r for r in used if RULES.get(name) and RULES[name] in r), None)
        line = (f"{name}: {ratio:.3f} of greedy, {figures['kernels_before']} -> {figures['kernels_after']} kernels, "
                f"error {error:.1e}, {figures['stop_reason']}")
        if ratio > GAIN or name not in RULES:
            print(f"{line}; no gain due; rules {', '.join(used)}", flush=True)
            return False
        self.expect(rule is not None, f"{name}: rules_used does not name *{RULES.get(name)}*: {used}")
        if rule is not None:
            rules = [rule.removesuffix("/rev"), *ALSO.get(name, [])]
            left = self.without_files(path, options, rules)
            self.expect(math.log(left) >= MOST_LEFT * math.log(ratio),
                        f"{name}: {left:.3f} of greedy without the files of {rules}")
            line += f"; {left:.3f} without {', '.join(self.rule_file[r] for r in rules)} ({rule})"
        print(line, flush=True)
        return True


def main(tool, driver, *names):
    tool, driver = (str(Path(p).resolve()) for p in (tool, driver))
    files = sorted((ROOT / "experiments/suites/algebra").glob("*.egret"))
    files.append(ROOT / "experiments/suites/training_step.egret")
    files = [f for f in files if not names or f.stem in names]
    with tempfile.TemporaryDirectory(prefix="egret-algebra-") as folder:
        suite = Suite(tool, driver, folder)
        gains = sum([suite.judge(f) for f in files])
    suite.expect(names or gains >= AT_LEAST, f"{gains} programs gain, {AT_LEAST} are due")
    print(f"{gains} of {len(files)} programs at {GAIN} of greedy or less; {suite.failures} failures")
    return 1 if suite.failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
