#!/usr/bin/env python3
"""Prebuilds what run.py takes to a machine with a GPU, which may reach no network and have no compiler.

    make build && ninja -C build gpu_bundle
    experiments/gpu/prepare.py [--target h200] [--out .cache/gpu] [--models NAME ...]

OUT then holds: bin/egret with the shared libraries that it needs (lib/), kernels/MODEL: an artifact that runs every
distinct kernel of MODEL on inputs of its own; models/MODEL: whole small models with their weights; run.py;
manifest.json.  Host code is for x86-64-v3, which any such machine has.  --shim makes it for the fake driver of the
tests instead (dry run: OUT/run.py --driver build/lib/libegret_fake_cuda.so).  Fails where OUT exceeds --limit-mib.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SUITE = ["bvlc_alexnet", "densenet121", "inception_v1", "inception_v2", "resnet50", "shufflenet", "squeezenet", "vgg19",
         "zfnet512", "minilm"]
WHOLE = ["squeezenet", "shufflenet"]  # their weights are small
SYSTEM = {"libc.so.6", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6", "libpthread.so.0", "libdl.so.2"}


def run(*command, **more):
    done = subprocess.run([str(c) for c in command], env=dict(os.environ, EGRET_HOST_LEVEL="x86-64-v3"), **more)
    if done.returncode:
        sys.exit(f"prepare: {' '.join(str(c) for c in command[:2])} failed ({done.returncode})")


def copy_tool(build, out):
    (out / "bin").mkdir()
    (out / "lib").mkdir()
    shutil.copy2(build / "bin/egret", out / "bin/egret")
    listed = subprocess.run(["ldd", str(build / "bin/egret")], capture_output=True, text=True, check=True).stdout
    for name, path in re.findall(r"(\S+) => (\S+)", listed):
        if name not in SYSTEM and path.startswith("/"):
            shutil.copy2(path, out / "lib" / name)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", default="h200")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / ".cache/gpu")
    parser.add_argument("--models", nargs="*", default=SUITE)
    parser.add_argument("--shim", action="store_true", help="for the fake driver")
    parser.add_argument("--limit-mib", type=int, default=60)
    a = parser.parse_args()

    models = ROOT / ".cache/models"
    run(ROOT / ".deps/venv/bin/python", ROOT / "experiments/suites/make_models.py", models, *a.models)
    shutil.rmtree(a.out, ignore_errors=True)
    a.out.mkdir(parents=True)
    copy_tool(a.build, a.out)
    shim = ["--shim"] if a.shim else []
    run(a.build / "bin/gpu_bundle", "--target", a.target, *shim, "--out", a.out / "kernels",
        *[models / f"{m}.onnx" for m in a.models])
    for name in (m for m in WHOLE if m in a.models):
        whole = a.out / "models" / name
        run(a.build / "bin/egret", "--json", "optimize", models / f"{name}.onnx", "--target", a.target, "-o", whole,
            stdout=subprocess.DEVNULL)
        if a.shim:
            run(a.build / "bin/gpu_bundle", "--shim-artifact", whole, "--out", a.out / "shim")
            shutil.rmtree(whole)
            (a.out / "shim").rename(whole)
    shutil.copy2(ROOT / "experiments/gpu/run.py", a.out / "run.py")
    commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()
    (a.out / "manifest.json").write_text(json.dumps({"target": a.target, "models": a.models, "commit": commit}, indent=1) + "\n")
    size = sum(p.stat().st_size for p in a.out.rglob("*") if p.is_file()) / 2**20
    print(f"{a.out}: {size:.1f} MiB")
    if size > a.limit_mib:
        sys.exit(f"prepare: more than {a.limit_mib} MiB; give fewer --models")


if __name__ == "__main__":
    main()
