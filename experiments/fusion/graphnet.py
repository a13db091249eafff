#!/usr/bin/env python3
"""Captured graphs of ../shared/data/graphnet through egret: read, run, compared with PyTorch's eager mode, optimized.

    python3 -m venv .deps/torch && .deps/torch/bin/pip install torch==2.15.* onnxscript onnx==1.23.* numpy
    .deps/torch/bin/python experiments/fusion/graphnet.py [--out .cache/graphnet] [--suite] [NAME ...]

The road: ../shared/tools/graphnet_module.py makes a torch.fx module of a captured graph, what it names a weight becomes a buffer,
torch.onnx writes OUT/NAME.onnx, and OUT/NAME.npz holds the inputs and what eager mode makes of them.  Then `egret run` (a kernel an
operator, on the host) is compared with that, and `egret optimize --extractor greedy` for the H200 says what becomes of it; --optimized: what
it makes for the host is run and compared, too.  What exists is kept; each graph is made in a process of its own.  The table on stdout has a line a graph: where it stops, and why, in the words of the
tool that stopped it.  NAME: part of a graph's name; none: all of them (hours).  --suite: those that run.py takes.
"""

import argparse
import json
import math
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
sys.path.insert(0, str(SHARED / "tools"))

# Of each kind of network one that is small.
SUITE = ["mmseg.DDRNet-slim", "others.pigu_hybrid", "timm.coat_lite_small.in1k", "timm.convnextv2_atto.fcmae", "timm.mobilenetv2_100.ra_in1k",
         "timm.repghostnet_058.in1k", "torchaudio.convtasnet_base_libri2mix", "torchaudio.squim_objective", "torchgeometric.GraphSAGE",
         "torchgeometric.LINKX", "transformers-auto-model.google_t5-efficient-mini", "transformers-auto-model.splade-mini",
         "transformers-auto-model.hf-tiny-model-private_tiny-random-PoolFormerModel",
         "transformers-auto-model.hf-tiny-model-private_tiny-random-Swinv2ForImageClassification",
         "transformers-auto-model.hf-tiny-model-private_tiny-random-Wav2Vec2ConformerForSequenceClassification", "ultralytics.yolov5n6u"]

TOLERANCE = 1e-3  # of float32, relative to an output's largest magnitude (NOTES.md of the data)


def file_name(name):
    return name.removeprefix("samples/").replace("/", ".")


def frozen(module, graph, arguments):
    """The module with its weights as buffers and its numbers bound: what is left are the inputs of a run."""
    import graphnet_module

    left = []
    placeholders = [n for n in module.graph.nodes if n.op == "placeholder"]
    for spec, node, value in zip(graph["inputs"], placeholders, arguments):
        weight = "_parameters_" in spec["name"] or "_buffers_" in spec["name"] or "_self_" in spec["name"]
        if not node.users:
            module.graph.erase_node(node)
        elif graphnet_module.number(graph, spec) is not None or weight:
            module.register_buffer(spec["name"], value)
            with module.graph.inserting_before(node):
                node.replace_all_uses_with(module.graph.get_attr(spec["name"]))
            module.graph.erase_node(node)
        else:
            left.append((node.name, value))
    module.recompile()
    return left


def make(graph, path, memory, pipe):
    """Writes PATH.onnx and PATH.npz; sends "" or why not."""
    import numpy as np
    import torch
    import graphnet_module

    resource.setrlimit(resource.RLIMIT_DATA, (memory << 30,) * 2)
    torch.set_num_threads(1)
    try:
        module = graphnet_module.build(graph)
        inputs = frozen(module, graph, graphnet_module.inputs(graph))
        names, values = [n for n, _ in inputs], tuple(v for _, v in inputs)
        temporary = path.with_suffix(f".{os.getpid()}.onnx")
        with torch.no_grad():
            # Twice: eager mode may change what it is given.
            outputs = module(*(v.clone() for v in values))
            torch.onnx.export(module, values, str(temporary), input_names=names, dynamo=True, external_data=False, verbose=False)
        arrays = {f"in:{n}": v.numpy() for n, v in zip(names, values)}
        arrays |= {f"out:{i}": o.numpy() for i, o in enumerate(outputs) if isinstance(o, torch.Tensor)}
        np.savez(path.with_suffix(".npz"), **arrays)
        os.replace(temporary, path.with_suffix(".onnx"))
        pipe.send("")
    except Exception as e:  # whatever the exporter raises is the answer
        pipe.send(" ".join(f"{type(e).__name__}: {e}".split())[:300])


def made(graph, path, options):
    if path.with_suffix(".onnx").exists():
        return ""
    fork = multiprocessing.get_context("fork")
    pipe, end = fork.Pipe(duplex=False)
    process = fork.Process(target=make, args=(graph, path, options.memory, end))
    process.start()
    end.close()
    try:
        why = pipe.recv() if pipe.poll(options.timeout) else f"not exported after {options.timeout} s"
    except EOFError:
        process.join()
        why = f"the exporter ended with {process.exitcode}"
    process.kill()
    process.join()
    return why


def called(options, *arguments):
    """(JSON object or None, why not)"""
    try:
        done = subprocess.run([options.tool, *map(str, arguments)], capture_output=True, text=True, timeout=options.timeout)
    except subprocess.TimeoutExpired:
        return None, f"not done after {options.timeout} s"
    if done.returncode not in (0, 2):
        return None, f"status {done.returncode}: " + " ".join(done.stderr.split())[:200]
    return json.loads(done.stdout), ""


def worst_error(found, arrays):
    """max|a - b| / max|a| over all outputs; infinite where shapes, or NaN and infinities in place, differ."""
    import numpy as np

    worst = 0.0
    wanted = [arrays[k] for k in arrays.files if k.startswith("out:")]
    if len(wanted) != len(found):
        return float("inf")
    for a, b in zip(wanted, found):
        a, b = a.astype(np.float64), b.astype(np.float64)
        if a.shape != b.shape or not np.array_equal(np.isfinite(a), np.isfinite(b)):
            return float("inf")
        finite = np.isfinite(a)
        scale = np.abs(a[finite]).max(initial=0.0)
        worst = max(worst, np.abs(a[finite] - b[finite]).max(initial=0.0) / (scale or 1.0))
    return worst


def ran(model, arrays, options):
    """(error of the outputs of a model or an artifact against eager mode's, why there is none)"""
    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        values, results = folder + "/in.npz", folder + "/out.npz"
        np.savez(values, **{k[3:]: arrays[k] for k in arrays.files if k.startswith("in:")})
        done, why = called(options, "run", model, "--device", "cpu", "--inputs", values, "--outputs", results, "--json")
        if done is None:
            return math.inf, why
        found = np.load(results)
        return worst_error([found[o["name"]] for o in done["outputs"]], arrays), ""


def examine(graph, options):
    """The cells of one graph's line."""
    import numpy as np

    path = options.out / (file_name(graph["name"]) + ".onnx")
    row = {"operators": len(graph["ops"])}
    row["stopped"] = made(graph, path, options)
    if row["stopped"]:
        return row | {"at": "export"}
    arrays = np.load(path.with_suffix(".npz"))
    row["error"], row["stopped"] = ran(path, arrays, options)
    if row["stopped"]:
        return row | {"at": "run"}
    if options.optimized:
        with tempfile.TemporaryDirectory() as artifact:
            _, row["stopped"] = called(options, "optimize", path, "--extractor", "greedy", "-o", artifact + "/made", "--json")
            if not row["stopped"]:
                row["after"], row["stopped"] = ran(artifact + "/made", arrays, options)
        if row["stopped"]:
            return row | {"at": "optimized"}
    begin = time.perf_counter()
    done, row["stopped"] = called(options, "optimize", path, "--target", "h200", "--extractor", "greedy", "--no-lower", "--time-limit", 60, "--json")
    row["seconds"] = time.perf_counter() - begin
    if done is None:
        return row | {"at": "optimize"}
    row["ops"], row["kernels"] = done["ops_before"], done["kernels_after"]
    row["fallbacks"] = ", ".join(f"{f['op']} x{f['count']}" for f in done["fallbacks"])
    if (worst := max(row["error"], row.get("after", 0))) > TOLERANCE:
        return row | {"at": "compare", "stopped": f"error {worst:.1e}"}
    return row | {"at": "fallbacks" if row["fallbacks"] else "", "stopped": row["fallbacks"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--suite", action="store_true")
    parser.add_argument("--optimized", action="store_true")
    parser.add_argument("--out", type=Path, default=ROOT / ".cache/graphnet")
    parser.add_argument("--data", type=Path, default=SHARED / "data/graphnet/graphs.jsonl.xz")
    parser.add_argument("--tool", default=ROOT / "build/bin/egret")
    parser.add_argument("--timeout", type=int, default=300, help="seconds a step")
    parser.add_argument("--memory", type=int, default=9, help="GB of a process that exports")
    parser.add_argument("--discard", action="store_true", help="remove the model once its line is printed")
    options = parser.parse_args()
    import graphnet_module

    options.out.mkdir(parents=True, exist_ok=True)
    print("| graph | calls | operators | kernels | error | error optimized | optimize s | stopped at | why |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    stops = {}
    for graph in graphnet_module.load(options.data):
        exact = file_name(graph["name"])
        if options.suite and exact not in SUITE or options.names and not any(n in exact for n in options.names):
            continue
        row = examine(graph, options)
        stops[row["at"]] = stops.get(row["at"], 0) + 1
        cells = [f"{row[k]:.1e}" if k in ("error", "after") and k in row else f"{row[k]:.2f}" if k == "seconds" and k in row else str(row.get(k, ""))
                 for k in ("operators", "ops", "kernels", "error", "after", "seconds", "at", "stopped")]
        print(f"| {exact} | " + " | ".join(c.replace("|", "/") for c in cells) + " |", flush=True)
        if options.discard:
            for end in (".onnx", ".npz"):
                (options.out / (exact + end)).unlink(missing_ok=True)
    print(f"\n{sum(stops.values())} graphs: {stops.pop('', 0)} read, right and optimized" + "".join(f", {n} stopped at {k}" for k, n in sorted(stops.items())))


if __name__ == "__main__":
    main()
