#!/usr/bin/env python3
"""`egret saturate` as a process: fields, exact counts, limits, Ctrl-C, wrong input, files, and what it does not load.

  saturate_test.py path/to/egret"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

EGRET = str(pathlib.Path(sys.argv.pop(1)).resolve())
ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / "tests" / "egraph" / "programs"
MATH = str(PROGRAMS / "math.sexp")
FIELDS = {"iterations", "enodes", "eclasses", "stop_reason", "seconds", "peak_bytes", "best", "goals"}


def run(*arguments, **options):
    return subprocess.run([EGRET, "saturate", *map(str, arguments)], text=True, capture_output=True, timeout=120, **options)


def timeless(text):
    """The JSON object without what may differ between two runs."""
    result = json.loads(text)
    for key in ("seconds", "peak_bytes"):
        del result[key]
    for row in result["iterations"] + result["rules"]:
        for key in ("search_s", "apply_s", "rebuild_s"):
            row.pop(key, None)
    return result


class SaturateTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="egret-saturate-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def write(self, text, name="program.sexp"):
        path = self.folder / name
        path.write_text(text)
        return path

    def solve(self, *arguments, status=0):
        done = run(*arguments, "--json")
        self.assertEqual(done.returncode, status, done.stderr)
        return json.loads(done.stdout)

    def test_fields_and_exact_counts(self):
        result = self.solve(MATH, "--iterations", 9)
        self.assertLessEqual(FIELDS, set(result))
        self.assertEqual([i["enodes"] for i in result["iterations"]], [69, 118, 208, 389, 784, 1576, 3160, 8113, 28303])
        for row in result["iterations"]:
            self.assertLessEqual({"enodes", "eclasses", "search_s", "apply_s", "rebuild_s"}, set(row))
        self.assertEqual((result["enodes"], result["stop_reason"]), (28303, "iteration_limit"))
        self.assertEqual(result["eclasses"], result["iterations"][-1]["eclasses"])
        self.assertEqual([b["size"] for b in result["best"]], [4, 6, 6, 7, 11, 13, 15])
        self.assertEqual(result["goals"], [])
        self.assertGreater(result["peak_bytes"], 1 << 20)
        self.assertEqual(sum(r["matches"] > 0 for r in result["rules"]), sum(r["applied"] > 0 for r in result["rules"]))

    def test_goals_decide_the_exit_status(self):
        text = "(rule r (* ?a 2) (+ ?a ?a))(start (* x 2))(goal (* x 2) (+ x x))"
        self.assertEqual(self.solve(self.write(text))["goals"], [True])
        self.assertEqual(self.solve(self.write(text + "(goal x y)"), status=2)["goals"], [True, False])
        done = run(self.write(text + "(goal x y)"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("NOT reached: x = y", done.stdout)

    def test_the_same_for_any_number_of_threads(self):
        program = self.write("(analysis const-fold)\n" + pathlib.Path(MATH).read_text())
        outputs = []
        for threads in (1, 2, 4):
            dump = self.folder / f"{threads}.json"
            done = run(program, "--iterations", 8, "--threads", threads, "--dump", dump, "--json")
            self.assertEqual(done.returncode, 0, done.stderr)
            result = timeless(done.stdout)
            result.pop("arena_bytes")
            outputs.append((result, dump.read_bytes()))
        self.assertEqual(outputs[0], outputs[1])
        self.assertEqual(outputs[0], outputs[2])

    def test_limits(self):
        self.assertEqual(self.solve(MATH, "--iterations", 0)["enodes"], 35)
        nodes = self.solve(MATH, "--node-limit", 20_000)
        self.assertEqual(nodes["stop_reason"], "node_limit")
        self.assertLessEqual(nodes["enodes"], 20_000 + 4_096)
        self.assertEqual(self.solve(MATH, "--memory-limit", "2M")["stop_reason"], "byte_limit")
        timed = self.solve(MATH, "--time-limit", "0.3")
        self.assertEqual(timed["stop_reason"], "time_limit")
        self.assertLess(timed["seconds"], 5)
        self.assertEqual(len(timed["best"]), 7)

    def test_ctrl_c_gives_the_best_so_far(self):
        child = subprocess.Popen([EGRET, "saturate", MATH, "--json", "--memory-limit", "2G"], text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(1)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
        self.assertEqual(child.returncode, 0, err)
        result = json.loads(out)
        self.assertEqual(result["stop_reason"], "stopped")
        self.assertEqual([b["size"] for b in result["best"]], [4, 6, 6, 7, 11, 13, 15])

    def test_dump(self):
        dump = self.folder / "graph.json"
        result = self.solve(MATH, "--iterations", 6, "--dump", dump)
        graph = json.loads(dump.read_text())
        self.assertEqual(len(graph["nodes"]), result["enodes"])
        self.assertEqual(len({n["eclass"] for n in graph["nodes"].values()}), result["eclasses"])
        self.assertEqual(len(graph["root_eclasses"]), len(result["best"]))
        for node in graph["nodes"].values():
            self.assertTrue(all(child in graph["nodes"] for child in node["children"]))
        # the extractor, which shares no code with this command, finds terms of the same size
        found = subprocess.run([EGRET, "extract", str(dump), "--method", "greedy", "--cost", "tree", "--json"], text=True, capture_output=True)
        self.assertEqual(found.returncode, 0, found.stderr)
        self.assertEqual(json.loads(found.stdout)["tree_cost"], sum(b["size"] for b in result["best"]))
        drawing = self.folder / "graph.dot"
        self.solve(MATH, "--iterations", 4, "--dump", drawing)
        self.assertTrue(drawing.read_text().startswith("digraph"))

    def test_a_run_resumes_where_another_stopped(self):
        for head in ("", "(analysis const-fold)\n"):
            program = self.write(head + pathlib.Path(MATH).read_text())
            snapshots = [self.folder / name for name in ("half", "resumed", "whole")]
            self.solve(program, "--iterations", 5, "--snapshot", snapshots[0])
            resumed = self.solve(program, "--iterations", 4, "--resume", snapshots[0], "--snapshot", snapshots[1])
            whole = self.solve(program, "--iterations", 9, "--snapshot", snapshots[2], "--threads", 2)
            self.assertEqual([i["enodes"] for i in resumed["iterations"]], [i["enodes"] for i in whole["iterations"]][5:])
            self.assertEqual(resumed["best"], whole["best"])
            self.assertEqual(snapshots[1].read_bytes(), snapshots[2].read_bytes())
        cut = self.write("", "cut")
        cut.write_bytes(snapshots[0].read_bytes()[:-1])
        for arguments in ([program, "--resume", cut], [program, "--resume", program], [program, "--resume", self.folder / "absent"],
                          [self.write("(start (Add a))", "other.sexp"), "--resume", snapshots[0]]):
            done = run(*arguments)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn("error: ", done.stderr)

    def test_schedulers(self):
        # a rule with many matches pauses, and the end is the same
        program = PROGRAMS / "fuel.sexp"
        simple, backoff = self.solve(program), self.solve(program, "--scheduler", "backoff")
        self.assertEqual(backoff["stop_reason"], "saturated")
        self.assertEqual((simple["enodes"], simple["eclasses"], simple["best"]), (backoff["enodes"], backoff["eclasses"], backoff["best"]))
        self.assertGreaterEqual(len(backoff["iterations"]), len(simple["iterations"]))

    def test_wrong_input(self):
        cases = [("(start (f a)", "program.sexp:1:1: error: this `(` is never closed"),
                 ("(start (f a))\n(start (f a b))", "program.sexp:2:9: error: `f` has 2 operands here and 1"),
                 ("(rule r (f ?x) (f ?y))", "program.sexp:1:19: error: `?y` is not bound"),
                 ("(theorem x)", "program.sexp:1:2: error: unknown form `theorem`"),
                 ("(rule r (f ?x) a (when (odd ?x)))", "program.sexp:1:25: error: unknown condition `odd`")]
        for text, message in cases:
            done = run(self.write(text), "--json")
            self.assertEqual(done.returncode, 1)
            self.assertIn(message, done.stderr)
            self.assertIn("hint:", done.stderr)
            self.assertEqual(done.stdout, "")
        for arguments in [["absent.sexp"], [MATH, "--threads", "-1"], [MATH, "--scheduler", "best"], [MATH, "--iterations", "-3"],
                          [MATH, "--memory-limit", "lots"], [MATH, "--time-limit", "-1"], [MATH, "--dump", "no/such/folder/g.json"],
                          [MATH, "--dump", "graph.png"], [str(self.folder)]]:
            done = run(*arguments, cwd=self.folder)
            self.assertEqual(done.returncode, 1, f"{arguments}: {done.stderr}")
            self.assertIn("error: ", done.stderr)
        for option in ("--iterations", "--node-limit"):
            self.assertIn(f"{option}: `many` is no number of at least 0", run(MATH, option, "many").stderr)
        drawing = self.folder / "large.dot"
        done = run(MATH, "--iterations", 8, "--dump", drawing)
        self.assertEqual(done.returncode, 1)
        self.assertIn("at most 1000 e-nodes", done.stderr)
        self.assertEqual(sorted(p.name for p in self.folder.iterdir()), ["program.sexp"])

    def test_deep_and_large(self):
        depth = 100_000
        deep = "(f " * depth + "a" + ")" * depth
        result = self.solve(self.write(f"(rule r (g ?x) ?x)(start (g {deep}))(goal (g {deep}) {deep})"), "--iterations", 3)
        self.assertEqual((result["best"][0]["size"], result["goals"]), (depth + 1, [True]))
        dump = self.folder / "deep.json"  # written, and read by the extractor
        self.solve(self.write(f"(rule r (g ?x) ?x)(start (g {deep}))"), "--dump", dump)
        found = subprocess.run([EGRET, "extract", str(dump), "--time-limit", "10", "--json"], text=True, capture_output=True)
        self.assertEqual((found.returncode, json.loads(found.stdout)["tree_cost"]), (0, depth + 1))
        done = run(self.write(f"(start {deep})"), "--dump", self.folder / "deep.dot")
        self.assertIn("at most 1000 e-nodes", done.stderr)
        done = run(self.write(f"(rule r {deep} a)"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("nests more than", done.stderr)
        done = run(self.write("(start " + "(" * 1_000_000))
        self.assertEqual(done.returncode, 1)
        large = "".join(f"(start (f a{i} (g b{i % 1000} {i})))\n" for i in range(200_000))
        self.assertEqual(self.solve(self.write(large), "--iterations", 1)["enodes"], 800_000 + 1000)

    def test_loads_no_heavy_library(self):
        done = run(MATH, "--iterations", 3, env={**os.environ, "LD_DEBUG": "files"})
        self.assertEqual(done.returncode, 0)
        self.assertIn("libtbb", done.stderr)
        for name in ("LLVM", "libz3", "highs", "nvrtc", "egret_z3", "egret_llvm"):
            self.assertNotIn(name, done.stderr)

    def test_help(self):
        help_text = run("--help").stdout
        for option in ("--iterations", "--node-limit", "--time-limit", "--memory-limit", "--threads", "--scheduler", "--dump", "--snapshot",
                       "--resume"):
            self.assertIn(option, help_text)


if __name__ == "__main__":
    unittest.main(verbosity=1)
