#!/usr/bin/env python3
"""`egret explain` as a process: what a run says of itself, what keeps other terms out, and damaged runs.

  explain_test.py path/to/egret [-v] [TestClass.test]"""
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import unittest

EGRET = str(pathlib.Path(sys.argv.pop(1)).resolve())
ALGEBRA = pathlib.Path(__file__).resolve().parents[2] / "experiments/suites/algebra"


class Explain(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="egret-explain-"))
        cls.made = {}
        for name in ("chain", "common_factor", "pooled_convolution"):
            cls.made[name] = cls.optimize(ALGEBRA / f"{name}.egret", name)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder, ignore_errors=True)

    @classmethod
    def run_egret(cls, *arguments):
        return subprocess.run([EGRET, *map(str, arguments)], capture_output=True, text=True, cwd=cls.folder, timeout=300)

    @classmethod
    def optimize(cls, model, kept, *more):
        done = cls.run_egret("--json", "optimize", model, "--target", "h200", "--keep-run", kept, *more)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def explain(self, *arguments):
        done = self.run_egret("--json", "explain", *arguments)
        self.assertEqual(done.returncode, 0, f"{arguments}: {done.stderr}")
        return json.loads(done.stdout)

    def why_not(self, run, pattern):
        return self.explain(run, "--why-not", pattern)["reasons"]

    def refused(self, *arguments):
        done = self.run_egret("explain", *arguments)
        self.assertEqual(done.returncode, 1, f"{arguments}: {done.stdout} {done.stderr}")
        self.assertIn("hint:", done.stderr)
        return done.stderr

    def test_steps_and_reasons(self):
        for name, made in self.made.items():
            told = self.explain(name)
            used = {r["name"]: r["count"] for r in made["rules_used"]}
            self.assertEqual({s["rule"] for s in told["steps"]}, set(used), name)
            rules = {r["rule"]: r["applications"] for r in told["reasons"] if r["kind"] == "rule"}
            self.assertEqual(rules, used, name)
            for s in told["steps"]:
                self.assertTrue(s["from"] and len(s["from"]) == len(s["to"]), s)
                self.assertTrue(s["saves_s"] is None or s["saves_s"] > -1e-12, s)
            kernels = [r for r in told["reasons"] if r["kind"] == "kernel"]
            self.assertAlmostEqual(sum(k["seconds"] for k in kernels), made["predicted_after_s"], places=12)
            self.assertTrue(all(k["covers"] and k["results"] for k in kernels))
            # Nothing else is cheaper than what is optimal, and the kept run says of its kernels what `explain` says.
            self.assertTrue(all(k["runner_up_s"] is None or k["runner_up_s"] >= -1e-15 for k in kernels))
            self.assertTrue(any(k["runner_up_s"] is not None and k["runner_up"] for k in kernels))
            kept = json.loads((self.folder / name / "run.json").read_text())["kernels"]
            self.assertTrue(all(k["bound_by"] in ("launch", "arithmetic", "memory") and not k["again"] for k in kept))
            self.assertEqual(sorted(k["runner_up"]["dearer_s"] for k in kept if k["runner_up"]),
                             sorted(k["runner_up_s"] for k in kernels if k["runner_up_s"] is not None))

    def test_what_a_rule_saves_is_what_a_run_without_it_lacks(self):
        # All that chain gains comes from one rule, most of it already from two of its three applications, whose products are one kernel.
        told = self.explain("chain")
        saves = [r["saves_s"] for r in told["reasons"] if r["kind"] == "rule"]
        self.assertEqual(len(saves), 1)
        self.assertGreater(saves[0], 0.1 * self.made["chain"]["predicted_after_s"])

    def test_the_source_is_dearer_by_what_was_gained(self):
        made = self.made["chain"]
        place = self.why_not("chain", "dot(dot(dot(a, b), c), v)")[0]
        self.assertEqual(place["kind"], "dearer")
        self.assertAlmostEqual(place["dearer_s"], made["predicted_greedy_s"] - made["predicted_after_s"], places=12)
        self.assertAlmostEqual(place["at_least_s"], place["dearer_s"], places=12)

    def test_what_was_chosen_is_said_to_be(self):
        self.assertEqual(self.why_not("chain", "dot(a, dot(b, dot(c, v)))")[0]["kind"], "chosen")
        self.assertEqual(self.why_not("chain", "dot-assoc")[0]["kind"], "chosen")

    def test_nearest_partial_match(self):
        place = self.why_not("common_factor", "sub(add(dot(x, a), dot(x, b)), exp(c))")[0]
        self.assertEqual(place["kind"], "no_match")
        self.assertIn("4 of 5 operators", place["text"])
        self.assertIn("no exp", place["text"])
        self.assertIn("holds no tanh", self.why_not("common_factor", "tanh(x)")[0]["text"])

    def test_another_number_of_operands(self):
        self.optimize(ALGEBRA / "qkv.egret", "qkv", "--freeze")
        text = self.why_not("qkv", "dot(a, concat(b, c))")[0]["text"]
        self.assertIn("concat(wq, wk, wv) has 3 operands, the pattern's concat has 2", text)
        self.assertEqual(self.why_not("qkv", "dot(a, concat(b, c, d))")[0]["kind"], "dearer")

    def test_the_condition_that_fails(self):
        source = self.folder / "scaled.egret"
        source.write_text("graph scaled\n  x: f32[1,2,4,4]\n  w: f32[3,2,2,2]\n  a: f32[3]\n  y = conv(x, w)\n"
                          "  s = broadcast(a, dims=[1], sizes=[1,3,3])\n  z = mul(y, s)\n  return z\n")
        self.optimize(source, "scaled")
        text = " ".join(r["text"] for r in self.why_not("scaled", "conv-scale"))
        self.assertIn("frozen", text)
        self.assertEqual({r["kind"] for r in self.why_not("scaled", "conv-scale")}, {"condition"})

    def test_a_rule_that_the_licence_forbids(self):
        self.optimize(ALGEBRA / "chain.egret", "strict", "--numerics", "strict")
        places = self.why_not("strict", "dot-assoc")
        self.assertEqual({p["kind"] for p in places if p["rule"] == "dot-assoc"}, {"not_made"})
        self.assertIn("--numerics strict", places[0]["text"])

    def test_no_kernel_takes_it(self):
        source = self.folder / "parts.egret"
        source.write_text("graph parts\n  x: f32[4,6]\n  y = softmax(x, axis=1)\n  return y\n")
        self.optimize(source, "parts")
        place = self.why_not("parts", "softmax(x)")[0]
        self.assertEqual(place["kind"], "no_form", place)

    def test_errors_show_the_place(self):
        for pattern, place, caret in (("dot(a", "PATTERN:1:6", 6), ("x + foo(y)", "PATTERN:1:5", 5), ("dot(a, b) => a", "PATTERN:1:11", 11),
                                      ("dot(a,\n  foo(b))", "PATTERN:2:3", 3), ("", "PATTERN:1:1", 1), ("dot(a b)", "PATTERN:1:7", 7)):
            error = self.refused("chain", "--why-not", pattern)
            self.assertIn(place, error)
            self.assertIn("\n  " + " " * (caret - 1) + "^\n", error)
        for name in "no-such-rule", "nosuchrule", "x":
            self.assertIn("no rule named", self.refused("chain", "--why-not", name))

    def test_what_is_no_run(self):
        self.assertIn("no folder", self.refused("nowhere"))
        (self.folder / "empty").mkdir(exist_ok=True)
        self.assertIn("run.json", self.refused("empty"))
        self.run_egret("optimize", ALGEBRA / "chain.egret", "-o", "artifact")
        self.assertIn("no kept run", self.refused("artifact"))

    def test_damaged_runs(self):
        damaged = self.folder / "damaged"
        shutil.copytree(self.folder / "chain", damaged, dirs_exist_ok=True)
        rng = random.Random(3)
        for name in ("choice.json", "run.json", "proof.json"):
            whole = (damaged / name).read_text()
            for i in range(40):
                at = rng.randrange(len(whole))
                text = whole[:at] if i < 8 else whole[:at] + rng.choice("0918[]{},\"-ex") + whole[at + 1:]
                (damaged / name).write_text(text)
                done = self.run_egret("--json", "explain", "damaged", *(["--why-not", "dot-assoc"] if i % 2 else []))
                self.assertIn(done.returncode, (0, 1), f"{name} at {at}: {text[max(0, at - 20):at + 20]!r}\n{done.stderr}")
                self.assertTrue(done.returncode == 0 or "hint:" in done.stderr, done.stderr)
            (damaged / name).write_text(whole)

    def test_threads_change_nothing(self):
        for threads in (1, 3):
            self.optimize(ALGEBRA / "common_factor.egret", f"threads{threads}", "--threads", threads)
        self.assertEqual(*((self.folder / f"threads{t}/choice.json").read_bytes() for t in (1, 3)))


if __name__ == "__main__":
    unittest.main()
