#!/usr/bin/env python3
"""Candidate pools of real graphs (`egret-problem 1`) through `egret extract`, judged by ../shared/tools/check_fusion.py.

  pools.py --egret build/bin/egret --data ../shared/data/fusion --checker ../shared/tools/check_fusion.py
           [--method portfolio] [--limit 60] [--certificate] [--only SUBSTRING] [--out RESULT.json]

Prints a line a pool: cost, over the best known, proved or the gap, processor seconds.  An invalid choice, a bound above
a known cost, or a proof that differs from a proved best is a fault.
"""
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

import suite


def run_pool(options, path):
    with tempfile.TemporaryDirectory() as folder:
        solution = f"{folder}/choice.json"
        row = suite.extract(options, path, solution, f"{folder}/certificate.json")
        if "fault" in row:
            return row
        judged = json.loads(subprocess.run([sys.executable, options.checker, str(path), solution], capture_output=True, text=True,
                                           check=False).stdout)
    if not judged.get("valid"):
        return {**row, "fault": f"invalid: {judged}"}
    row["over_best"] = judged["over_best"]
    if judged["best"] is not None and row["bound"] is not None and row["bound"] > judged["best"] * (1 + 1e-6):
        row["fault"] = f"the bound {row['bound']} lies above a known cost of {judged['best']}"
    return row


def main():
    options = suite.options_of(__doc__, limit=60).parse_args()
    rows = {}
    for path in sorted(pathlib.Path(options.data).glob("*.json.gz")):
        if options.only not in path.name:
            continue
        row = rows[path.name.removesuffix(".json.gz")] = run_pool(options, path)
        print(path.name, json.dumps(row), flush=True)
    times = sorted(r["processor_s"] for r in rows.values())
    proved = sum(bool(r.get("optimal")) for r in rows.values())
    print(f"{proved} of {len(rows)} proved; processor seconds: median {statistics.median(times):.2f}, worst {times[-1]:.2f}")
    if options.certificate:
        print(suite.certified_line(rows))
    suite.write(options, "pools", rows)
    return any("fault" in r for r in rows.values())


if __name__ == "__main__":
    raise SystemExit(main())
