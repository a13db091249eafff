#!/usr/bin/env python3
"""Candidate pools of real graphs (`egret-problem 1`) through `egret extract`, judged by ../shared/tools/check_fusion.py.

  pools.py --egret build/bin/egret --data ../shared/data/fusion --checker ../shared/tools/check_fusion.py
           [--method portfolio] [--limit 60] [--only SUBSTRING] [--out RESULT.json]

Prints a line a pool: cost, over the best known, proved or the gap, processor seconds.  An invalid choice, a bound above
a known cost, or a proof that differs from a proved best is a fault.
"""
import argparse
import json
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time


def processor_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run_pool(options, path):
    with tempfile.TemporaryDirectory() as folder:
        solution = f"{folder}/choice.json"
        before = processor_seconds()
        done = subprocess.run([options.egret, "extract", str(path), "--method", options.method, "--time-limit", str(options.limit),
                               "--threads", "1", "--solution", solution, "--json"], capture_output=True, text=True, check=False)
        row = {"processor_s": processor_seconds() - before}
        if done.returncode != 0:
            return {**row, "fault": done.stderr.strip()[-300:]}
        answer = json.loads(done.stdout)
        row.update({k: answer[k] for k in ("dag_cost", "bound", "optimal", "seconds")})
        judged = json.loads(subprocess.run([sys.executable, options.checker, str(path), solution], capture_output=True, text=True,
                                           check=False).stdout)
    if not judged.get("valid"):
        return {**row, "fault": f"invalid: {judged}"}
    row["over_best"] = judged["over_best"]
    if judged["best"] is not None and row["bound"] is not None and row["bound"] > judged["best"] * (1 + 1e-6):
        row["fault"] = f"the bound {row['bound']} lies above a known cost of {judged['best']}"
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--egret", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--checker", required=True)
    parser.add_argument("--method", default="portfolio")
    parser.add_argument("--limit", type=float, default=60)
    parser.add_argument("--only", default="")
    parser.add_argument("--out")
    options = parser.parse_args()
    rows = {}
    for path in sorted(pathlib.Path(options.data).glob("*.json.gz")):
        if options.only not in path.name:
            continue
        row = rows[path.name.removesuffix(".json.gz")] = run_pool(options, path)
        print(path.name, json.dumps(row), flush=True)
    times = sorted(r["processor_s"] for r in rows.values())
    proved = sum(bool(r.get("optimal")) for r in rows.values())
    print(f"{proved} of {len(rows)} proved; processor seconds: median {statistics.median(times):.2f}, worst {times[-1]:.2f}")
    if options.out:
        with open(options.out, "w", encoding="utf-8") as f:
            json.dump({"date": time.strftime("%Y-%m-%d"), "method": options.method, "limit_s": options.limit, "pools": rows}, f, indent=1, sort_keys=True)
            f.write("\n")
    return any("fault" in r for r in rows.values())


if __name__ == "__main__":
    raise SystemExit(main())
