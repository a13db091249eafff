"""What generated columns buy over a fixed pool, on two training blocks in bf16 under a plain roofline.

    .deps/venv/bin/python experiments/fusion/columns.py [--output experiments/fusion/COLUMNS.md]

The blocks: forward and backward of a residual bottleneck with batch norm (resnet_step.py: 32 x 256 x 56 x 56) and of a pre-norm transformer block
(8 x 512 x 1024, 16 heads, no mask), gradients of all parameters, no optimizer.  The roofline: 2 us a launch, 4.3 TB/s, 67 T scalar
and 989 T product operations a second (of our count: a product of bf16 is a multiplication, a rounding and an addition, at the borders of a
convolution also a choice, so its rate is doubled).
"""

import argparse
import contextlib
import io
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "experiments/suites"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
import resnet_step  # noqa: E402
from training_step import Step  # noqa: E402

FUSION_ALONE = ["--no-library", "--rules", ROOT / "rules/library/fusion/fusion.rules"]
POOLS = {"fusion rules alone": FUSION_ALONE, "the library": []}
ROOFLINE = {"name": '"roofline"', "launch_seconds": "2e-6", "f16": "67e12", "bf16": "67e12"}


class TransformerBlock(Step):
    """The training step's block without mask, loss and optimizer; the gradient of y is an input."""

    def masked(self, scores):
        return scores

    def text(self):
        w, sizes = self.w, (self.batch, self.length, self.width)
        x, dy = w.input("x", sizes), w.input("dy", sizes)
        for name, shape in self.parameters.items():
            w.input(name, shape, "param ")
        results = [self.forward(x), self.backward(dy)] + [self.gradients[name] for name in self.parameters]
        return "\n".join(["graph transformer_block"] + [f"  {line}" for line in w.inputs + w.lines] + [f"  return {', '.join(results)}"])


def residual_block():
    with contextlib.redirect_stdout(io.StringIO()) as out:
        sys.argv = ["resnet_step.py"]
        resnet_step.main()
    return out.getvalue()


BLOCKS = {"residual block": residual_block, "transformer block": lambda: TransformerBlock(8, 512, 1024, 16).text()}


def roofline_of(text):
    """h200's file with the figures of the head."""
    head, products, scalars = re.split(r"(?=\[contraction_peak\]|\[scalar_peak\])", text)
    for key, value in ROOFLINE.items():
        if key.endswith("f16"):
            scalars = re.sub(rf"^{key} = .*", f"{key} = {value}", scalars, flags=re.M)
        else:
            head = re.sub(rf"^{key} = \S+", f"{key} = {value}", head, flags=re.M)
    return head + re.sub(r"^bf16 = .*", "bf16 = 1978e12", products, flags=re.M) + scalars


def optimize(tool, *words):
    done = subprocess.run([tool, "optimize", "--no-freeze", "--no-lower", "--json", *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--egret", default=ROOT / "build/bin/egret")
    parser.add_argument("--output")
    a = parser.parse_args()
    lines = ["What generated columns buy, predicted microseconds (candidates; seconds of fusion and extraction).  Written by `experiments/fusion/columns.py`,",
             "whose head says which blocks and which roofline.", "",
             "| block | algebra | best cover | fixed pool | with columns |", "| --- | --- | --- | --- | --- |"]
    with tempfile.TemporaryDirectory() as folder:
        device = Path(folder) / "roofline.toml"
        device.write_text(roofline_of((ROOT / "costmodel/devices/h200.toml").read_text()))
        for name, text in BLOCKS.items():
            file = Path(folder) / "block.egret"
            file.write_text(text().replace("f32", "bf16"))
            for algebra, words in POOLS.items():
                cells = []
                for columns in (["--no-columns"], []):
                    d = optimize(a.egret, file, "--target", device, *words, *columns)
                    proved = "" if d["optimal"] else f", gap {100 * (1 - d['bound'] / d['objective']):.1f} %"
                    cells.append(f"{d['objective'] * 1e6:.2f} ({d['kernel_candidates']}; {d['fuse_s']:.1f} + {d['extract_s']:.1f} s{proved})")
                cover = min(c["cost"] for c in d["covers"]) * 1e6
                lines.append(f"| {name} | {algebra} | {cover:.2f} | " + " | ".join(cells) + " |")
                print(lines[-1], flush=True)
    lines += ["", "The anchors' prototype names 387.93 us for its fixed pool on the residual block and 328.5 with columns, 528.32 and 520.5 on the transformer block. Its pools",
              "(`../shared/data/fusion/train_*.json.gz`) hold candidates and no operators, so its columns cannot be made from them; over the pools themselves",
              "`egret extract` proves 387.93 and 528.32. Its kernels are others than ours: it may store a map beside the sums of its rows (allowed here, the residual block without",
              "algebra would come to 332.6) and run attention forward as one kernel, so its transformer block writes no scores and ours does; ours absorb more operators, and algebra",
              "may choose the terms."]
    if a.output:
        Path(a.output).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
