#!/usr/bin/env python3
"""egret's engine beside egg and egglog on the same workloads in one run: one table with times, ratios and memory.

  run.py [--egret build/bin/egret] [--runs 5] [--only NAME ..] [--long] [--no-peers] [--output FILE.md]

Times are minima. `engine` is the engine's own clock; `wall` is the whole process, parsing and start-up included. The
ratio is a peer's engine time over egret's whole process. README.md says what the workloads are."""
import argparse
import datetime
import json
import os
import pathlib
import re
import sys
import tempfile

import measure
import workloads
from peers import Peers

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Workload:
    def __init__(self, name, text, steps, enodes, egg=None, egglog=True, touch=0.5, threads=(1,), long=False,
                 decomposition=(True, False)):
        self.decomposition = decomposition  # of egglog's planner: with it, without it
        self.name, self.text, self.steps, self.enodes = name, text, steps, enodes
        self.egg, self.egglog, self.touch, self.threads, self.long = egg, egglog, touch, threads, long


def all_workloads():
    math, adder = workloads.program("math"), workloads.program("boolean_adder")
    fold = "(analysis const-fold)\n" + math
    thin = workloads.long_thin(100, 4)
    return [
        Workload("math, 6 steps", math, 6, 1576, egg="math", touch=0),
        Workload("math, 8 steps", math, 8, 8113, egg="math", touch=0),
        Workload("math, 10 steps", math, 10, 136446, egg="math", threads=(1, 2)),
        Workload("math, 11 steps", math, 11, 1047896, egg="math", touch=1, threads=(1, 2)),
        Workload("math, 12 steps", math, 12, 15987528, egg="math", touch=6, threads=(1, 2), long=True),
        Workload("math and constant folding, 10 steps", fold, 10, 423062, egg="fold", egglog=False),
        Workload("math and constant folding, 11 steps", fold, 11, 2412302, egg="fold", egglog=False, touch=6, long=True),
        Workload("boolean adder, 10 steps", adder, 10, 75756, egg="adder"),
        Workload("boolean adder, 11 steps", adder, 11, 683138, egg="adder"),
        Workload("long and thin: 500 rules, 1,200 operators deep", thin, 5000, 35211),
        # egglog's default, with decomposition, takes ten times longer here: minutes.
        Workload("long and thin: 500 rules, kernels fused into regions", workloads.fused_kernels(34), 5000, 4697,
                 decomposition=(False,)),
        Workload("math, 9 steps, and 1,000 dead rules", math + workloads.dead_rules(1000), 9, 28303),
        Workload("math, 9 steps", math, 9, 28303),
    ]


def processors(egret):
    """What two threads can gain here, in a sentence: it changes with where the host places the processors."""
    program = pathlib.Path(egret).parent / "speed_processors"
    return measure.run([program], 0, measure.Quiet(0))["out"].strip() if program.exists() else ""


class Bench:
    def __init__(self, arguments, folder):
        self.arguments, self.folder = arguments, pathlib.Path(folder)
        self.quiet = measure.Quiet(0 if arguments.runs == 1 else 60)
        self.peers = None if arguments.no_peers else Peers(arguments.work)
        self.rows = []

    def repeat(self, workload, label, command, result):
        """The best of several runs as a row; `result` gives (engine seconds, e-nodes, iterations) of one."""
        runs = []
        for _ in range(1 if workload.long and label != "egret" else self.arguments.runs):
            r = measure.run(command, workload.touch, self.quiet)
            r["engine"], r["enodes"], r["iterations"] = result(r["out"])
            runs.append(r)
        best = min(runs, key=lambda r: r["engine"])
        row = {"workload": workload.name, "engine": label, "runs": len(runs), "seconds": best["engine"],
               "wall": min(r["wall"] for r in runs), "user": min(r["user"] for r in runs), "enodes": best["enodes"],
               "iterations": best["iterations"], "peak": min(r["peak"] for r in runs), "others": best["others"]}
        if workload.enodes is not None and row["enodes"] != workload.enodes:
            raise RuntimeError(f"{workload.name}: {label} has {row['enodes']} e-nodes, expected {workload.enodes}")
        self.rows.append(row)
        print(f"{workload.name}: {label}: {row['seconds']:.4f} s, wall {row['wall']:.4f} s, {row['enodes']} e-nodes", file=sys.stderr)

    def measure(self, workload):
        program = self.folder / "program.sexp"
        program.write_text(workload.text)

        def egret_result(out):
            fields = json.loads(out)
            return fields["seconds"], fields["enodes"], len(fields["iterations"])

        for threads in workload.threads:
            label = "egret" if threads == 1 else f"egret, {threads} threads"
            self.repeat(workload, label, [self.arguments.egret, "saturate", program, "--iterations", workload.steps, "--threads",
                                          threads, "--memory-limit", "20G", "--json"], egret_result)
        if not self.peers:
            return
        if workload.egg:
            self.repeat(workload, "egg", [self.peers.eggbench, workload.egg, program, workload.steps], self.peers.egg_result)
        if workload.egglog:
            translated = self.folder / "program.egg"
            translated.write_text(workloads.egglog(workload.text, workload.steps))
            report = self.folder / "report.json"
            for threads, decomposition in [(t, d) for t in workload.threads for d in workload.decomposition]:
                label = "egglog" + ("" if threads == 1 else f", {threads} threads") + ("" if decomposition else ", no decomposition")
                self.repeat(workload, label, self.peers.egglog_command(translated, threads, decomposition, report),
                            lambda out: self.peers.egglog_result(out, report))

    def measure_lambda(self):
        """egg's lambda_function_repeat: egret's side is a hidden test case, for its language is C++."""
        test = pathlib.Path(self.arguments.egret).parent / "test_egraph_lambda"
        if not test.exists():
            return
        workload = Workload("lambda_function_repeat", "", 60, None)
        pattern = re.compile(r"seconds=(\S+) enodes=(\d+) iterations=(\d+)")

        def result(out):
            found = pattern.search(out)
            return float(found[1]), int(found[2]), int(found[3])

        self.repeat(workload, "egret", [test, "[.speed]"], result)
        if self.peers:
            self.repeat(workload, "egg", [self.peers.eggbench, "lambda"], self.peers.egg_result)

    def table(self):
        out = ["| workload | engine | e-nodes | engine, s | wall, s | user, s | B an e-node | others | ratio | of user |",
               "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"]
        egret = {r["workload"]: r for r in self.rows if r["engine"] == "egret"}
        for r in self.rows:
            ours, ratio = egret[r["workload"]], " | "
            if not r["engine"].startswith("egret"):
                ratio = f"{r['seconds'] / ours['wall']:.2f} | {r['user'] / max(ours['user'], 0.001):.2f}"
            memory = f"{r['peak'] / r['enodes']:.0f}" if r["enodes"] >= 100_000 else ""
            out.append(f"| {r['workload']} | {r['engine']} | {r['enodes']} | {r['seconds']:.4f} | {r['wall']:.4f} | {r['user']:.3f} | "
                       f"{memory} | {100 * r['others']:.0f} % | {ratio} |")
        seconds = {r["workload"]: r["seconds"] for r in self.rows if r["engine"] == "egret"}
        dead, alive = seconds.get("math, 9 steps, and 1,000 dead rules"), seconds.get("math, 9 steps")
        if dead is not None and alive is not None:
            out.append(f"\nA rule that never matches costs egret {1e6 * (dead - alive) / 9 / 1000:.3f} us an iteration.")
        return "\n".join(out) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--egret", default=str(ROOT / "build" / "bin" / "egret"))
    parser.add_argument("--work", default=str(ROOT / ".cache" / "engine-peers"), help="where the peers are built")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", nargs="*", help="workloads whose name holds one of these")
    parser.add_argument("--long", action="store_true", help="also what takes minutes and up to 6 GiB; peers once")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--output", help="FILE.md; default: results/engine-DATE.md beside this script")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="egret-engine-") as folder:
        bench = Bench(arguments, folder)
        if bench.peers:
            bench.peers.build()
        before = processors(arguments.egret)
        wanted = lambda name: not arguments.only or any(o in name for o in arguments.only)
        for workload in all_workloads():
            if wanted(workload.name) and (arguments.long or not workload.long):
                bench.measure(workload)
        if wanted("lambda_function_repeat"):
            bench.measure_lambda()
        load = os.getloadavg()[0]
        text = (f"# The engine beside egg 0.11.0 and egglog 3.0.0\n\n{datetime.date.today()}; {measure.machine()}; minimum of "
                f"{arguments.runs} runs (peers on long workloads: 1), load at the end {load:.1f}.\n"
                f"First: {before}\nLast: {processors(arguments.egret)}\n"
                "`ratio`: the peer's engine time over egret's whole process with one thread; `of user`: "
                "processor time of both processes,\nwhich a busy machine blurs less.\n\n" + bench.table())
        output = pathlib.Path(arguments.output or ROOT / "experiments" / "engine" / "results" / f"engine-{datetime.date.today()}.md")
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text)
        print(text)


if __name__ == "__main__":
    main()
