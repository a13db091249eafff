#!/usr/bin/env python3
"""The extraction gym through `egret extract`, judged by ../shared/tools/check_extraction.py.

  gym.py --egret build/bin/egret --data ../shared/data/extraction-gym --checker ../shared/tools/check_extraction.py
         [--method portfolio] [--limit 10] [--certificate] [--only SUBSTRING] [--out RESULT.json]

Prints a table by family: how many files, optimum proved within 10 s and within the limit, median and greatest time (processor seconds of the whole process),
cost over the best known (geometric mean, worst), gap at the end, what the checker refused.  A file whose best known
cost is proved and that comes out dearer, or whose bound lies above a known cost, is a fault and is named.
"""
import csv
import importlib.util
import json
import math
import os
import statistics
import tempfile

import suite


def load_checker(path):
    spec = importlib.util.spec_from_file_location("check_extraction", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def best_known(data):
    with open(os.path.join(data, "best_known.csv"), encoding="utf-8") as f:
        return {r["file"]: r for r in csv.DictReader(f)}


def files_of(data):
    """name -> path, of those of the table that are here."""
    paths = {n: os.path.join(data, "data", n + ".gz") for n in sorted(best_known(data))}
    return {n: p for n, p in paths.items() if os.path.exists(p)}


def judge(options, checker, path):
    """A row of the results, with what the checker refuses as a fault."""
    with tempfile.TemporaryDirectory() as folder:
        solution, prices = os.path.join(folder, "solution.json"), os.path.join(folder, "prices.json")
        row = suite.extract(options, path, solution, prices)
        if "fault" in row:
            return row
        graph = checker.EGraph(checker.read(path))
        claim = checker.read(solution)
        verdict = checker.check(graph, claim["choices"], 1e-9, claim)
        if not verdict["valid"]:
            row["fault"] = "; ".join(map(str, verdict["errors"]))[:300]
        if options.certificate and os.path.exists(prices):
            certificate = checker.read(prices)
            if certificate.get("alpha"):
                row["price_bound"] = checker.round_down(checker.price_bound(graph, certificate))
                if row["price_bound"] > row["dag_cost"] * (1 + 1e-9):
                    row["fault"] = "the price certificate proves more than the cost"
    return row


def run_file(options, checker, path, known):
    row = judge(options, checker, path)
    if "dag_cost" not in row:
        return row
    best, lower = float(known["best_dag"]), float(known["lower_bound"])
    close = 1e-6 * max(1.0, abs(best))
    if best > 0:
        row["ratio"] = row["dag_cost"] / best
    row["best_known"] = best
    if known["proven"] == "yes" and row["optimal"] and abs(row["dag_cost"] - best) > close:
        row["fault"] = f"claims {row['dag_cost']} as the optimum, which is {best}"
    if row["bound"] is not None and row["bound"] > best + close:
        row["fault"] = f"the bound {row['bound']} lies above a known cost of {best}"
    if row["dag_cost"] < lower - close:
        row["fault"] = f"the cost {row['dag_cost']} lies below a proved bound of {lower}"
    return row


def gap(row):
    if row.get("optimal"):
        return 0.0
    if row.get("bound") is None:
        return math.inf
    return (row["dag_cost"] - row["bound"]) / max(abs(row["dag_cost"]), 1e-12)


def table(rows):
    families = {}
    for name, row in rows.items():
        families.setdefault(name.split("/")[0], []).append((name, row))
        families.setdefault("all", []).append((name, row))
    lines = ["| family | files | proved 10 s | proved | median s | worst s | over best, geomean | worst | gap <= 5 % | refused |",
             "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"]
    for family in sorted(families, key=lambda f: (f == "all", f)):
        group = [r for _, r in families[family]]
        proved = [r for r in group if r.get("optimal")]
        ratios = [r["ratio"] for r in group if r.get("ratio")]
        times = sorted(r["processor_s"] for r in proved)
        lines.append("| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |".format(
            family, len(group), sum(r["processor_s"] <= 10 for r in proved), len(proved),
            f"{statistics.median(times):.4f}" if times else "-", f"{times[-1]:.2f}" if times else "-",
            f"{math.exp(sum(map(math.log, ratios)) / len(ratios)):.5f}" if ratios else "-",
            f"{max(ratios):.4f}" if ratios else "-", sum(gap(r) <= 0.05 for r in group),
            sum("fault" in r for r in group)))
    return "\n".join(lines)


def main():
    options = suite.options_of(__doc__, limit=10).parse_args()
    checker = load_checker(options.checker)
    known = best_known(options.data)
    rows = {n: run_file(options, checker, p, known[n]) for n, p in files_of(options.data).items() if options.only in n}
    for name, row in rows.items():
        if "fault" in row or not row.get("optimal"):
            print(name, json.dumps({k: row.get(k) for k in ("dag_cost", "bound", "best_known", "processor_s", "fault")}))
    print(table(rows))
    if options.certificate:
        print(suite.certified_line(rows))
    suite.write(options, "files", rows)
    return any("fault" in r for r in rows.values())


if __name__ == "__main__":
    raise SystemExit(main())
