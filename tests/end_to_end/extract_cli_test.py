#!/usr/bin/env python3
"""`egret extract` on what is wrong, on what has no answer, and its modes with more than one answer: messages name the
place, the exit status is the contract's (0 done, 1 wrong input, 2 the answer is no), nothing is half written.

  extract_cli_test.py path/to/egret [-v] [TestClass.test]"""
import gzip
import itertools
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import unittest

EGRET = str(pathlib.Path(sys.argv.pop(1)).resolve())


def node(cls, children=(), cost=1, **more):
    return {"op": "f", "eclass": cls, "children": list(children), "cost": cost, **more}


# Two ways to make A; that by B and C is cheaper, since both share D.
GRAPH = {"root_eclasses": ["A"],
         "nodes": {"a1": node("A", ["b", "c"]), "a2": node("A", [], 9), "b": node("B", ["d"]), "c": node("C", ["d"]),
                   "d": node("D", [], 3), "c2": node("C", [], 7)}}


class ExtractTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="egret-extract-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def write(self, name, content):
        path = self.folder / name
        text = content if isinstance(content, (str, bytes)) else json.dumps(content)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    def run_tool(self, *arguments):
        return subprocess.run([EGRET, "extract", *arguments], capture_output=True, text=True, check=False, timeout=120)

    def answer(self, *arguments, status=0):
        done = self.run_tool(*arguments, "--json")
        self.assertEqual(done.returncode, status, done.stderr)
        return json.loads(done.stdout)

    def refused(self, expected, *arguments, status=1):
        done = self.run_tool(*arguments)
        self.assertEqual(done.returncode, status, done.stderr + done.stdout)
        self.assertIn(expected, done.stderr + done.stdout)
        self.assertNotIn("a bug in egret", done.stderr)
        return done

    def graph(self, **changes):
        return self.write("graph.json", {**GRAPH, **changes})

    def with_node(self, name, value):
        return self.write("graph.json", {**GRAPH, "nodes": {**GRAPH["nodes"], name: value}})


class BadInput(ExtractTest):
    def test_roots(self):
        self.refused("it has no roots", self.graph(root_eclasses=[]))
        self.refused("root Q names no class", self.graph(root_eclasses=["Q"]))
        no_roots = dict(GRAPH)
        del no_roots["root_eclasses"]
        self.refused("it has no roots", self.write("graph.json", no_roots))

    def test_nodes(self):
        done = self.refused("its child q names no node", self.with_node("b", node("B", ["q"])))
        self.assertIn("node b", done.stderr)
        self.refused("`cost` is a string", self.with_node("b", node("B", [], "dear")))
        self.refused("graph.json:1:", self.write("graph.json", json.dumps(GRAPH).replace('"cost": 9', '"cost": NaN')))
        self.refused("graph.json:1:", self.write("graph.json", json.dumps(GRAPH).replace('"cost": 9', '"cost": 1e999')))
        self.refused("graph.json:1:", self.write("graph.json", json.dumps(GRAPH)[:60]))
        self.refused("gzip", self.write("graph.json.gz", gzip.compress(json.dumps(GRAPH).encode())[:-9]))
        self.refused("cannot read", str(self.folder / "absent.json"))

    def test_no_finite_term(self):
        # E needs itself, so nothing makes A by it; where A needs E, there is no answer.
        path = self.write("graph.json", {"root_eclasses": ["A"], "nodes": {"a": node("A", ["e"]), "e": node("E", ["e"])}})
        for method in ("greedy", "beam", "ilp", "portfolio"):
            answer = self.answer(path, "--method", method, status=2)
            self.assertTrue(answer["infeasible"])
            self.assertIsNone(answer["dag_cost"])
        path = self.write("graph.json", {"root_eclasses": ["A"], "nodes": {"a": node("A", ["e"]), "a2": node("A", [], 5), "e": node("E", ["e"])}})
        self.assertEqual(self.answer(path)["dag_cost"], 5)

    def test_costs_below_zero(self):
        path = self.with_node("b", node("B", ["d"], -4))
        answer = self.answer(path)
        self.assertTrue(answer["optimal"])
        self.assertEqual(answer["dag_cost"], 1)
        cycle = self.write("graph.json", {"root_eclasses": ["A"], "nodes": {"a": node("A", ["b"], -1), "b": node("B", ["a"]), "b2": node("B")}})
        self.refused("below zero", cycle, "--cost", "tree")
        self.refused("below zero", path, "--top", "2")

    def test_problem(self):
        problem = {"format": "egret-problem 1", "goals": [1], "candidates": [{"cost": 2, "makes": [1], "reads": []},
                                                                             {"cost": -3, "makes": [2], "reads": []}]}
        self.assertEqual(self.answer(self.write("p.json", problem))["dag_cost"], -1)
        self.refused("candidates[0].cost", self.write("p.json", {**problem, "candidates": [{"cost": "2", "makes": [1], "reads": []}]}))
        self.refused("`goals`", self.write("p.json", {**problem, "goals": "1"}))
        missing = self.write("p.json", {**problem, "goals": [7]})
        self.answer(missing, status=2)
        self.assertIn("no choice makes item 7", self.run_tool(missing).stdout)

    def test_certificate_where_costs_are_below_zero(self):
        # -3 is earned for nothing; what earns 5 reads what costs 4, so both are chosen; what earns 1 reads it too.
        problem = {"format": "egret-problem 1", "goals": [1],
                   "candidates": [{"cost": 2, "makes": [1], "reads": []}, {"cost": -3, "makes": [2], "reads": []}, {"cost": 4, "makes": [3], "reads": []},
                                  {"cost": -5, "makes": [4], "reads": [3]}, {"cost": -1, "makes": [3], "reads": [3]}]}
        path, proof = self.write("p.json", problem), self.folder / "proof.json"
        answer = self.answer(path, "--certificate", str(proof))
        self.assertEqual(answer["dag_cost"], -3)
        self.assertTrue(answer["certified"])
        self.assertAlmostEqual(self.answer(path, "--check-certificate", str(proof))["bound"], -3)
        certificate = json.loads(proof.read_text())
        certificate["bound"] += 1
        self.refused("claims a bound of -2", path, "--check-certificate", self.write("more.json", certificate), "--ignore-digest", status=2)

    def test_limits(self):
        draw = random.Random(7)
        nodes = {f"n{i}": node(f"c{i % 600}", [f"n{draw.randrange(i)}" for _ in range(min(3, i))], draw.randint(1, 99)) for i in range(6000)}
        path = self.write("large.json", {"root_eclasses": ["c599"], "nodes": nodes})
        answer = self.answer(path, "--time-limit", "0.001")
        self.assertLessEqual(answer["bound"], answer["dag_cost"])
        self.refused("--time-limit", path, "--time-limit", "0")
        for gap in "2", "nan":
            self.refused("--gap", path, "--gap", gap)

    def test_options_that_would_be_ignored(self):
        path, file = self.graph(), str(self.folder / "out.json")
        self.refused("requires --top", path, "--distance", "2")
        self.refused("requires --intervals", path, "--uncertain", "2")
        self.refused("requires --check-certificate", path, "--ignore-digest")
        self.refused("the same file", path, "--solution", file, "--certificate", file)

    def test_costs_out_of_range(self):
        tiny = self.with_node("a1", node("A", ["b"], 1e-310))
        self.refused("needs costs of 0, or of a size", tiny, "--certificate", str(self.folder / "tiny.json"))
        self.assertFalse((self.folder / "tiny.json").exists())
        self.refused("the costs add up to 1e+308, more than sums of doubles hold", self.with_node("a1", node("A", ["b"], 1e308)))
        self.refused("nothing is asked for", self.write("p.json", {"format": "egret-problem 1", "goals": [], "candidates": []}))

    def test_altered_certificate(self):
        path, proof = self.graph(), self.folder / "proof.json"
        self.assertTrue(self.answer(path, "--certificate", str(proof))["certified"])
        self.assertEqual(self.answer(path, "--check-certificate", str(proof))["bound"], 6)
        certificate = json.loads(proof.read_text())
        certificate["bound"] += 1
        changed = self.write("changed.json", certificate)
        self.refused("digest", path, "--check-certificate", changed, status=2)
        self.refused("claims a bound of 7", path, "--check-certificate", changed, "--ignore-digest", status=2)
        self.refused("another problem", self.with_node("z", node("B")), "--check-certificate", str(proof), status=2)
        self.refused("certificate", path, "--check-certificate", self.write("no.json", "{"), status=2)

    def test_nothing_half_written(self):
        target = self.folder / "absent" / "choice.json"
        self.refused("absent", self.graph(), "--solution", str(target))
        self.assertFalse(target.parent.exists())


class Stream(ExtractTest):
    def test_improvements(self):
        draw = random.Random(5)
        nodes = {f"n{i}": node(f"c{i % 40}", [f"n{draw.randrange(i)}" for _ in range(min(3, i))], draw.randint(1, 99)) for i in range(120)}
        path = self.write("stream.json", {"root_eclasses": ["c39", "c30"], "nodes": nodes})
        done = self.run_tool(path, "--json", "--progress")
        answer = json.loads(done.stdout)
        stream = answer["stream"]
        self.assertTrue(stream and answer["optimal"])
        self.assertEqual(len(done.stderr.splitlines()), len(stream))
        self.assertEqual((stream[-1]["best"], stream[-1]["bound"]), (answer["dag_cost"], answer["bound"]))
        for before, after in itertools.pairwise(stream):
            self.assertLessEqual((before["work"], before["seconds"]), (after["work"], after["seconds"]))
            self.assertTrue(after["best"] < before["best"] or after["bound"] > before["bound"])
            self.assertTrue(after["best"] <= before["best"] and after["bound"] >= before["bound"])
        self.assertEqual(self.run_tool(path, "--json").stderr, "")

    def test_costs_below_zero(self):
        problem = {"format": "egret-problem 1", "goals": [1], "candidates": [{"cost": 2, "makes": [1], "reads": []},
                                                                             {"cost": -3, "makes": [2], "reads": []}]}
        last = self.answer(self.write("p.json", problem))["stream"][-1]
        self.assertEqual((last["best"], last["bound"]), (-1, -1))


class SeveralAnswers(ExtractTest):
    def test_top(self):
        answer = self.answer(self.graph(), "--top", "3")
        self.assertEqual([a["cost"] for a in answer["answers"]], [6, 9, 12])
        self.assertTrue(all(a["optimal"] for a in answer["answers"]))
        self.assertTrue(answer["complete"] or len(answer["answers"]) == 3)
        far = self.answer(self.graph(), "--top", "3", "--distance", "4")
        self.assertEqual([a["cost"] for a in far["answers"]], [6, 9])
        self.refused("--top", self.graph(), "--top", "0")

    def test_front(self):
        second = self.write("second.json", {"a1": 5, "a2": 1})
        solution = self.folder / "choice.json"
        answer = self.answer(self.graph(), "--pareto", second, "--solution", str(solution))
        self.assertEqual([(a["cost"], a["second"]) for a in answer["answers"]], [(6, 5), (9, 1)])
        self.assertTrue(answer["complete"])
        self.assertEqual(json.loads(solution.read_text())["choices"]["A"], "a1")
        self.refused("node zz is not of the e-graph", self.graph(), "--pareto", self.write("x.json", {"zz": 1}))
        self.refused("no number", self.graph(), "--pareto", self.write("x.json", {"a1": "5"}))
        below = self.refused("its second cost is -1", self.graph(), "--pareto", self.write("x.json", {"a1": -1}))
        self.assertIn("node a1", below.stderr)
        self.assertEqual(len(self.answer(self.graph(), "--pareto", self.write("x.json", {}))["answers"]), 1)   # nothing lies below 0
        self.refused("exclude each other", self.graph(), "--pareto", second, "--top", "2")

    def test_intervals(self):
        ranges = self.write("ranges.json", {"d": [3, 8], "b": [1, 1.5], "a2": [9, 9]})
        answer = self.answer(self.graph(), "--intervals", ranges, "--uncertain", "1")
        self.assertEqual(answer["answers"][0]["cost"], 9)   # 6 + 5 at worst, against 9 for certain
        self.assertEqual(self.answer(self.graph(), "--intervals", ranges, "--uncertain", "0")["dag_cost"], 6)
        self.refused("[least, greatest]", self.graph(), "--intervals", self.write("x.json", {"d": [8, 3]}))


if __name__ == "__main__":
    unittest.main()
