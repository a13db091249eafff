#!/usr/bin/env python3
"""Runs every kernel of the model suite on a GPU: against the host's results, and against the roofline's prediction.

    OUT/run.py --results FOLDER [--device cuda:0] [--repeat 20] [--budget 540]

OUT is what prepare.py made; this file lies in it and needs Python's standard library and a CUDA driver.  Each kernel runs
on random inputs; its result is compared with the host code's on the same inputs; its least time of --repeat runs
is set beside the prediction.  Whole small models run too.  Writes FOLDER/gpu.json (date, device, summary, every
launch) and FOLDER/gpu.csv (site, kernel, schedule, measured_s, predicted_s, error), after every model, so that what was
measured stays when the time runs out.  Exit status 0: all right; 2: a result differs; 1: nothing ran.
"""
import argparse
import csv
import datetime
import hashlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
COLUMNS = ["site", "kernel", "schedule", "measured_s", "predicted_s", "error", "body_digest"]


def device_name():
    """What nvidia-smi says of the device; None where there is no such program."""
    try:
        found = subprocess.run(["nvidia-smi", "--query-gpu=name,driver_version,clocks.max.sm,memory.total", "--format=csv,noheader"],
                               capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() if found.returncode == 0 else None


def run_artifact(folder, a, environment, seconds):
    """The JSON of `egret run`; an error text where it failed."""
    command = [str(HERE / "bin/egret"), "--json", "run", str(folder), "--device", a.device, "--random", "--repeat",
               str(a.repeat), "--profile", "--check"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=max(seconds, 1))
    except subprocess.TimeoutExpired:
        return None, "out of time"
    if done.returncode not in (0, 2):
        return None, done.stderr.strip()
    return json.loads(done.stdout), None


def pair_order(pairs):
    """Of pairs that the measurement puts 10 % apart or more, the share that the prediction puts in the same order."""
    right = total = 0
    for i, (m, p) in enumerate(pairs):
        for n, q in pairs[:i]:
            if max(m, n) < 1.1 * min(m, n):
                continue
            total += 1
            right += (m < n) == (p < q)
    return right / total if total else None


def summary(rows):
    pairs = [(r["measured_s"], r["predicted_s"]) for r in rows if r["predicted_s"] and r["measured_s"] > 0]
    if not pairs:
        return {"n": 0}
    errors = sorted(abs(p - m) / m for m, p in pairs)
    return {"n": len(pairs), "mape": statistics.fmean(errors), "median": statistics.median(errors),
            "p90": errors[min(len(errors) - 1, int(0.9 * len(errors)))], "pair_order": pair_order(pairs),
            "measured_s": sum(m for m, _ in pairs), "predicted_s": sum(p for _, p in pairs)}


def write(results, report, rows):
    """Both files, each whole or as it was."""
    part = results / "gpu.part"
    part.write_text(json.dumps(report, indent=1) + "\n")
    part.replace(results / "gpu.json")
    with open(part, "w", newline="") as file:
        out = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
        out.writeheader()
        out.writerows(rows)
    part.replace(results / "gpu.csv")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=pathlib.Path, required=True)
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--driver", help="library to take for libcuda.so.1 (the fake driver, for a dry run)")
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--budget", type=float, default=540, help="seconds in all; models that do not fit are left out")
    parser.add_argument("--only", nargs="*", help="names of models")
    a = parser.parse_args()

    environment = dict(os.environ, LD_LIBRARY_PATH=f"{HERE / 'lib'}:{os.environ.get('LD_LIBRARY_PATH', '')}")
    if a.driver:
        environment["EGRET_CUDA_DRIVER"] = str(pathlib.Path(a.driver).resolve())
    start = time.monotonic()
    a.results.mkdir(parents=True, exist_ok=True)
    report = {"date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
              "device": "fake driver" if a.driver else device_name(), "repeat": a.repeat,
              "manifest": json.loads((HERE / "manifest.json").read_text()), "summary": {}, "models": {}, "failed": {}}
    rows, wrong = [], []
    folders = [(kind, f) for kind in ("models", "kernels") for f in sorted((HERE / kind).glob("*")) if (f / "plan.json").exists()]
    for kind, folder in folders:
        if a.only and folder.name not in a.only:
            continue
        site = f"{kind}/{folder.name}"
        left = a.budget - (time.monotonic() - start)
        figures, error = run_artifact(folder, a, environment, left) if left > 5 else (None, "out of time")
        if error:
            report["failed"][site] = error
            print(f"{site}: {error}", file=sys.stderr, flush=True)
        else:
            launches = [{"site": site, "kernel": l["kernel"], "schedule": l["schedule"], "measured_s": l["min_s"],
                         "predicted_s": l.get("predicted_s"), "error": l["error"],
                         "body_digest": hashlib.sha256(l["body"].encode()).hexdigest()[:16], "body": l["body"]}
                        for l in figures["launches"]]
            if kind == "kernels":
                rows += launches
            report["models"][site] = {"min_s": figures["min_s"], "median_s": figures["median_s"], "peak_bytes": figures["peak_bytes"],
                                      "max_error": figures["check"]["max_error"], "summary": summary(launches), "launches": launches}
            wrong += [f"{site} k{l['kernel']} ({l['schedule']}): error {l['error']:.2e}" for l in launches if not l["error"] <= 1e-4]
            print(f"{site}: {len(launches)} launches, {figures['min_s'] * 1e6:.1f} us, worst error {figures['check']['max_error']:.1e}", flush=True)
        report["summary"] = summary(rows)
        report["wrong"] = wrong
        report["seconds"] = time.monotonic() - start
        write(a.results, report, rows)
    for line in wrong:
        print(f"WRONG {line}")
    print(json.dumps(report["summary"]))
    if not report["models"]:
        return 1
    return 2 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
