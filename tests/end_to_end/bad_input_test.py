#!/usr/bin/env python3
"""Whatever is wrong with what the tool is given: one clear message that names the place, the exit status of the contract
(0 done, 1 wrong input, 2 the answer is no, 3 a limit, 70 a bug), and nothing half written.

  bad_input_test.py path/to/egret [-v] [TestClass.test]"""
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

EGRET = str(pathlib.Path(sys.argv.pop(1)).resolve())
ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMANDS = ["optimize", "run", "verify", "check", "rules", "devices", "ops"]

GOOD = """graph good
  x: f32[4,6]
  param w: f32[6,5]
  p = dot(x, w, lc=[1], rc=[0])
  y = relu(p)
  return y
"""


def value(name, shape, element=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, element, shape)


def model(nodes, initializers=(), x=(2, 3), y=None, values=()):
    graph = helper.make_graph(nodes, "net", [value("x", list(x))], [value("y", y)], list(initializers), value_info=list(values))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid("com.vendor", 1)], ir_version=10)


def weights(name, *shape):
    return numpy_helper.from_array(np.linspace(-1, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape), name)


class ToolTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="egret-bad-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def write(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    def save(self, name, made):
        return self.write(name, made.SerializeToString())

    def egret(self, *arguments, timeout=120, **options):
        return subprocess.run([EGRET, *map(str, arguments)], capture_output=True, encoding="utf-8", timeout=timeout, cwd=self.folder,
                              check=False, **options)

    def entries(self):
        return sorted(p.relative_to(self.folder).as_posix() for p in self.folder.rglob("*"))

    def ok(self, *arguments, **options):
        done = self.egret(*arguments, **options)
        self.assertEqual(done.returncode, 0, f"{arguments}: {done.stderr}")
        return done

    def json(self, *arguments, status=0):
        done = self.egret("--json", *arguments)
        self.assertEqual(done.returncode, status, f"{arguments}: {done.stderr}")
        made, end = json.JSONDecoder().raw_decode(done.stdout)
        self.assertEqual(done.stdout[end:].strip(), "", "one object and nothing else on stdout")
        self.assertIsInstance(made, dict)
        return made

    def refused(self, arguments, *needles, status=1, **options):
        """The command fails with one message that holds the needles and one hint, and leaves the folder as it was."""
        before = self.entries()
        done = self.egret(*arguments, **options)
        said = f"{' '.join(map(str, arguments))}\nstatus {done.returncode}\n{done.stdout[:500]}\n{done.stderr[:2000]}"
        self.assertEqual(done.returncode, status, said)
        self.assertEqual(done.stdout, "", said)
        self.assertEqual(done.stderr.count("error:"), 1, said)
        self.assertTrue(done.stderr.startswith("egret: "), said)
        self.assertEqual(done.stderr.count("\n  hint: "), 1, said)
        self.assertLess(len(done.stderr), 2000, said)
        for needle in needles:
            self.assertIn(needle, done.stderr, said)
        self.assertEqual(self.entries(), before, "nothing is left behind: " + said)
        return done


class Models(ToolTest):
    """Truncated, corrupted, absent; clashes of types and shapes; unknown operators."""

    def conv(self):
        nodes = [helper.make_node("Conv", ["x", "w"], ["a"], name="first", pads=[1, 1, 1, 1]), helper.make_node("Relu", ["a"], ["y"])]
        return model(nodes, [weights("w", 4, 3, 3, 3)], (1, 3, 8, 8))

    def test_truncated_onnx(self):
        whole = self.conv().SerializeToString()
        for part in range(20):
            path = self.write("cut.onnx", whole[:len(whole) * part // 20])
            self.refused(["optimize", path, "-o", "out"], "cut.onnx")

    def test_corrupted_onnx_never_crashes(self):
        whole = self.conv().SerializeToString()
        random = np.random.default_rng(7)
        for _ in range(40):
            changed = bytearray(whole)
            for at in random.integers(0, len(whole), 3):
                changed[at] = random.integers(0, 256)
            done = self.egret("optimize", self.write("changed.onnx", bytes(changed)))
            self.assertIn(done.returncode, (0, 1), done.stderr)
            self.assertEqual(done.returncode == 1, "error:" in done.stderr, done.stderr)

    def test_a_length_beyond_the_end(self):
        self.refused(["optimize", self.write("long.onnx", b"\x3a\xff\xff\xff\xff\x0f" + b"x" * 20)], "long.onnx", "offset")

    def test_no_model_at_all(self):
        self.refused(["optimize", self.write("empty.onnx", b"")], "empty.onnx")
        self.refused(["optimize", self.write("text.onnx", "this is no protobuf\n")], "text.onnx")
        self.refused(["optimize", self.write("binary.egret", bytes(range(256)))], "binary.egret:1:")
        self.refused(["optimize", self.write("empty.egret", "")], "empty.egret")
        self.refused(["optimize", "absent.onnx"], "absent.onnx", "No such file")
        self.refused(["optimize", "absent.egret"], "absent.egret", "No such file")
        self.refused(["optimize", self.write("model.pdf", "x")], "model.pdf", ".onnx or .egret")
        self.refused(["optimize", self.write("model.mlir", "module {}")], "model.mlir", "not part of this version")
        for name in ("a.onnx", "a.egret", "folder"):
            (self.folder / name).mkdir()
            self.refused(["optimize", name], name)
        self.refused(["run", "folder", "--random"], "folder")

    def test_truncated_text(self):
        for end in range(0, len(GOOD) - 3, 7):
            self.refused(["optimize", self.write("cut.egret", GOOD[:end]), "-o", "out"], "cut.egret")

    def test_type_clash_in_text(self):
        text = GOOD.replace("y = relu(p)", "y = and(p, p)")
        self.refused(["optimize", self.write("clash.egret", text)], "clash.egret:5:", "and", "f32")

    def test_shape_clash_in_text(self):
        text = GOOD.replace("f32[6,5]", "f32[7,5]")
        self.refused(["optimize", self.write("clash.egret", text)], "clash.egret:4:", "dot", "6", "7")

    def test_unknown_operator_in_text(self):
        text = GOOD.replace("relu(p)", "rellu(p)")
        self.refused(["optimize", self.write("unknown.egret", text)], "unknown.egret:5:", "rellu", "relu")

    def test_shape_clash_in_onnx(self):
        clash = model([helper.make_node("MatMul", ["x", "w"], ["y"], name="product")], [weights("w", 4, 5)])
        self.refused(["optimize", self.save("clash.onnx", clash)], "clash.onnx", "graph 'net'", "node 'product'", "MatMul")

    def test_type_clash_in_onnx(self):
        clash = model([helper.make_node("Add", ["x", "n"], ["y"], name="sum")], [numpy_helper.from_array(np.arange(3), "n")])
        self.refused(["optimize", self.save("clash.onnx", clash)], "clash.onnx", "node 'sum'", "Add")

    def test_open_dimension(self):
        open_model = model([helper.make_node("Relu", ["x"], ["y"])], x=("batch", 3))
        path = self.save("open.onnx", open_model)
        self.refused(["run", path, "--random"], "open.onnx", "--shape")
        self.ok("run", path, "--random", "--shape", "x=2,3")
        for bad in ("z=2,3", "x=2", "x=2,4", "x=0x2,3", "x=,3", "=2,3"):
            self.refused(["run", path, "--random", "--shape", bad], bad.split("=")[0])

    def test_sizes_of_a_text_program(self):
        open_size = self.write("open.egret", "graph g\n  x: f32[n,4]\n  z: f32[n*2]\n  a = reduce_sum(x, axes=[1])\n  return a, z\n")
        for command in (["optimize"], ["run", "--random"], ["run", "--random", "--device", "reference"]):
            self.refused([*command, open_size], "`x`", "`n`", "--shape")
            self.refused([*command, open_size, "--shape", "x=3,5"], "`x`", "f32[n,4]")
            self.refused([*command, open_size, "--shape", "x=3,4", "--shape", "z=5"], "n*2", "6")
            self.refused([*command, open_size, "--shape", "q=3"], "`q`", "x, z")
            self.refused([*command, open_size, "--shape", "x=3,4", "--shape", "x=3,4"], "`x`", "twice")
            self.refused([*command, open_size, "--shape", "x=3,"], "x=3,", "comma")
        done = self.json("run", open_size, "--shape", "x=3,4", "--random")
        self.assertEqual([o["type"] for o in done["outputs"]], ["f32[3]", "f32[6]"])
        self.ok("optimize", open_size, "--shape", "x=3,4", "--check", "-o", "open")
        self.ok("check", "open/proof.json", "--model", open_size, "--artifact", "open")
        self.refused(["run", self.write("good.egret", GOOD), "--random", "--shape", "x=5,6"], "`x`", "f32[4,6]")

    def test_external_data_stays_in_the_folder(self):
        made = self.conv()
        tensor = made.graph.initializer[0]
        tensor.data_location = TensorProto.EXTERNAL
        tensor.ClearField("raw_data")
        for location in ("../../../../../../etc/hostname", "/etc/hostname"):
            del tensor.external_data[:]
            entry = tensor.external_data.add()
            entry.key, entry.value = "location", location
            self.refused(["optimize", self.save("external.onnx", made)], "external.onnx")


class UnknownOperators(ToolTest):
    def unknown(self):
        nodes = [helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Mystery", ["a"], ["b"], name="odd", domain="com.vendor"),
                 helper.make_node("Mystery", ["b"], ["c"], domain="com.vendor"), helper.make_node("Neg", ["c"], ["y"])]
        return self.save("unknown.onnx", model(nodes, values=[value("b", [2, 3]), value("c", [2, 3])]))

    def test_optimize_shows_the_fallback(self):
        made = self.json("optimize", self.unknown())
        self.assertEqual([(f["op"], f["count"]) for f in made["fallbacks"]], [("com.vendor.Mystery", 2)])
        self.assertTrue(made["fallbacks"][0]["reason"])
        self.assertIn("com.vendor.Mystery", self.ok("optimize", self.unknown()).stdout)

    def test_what_is_not_made_is_said(self):
        made = self.json("optimize", self.unknown(), "-o", "out", "--check", "--emit", "out.egret", "--report", "out.html")
        self.assertEqual([what.split(":")[0] for what in made["not_made"]], ["artifact", "proof", "check"])
        self.assertTrue(all("com.vendor.Mystery" in what and "node" in what for what in made["not_made"]), made["not_made"])
        self.assertEqual(self.entries(), ["out.egret", "out.html", "unknown.onnx"])
        text = (self.folder / "out.egret").read_text()
        self.assertEqual(text.count("Mystery"), 2)
        again = self.json("optimize", "out.egret")
        self.assertEqual([(f["op"], f["count"]) for f in again["fallbacks"]], [("com.vendor.Mystery", 2)])

    def test_what_a_body_reads_is_kept(self):
        """A loop of unknown length reads `a` of the graph around it, by name alone."""
        body = helper.make_graph([helper.make_node("Add", ["s", "a"], ["t"]), helper.make_node("Identity", ["on"], ["on2"])], "body",
                                 [value("i", [], TensorProto.INT64), value("on", [], TensorProto.BOOL), value("s", [2, 3])],
                                 [value("on2", [], TensorProto.BOOL), value("t", [2, 3])])
        nodes = [helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Loop", ["n", "", "x"], ["b"], body=body), helper.make_node("Neg", ["b"], ["y"])]
        looped = model(nodes, y=[2, 3], values=[value("b", [2, 3])])
        looped.graph.input.append(value("n", [], TensorProto.INT64))
        self.ok("optimize", self.save("loop.onnx", looped), "--emit", "loop.egret")
        text = (self.folder / "loop.egret").read_text()
        self.assertRegex(text, r"(t\d+) = (relu|max)\(x[^\n]*\n(.*\n)*  b = opaque\(\w+, x, \1, ")
        self.refused(["optimize", self.save("loop.onnx", looped), "--emit", "out.onnx"], "Loop", "egret")

    def test_run_refuses(self):
        for device in ("cpu", "reference"):
            self.refused(["run", self.unknown(), "--random", "--device", device], "unknown.onnx", "node 'odd'", "Mystery")


class Rules(ToolTest):
    def model(self):
        return self.write("good.egret", GOOD)

    def test_rule_file_with_an_error(self):
        for text, place in (("ruleset r\n\nrule bad:  relu(x => x\n", ":3:"), ("ruleset r\nrule bad: rellu(x) => x\n", ":2:"),
                            ("ruleset r\nrule bad: relu(x) => relu(y)\n", ":2:"), ("rule", ":1:"), ("ruleset r\nrule bad: neg(x) => x needs magic\n", ":2:")):
            path = self.write("bad.rules", text)
            self.refused(["optimize", self.model(), "--rules", path, "-o", "out"], "bad.rules" + place)
            self.refused(["verify", path], "bad.rules" + place)
            self.refused(["rules", path], "bad.rules" + place)

    def test_absent_rule_file(self):
        self.refused(["optimize", self.model(), "--rules", "absent.rules"], "absent.rules")

    def test_a_wrong_rule_is_refuted(self):
        path = self.write("wrong.rules", "ruleset wrong\nrule neg-is-abs: neg(x) => abs(x)\n")
        made = self.json("verify", path, status=2)
        (row,) = [r for r in made["rules"] if r["name"] == "neg-is-abs"]
        self.assertEqual(row["verdict"], "refuted")
        self.assertTrue(row["counterexample"])

    def test_a_rule_of_another_type_is_quarantined(self):
        path = self.write("wrong.rules", "ruleset wrong\nrule relu-wide: relu(x) => cast(x, to=f64)\nrule drop-transpose: transpose(x, perm=p) => x\n")
        self.turned_transpose(path, "the right side is")
        self.assertEqual(self.json("rules", path)["rules"][-1]["on"], False)
        # What no proof and no refutation reaches: sizes that the verifier has no reason to try.
        path = self.write("wrong.rules", "ruleset wrong\nrule relu-wide: relu(x) => cast(x, to=f64)  where sizes(x) == [4, 5]\n"
                          "rule drop-transpose: transpose(x, perm=p) => x  where sizes(x) == [6, 5]\n")
        self.assertEqual(self.turned_transpose(path, "", "--unproved")["unproved_rules"], ["relu-wide", "drop-transpose"])

    def turned_transpose(self, path, note, *options):
        text = GOOD.replace("p = dot(x, w, lc=[1], rc=[0])", "t = transpose(w, perm=[1,0])\n  p = dot(x, t, lc=[1], rc=[1])")
        model = self.write("turned.egret", text)
        made = self.json("optimize", model, "--rules", path, *options, "--check", "-o", "out")
        self.assertEqual(sorted(made["quarantined_rules"]), ["drop-transpose", "relu-wide"])
        self.assertTrue(made["check"]["ok"])
        self.assertEqual(made["stop_reason"], "saturated")
        self.assertTrue(self.json("check", "out/proof.json", "--model", model, "--artifact", "out")["ok"])
        said = self.ok("optimize", model, "--rules", path, *options)
        self.assertIn("drop-transpose", said.stdout)
        self.assertIn(note, said.stderr)
        self.refused(["optimize", model, "--rules", path, *options, "--strict-rules", "-o", "strict"], "wrong.rules:", "another type")
        return made

    def test_too_many_unsound_rules_leave_the_input(self):
        # A step an iteration leads to the next rule of another type: each is seen only once the ones before it are gone.
        chain = ["abs", "floor", "ceil", "round", "sqrt", "tanh"]
        text = "ruleset chain\n" + "".join(f"rule wide-{f}: {f}(x) => cast(x, to=f64)  where sizes(x) == [4]\n" for f in chain)
        text += "".join(f"rule step-{f}: {f}(x) => {g}(x)  where sizes(x) == [4]\n" for f, g in zip(chain, chain[1:]))
        model = self.write("chain.egret", "graph chain\n  x: f32[4]\n  a = abs(x)\n  y = neg(a)\n  return y\n")
        made = self.json("optimize", model, "--no-library", "--rules", self.write("chain.rules", text), "--unproved", "--check")
        self.assertEqual(made["stop_reason"], "unsound")
        self.assertEqual(made["quarantined_rules"], [f"wide-{f}" for f in chain[:4]])
        self.assertEqual(made["rules_used"], [])
        self.assertTrue(made["check"]["ok"])

    def test_rules_without_a_proof_are_not_loaded(self):
        text = "ruleset mine\nrule fine: neg(neg(x)) => x\n\nrule far: relu(x) => max(x, 0)  where sizes(x) == [4, 5]\n"
        path = self.write("mine.rules", text)
        for command in (["optimize", self.model(), "--rules", path, "-o", "out"], ["rules", path]):
            self.refused(command, "mine.rules:4:1: error: rule far is not proved", "\n    rule far:", "\n    ^\n", "--unproved")
        self.assertEqual(self.json("optimize", self.model(), "--rules", path, "--unproved")["unproved_rules"], ["far"])
        self.assertIn("UNPROVED: rule far", self.ok("optimize", self.model(), "--rules", path, "--unproved").stdout)
        self.ok("rules", path, "--unproved")
        self.assertEqual(self.json("optimize", self.model(), "--rules", self.write("fine.rules", text.split("\n\n")[0]))["unproved_rules"], [])

    def test_a_refuted_rule_is_never_loaded(self):
        path = self.write("wrong.rules", "ruleset wrong\nrule neg-is-abs: neg(x) => abs(x)\n")
        for given in (path, "--unproved"), (path,):
            self.refused(["optimize", self.model(), "--rules", *given, "-o", "out"], "wrong.rules:2:1: error: rule neg-is-abs is refuted", "left")
            self.refused(["rules", *given], "wrong.rules:2:1:", "refuted")
        self.json("verify", path, "--record", status=2)
        self.refused(["optimize", self.model(), "--rules", path, "--unproved"], "wrong.rules:2:1:", "refuted")

    def test_verdicts_are_kept_and_forgotten(self):
        text = "ruleset mine\nrule fine: neg(neg(x)) => x\nrule other: for f in exp, relu  f(x * 1) => f(x)\n"
        path = self.write("mine.rules", text)
        self.assertEqual([r["recorded"] for r in self.json("verify", path, "--record")["rules"]], [False, False])
        kept = (self.folder / "mine.proofs").read_text()
        self.assertEqual([(line.split()[0], line.split()[2]) for line in kept.splitlines()[1:]], [("proved", "fine"), ("proved", "other")])
        self.assertEqual([r["recorded"] for r in self.json("verify", path)["rules"]], [True, True])
        self.assertEqual([r["recorded"] for r in self.json("verify", path, "--fresh")["rules"]], [False, False])
        self.assertLess(self.json("optimize", self.model(), "--rules", path)["verify_s"], 0.001)
        # Other text, or another operator in the class: no line is about that.
        for changed in (text.replace("neg(neg(x)) => x", "square(neg(x)) => square(x)"), text.replace("exp, relu", "exp, tanh")):
            self.write("mine.rules", changed)
            rows = self.json("verify", path)["rules"]
            self.assertEqual([r["recorded"] for r in rows], [changed.count("neg(neg") > 0, changed.count("exp, relu") > 0])
            self.assertEqual({r["verdict"] for r in rows}, {"proved"})
        # One rule alone leaves what is recorded of the others.
        self.write("mine.rules", text.replace("neg(neg(x)) => x", "square(neg(x)) => square(x)"))
        self.json("verify", path, "--only", "fine", "--record")
        self.assertEqual([r["recorded"] for r in self.json("verify", path)["rules"]], [True, True])
        self.refused(["verify", "--record", path], "mine.rules", "overwrite")
        self.refused(["verify", "--record"], "--record")

    def test_a_record_that_is_none(self):
        path = self.write("mine.rules", "ruleset mine\nrule fine: neg(neg(x)) => x\n")
        line = f"proved {'0' * 32} fine any any nothing\n"
        for text, place in ((line.replace("proved", "sure"), ":1:1:"), (line.replace("000", "xyz"), ":1:8:"), ("# head\n" + line[:40] + "\n", ":2:41:"),
                            (line + line, ":2:8:"), (line.replace("nothing", "nothing more"), ":1:62:")):
            self.write("mine.proofs", text)
            for command in (["verify", path], ["optimize", self.model(), "--rules", path]):
                self.refused(command, "mine.proofs" + place)

    def test_a_rule_that_is_not_there(self):
        self.refused(["rules", "--match", "no-such-rule", self.model()], "no-such-rule")


class Options(ToolTest):
    def model(self):
        return self.write("good.egret", GOOD)

    def test_help_of_every_command(self):
        self.assertTrue(all(c in self.ok("--help").stdout for c in COMMANDS))
        for command in COMMANDS:
            said = self.ok(command, "--help").stdout
            self.assertIn("Usage:", said)
            self.assertIn(command, said)
        for option in ("--target", "--shape", "--numerics", "--rules", "--no-library", "--extractor", "--node-limit", "--time-limit", "--memory-limit",
                       "--threads", "--seed", "--freeze", "--no-freeze", "--strict-rules", "--fold-limit", "--no-embed-weights", "--keep-run", "--emit",
                       "--report", "--check", "--output"):
            self.assertIn(option, self.ok("optimize", "--help").stdout)
        for option in ("--device", "--weights", "--inputs", "--random", "--seed", "--outputs", "--threads", "--repeat"):
            self.assertIn(option, self.ok("run", "--help").stdout)

    def test_version_says_what_is_on(self):
        said = self.ok("--version").stdout
        for name in ("LLVM", "Z3", "HiGHS", "NVRTC"):
            self.assertIn(name, said)

    def test_wrong_command_lines(self):
        self.refused([], "subcommand")
        self.refused(["fly"], "fly")
        for command in COMMANDS:
            self.refused([command, "--no-such-option"], "--help")
        for command in ("optimize", "run", "check"):
            self.refused([command])
        self.refused(["optimize", self.model(), "--threads", "many"], "many")
        self.refused(["optimize", self.model(), "--target"], "--target")

    def test_commands_of_later_versions(self):
        for command in ("report", "minify", "discover", "cache"):
            self.refused([command, "x"], command, "not part of this version", "optimize")

    def test_options_before_the_model(self):
        self.ok("optimize", "--shape", "x=4,6", self.model())

    def test_wrong_values(self):
        for option, bad in (("--threads", "-1"), ("--threads", "100000"), ("--time-limit", "nan"), ("--time-limit", "-1"), ("--memory-limit", "big"),
                            ("--memory-limit", "-3M"), ("--node-limit", "-5"), ("--numerics", "sloppy"), ("--numerics", "fast,strict"), ("--numerics", "default,"), ("--extractor", "luck"), ("--fold-limit", "-1"),
                            ("--fold-limit", "inf"), ("--iterations", "-1"), ("--emit", ""), ("--report", ""), ("--keep-run", ""), ("--target", ""),
                            ("--shape", "x"), ("--shape", "x=1,a"), ("--emit", "out.txt")):
            self.refused(["optimize", self.model(), option, bad, "-o", "out"])
        for option, bad in (("--repeat", "0"), ("--device", "abacus"), ("--threads", "-2"), ("--seed", "x")):
            self.refused(["run", self.model(), "--random", option, bad])
        self.refused(["run", self.model(), "--random", "--weights", "w.safetensors"], "--weights", "artifact")
        self.refused(["run", self.model(), "--random", "--outputs", ""], "--outputs", "empty path")
        self.refused(["optimize", self.model(), "-o", ""], "--output", "empty path")
        self.refused(["optimize", self.model(), "--emit", "a.egret", "--report", "./a.egret"], "--emit", "--report")
        self.refused(["optimize", self.model(), "--freeze", "--no-freeze"], "--freeze", "--no-freeze")

    def test_options_of_a_model_with_an_artifact(self):
        self.ok("optimize", self.model(), "-o", "out")
        self.refused(["run", "out", "--random", "--shape", "x=4,6"], "--shape", "model")
        for text in ("", "short", "x" * 40):
            self.refused(["run", "out", "--random", "--weights", self.write("w.safetensors", text)], "w.safetensors")

    def test_unknown_device(self):
        self.refused(["optimize", self.model(), "--target", "h2000", "-o", "out"], "h2000", "h200")
        self.refused(["optimize", self.model(), "--target", "absent.toml"], "absent.toml")
        self.refused(["optimize", self.model(), "--target", self.write("bad.toml", "name = \n")], "bad.toml", "1")
        self.refused(["devices", "--measure", "-o", "nowhere/host.toml"], "nowhere")
        self.refused(["devices", "-o", "host.toml"], "--measure")
        self.refused(["optimize", self.model(), "--target", self.write("poor.toml", "name = 'x'\n")], "poor.toml")

    def test_a_measured_host_is_read_by_runs_for_it(self):
        made = self.json("devices", "--measure", "-o", "mine.toml")
        self.assertEqual(made["file"], "mine.toml")
        row = made["devices"][0]
        for field in ("bandwidth", "launch_seconds", "cache_bytes", "memory_bytes"):
            self.assertGreater(row[field], 0)
        self.assertGreater(row["contraction_peak"]["f32"], 1e8)
        self.assertEqual(self.json("optimize", self.model(), "--target", "./mine.toml", "-o", "out")["target"], "host")
        self.ok("run", "out", "--random")

    def test_json_is_one_object(self):
        self.assertTrue(self.json("devices")["devices"])
        self.assertTrue(self.json("ops")["ops"])
        self.assertTrue(self.json("rules")["rules"])
        made = self.json("optimize", self.model(), "-o", "out", "--check")
        for field in ("model", "target", "ops_before", "ops_after", "kernels_before", "kernels_after", "predicted_before_s", "predicted_greedy_s",
                      "predicted_after_s", "bytes_before", "bytes_after", "flops_before", "flops_after", "enodes", "eclasses", "kernel_candidates", "iterations",
                      "stop_reason", "saturate_s", "fuse_s", "extract_s", "lower_s", "check_s", "total_s", "peak_rss", "objective", "bound", "optimal",
                      "certified", "rules_used", "quarantined_rules", "fallbacks", "check"):
            self.assertIn(field, made)
        self.assertTrue(made["check"]["ok"])
        made = self.json("run", "out", "--random")
        self.assertEqual(set(made), {"device", "outputs", "median_s", "min_s", "peak_bytes"})
        self.assertEqual(self.json("check", "out/proof.json", "--model", self.model(), "--artifact", "out")["ok"], True)


class Outputs(ToolTest):
    """An output that cannot be written."""

    def model(self):
        return self.write("good.egret", GOOD)

    def test_no_folder_for_it(self):
        file = self.write("file", "x")
        for option, path in (("-o", "file/out"), ("-o", "file"), ("--emit", "no/out.egret"), ("--emit", "file/out.onnx"), ("--report", "no/r.html"),
                             ("--keep-run", "file/run")):
            self.refused(["optimize", self.model(), option, path], path.split("/")[0])
        self.assertEqual(pathlib.Path(file).read_text(), "x")
        self.refused(["run", self.model(), "--random", "--outputs", "no/out.npz"], "no/out.npz")

    def test_what_is_no_file_is_written_not_replaced(self):
        os.mkfifo(self.folder / "pipe")
        reader = subprocess.Popen(["cat", "pipe"], cwd=self.folder, stdout=subprocess.PIPE)
        self.ok("optimize", self.model(), "--emit", "good.egret")
        self.ok("run", self.model(), "--random", "--outputs", "pipe")
        self.assertTrue(reader.communicate(timeout=60)[0].startswith(b"PK"))
        self.assertTrue((self.folder / "pipe").is_fifo())
        (self.folder / "link.egret").symlink_to("good.egret")
        self.ok("optimize", self.model(), "--emit", "link.egret")
        self.assertTrue((self.folder / "link.egret").is_symlink())
        with open("/dev/full", "w", encoding="utf-8") as full:
            for arguments in (["rules"], ["--json", "ops"]):
                done = subprocess.run([EGRET, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn("hint:", done.stderr)

    def test_a_program_from_a_pipe(self):
        done = subprocess.run([EGRET, "saturate", "/dev/stdin"], input="(start (+ 1 2))", capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_folder_in_its_place(self):
        (self.folder / "out.egret").mkdir()
        self.refused(["optimize", self.model(), "--emit", "out.egret"], "out.egret")

    def test_a_folder_with_other_files(self):
        (self.folder / "mine").mkdir()
        self.write("mine/thesis.tex", "precious")
        self.refused(["optimize", self.model(), "-o", "mine"], "mine", "thesis.tex")

    def test_one_bad_output_leaves_none(self):
        self.write("file", "x")
        self.refused(["optimize", self.model(), "--emit", "good.onnx", "-o", "file/out"])

    @unittest.skipIf(os.geteuid() == 0, "root may write anywhere")
    def test_a_folder_without_permission(self):
        (self.folder / "shut").mkdir(mode=0o555)
        self.refused(["optimize", self.model(), "-o", "shut/out"], "shut/out")

    def test_a_full_disk(self):
        def full():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))

        self.refused(["optimize", self.model(), "-o", "out"], "out", preexec_fn=full)
        self.refused(["optimize", self.model(), "--report", "report.html"], "report.html", preexec_fn=full)

    def test_an_older_artifact_survives_a_full_disk(self):
        self.ok("optimize", self.model(), "-o", "out")
        self.test_a_full_disk()
        self.ok("run", "out", "--random")


class LimitsReached(ToolTest):
    def run_limited(self, *options, program="algebra/scaled_attention.egret"):
        """Done with the best so far, which runs; or status 3 and nothing written."""
        shutil.copy(ROOT / "experiments/suites" / program, self.folder / "step.egret")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = self.egret("--json", "optimize", "step.egret", "-o", "out", "--target", "host", *options)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)  # not the clock: others may run beside this test
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        if done.returncode == 3:
            self.assertEqual(done.stderr.count("error:"), 1, done.stderr)
            self.assertIn("hint:", done.stderr)
            self.assertEqual(self.entries(), ["step.egret"])
            return None, seconds
        self.assertEqual(done.returncode, 0, done.stderr)
        self.ok("run", "out", "--random")
        return json.loads(done.stdout), seconds

    def test_a_millisecond(self):
        for program in ("algebra/scaled_attention.egret", "training_step.egret"):
            made, seconds = self.run_limited("--time-limit", "0.001", program=program)
            self.assertLess(seconds, 30)
            if made:
                self.assertIn("time", made["stop_reason"])
                self.assertLessEqual(made["predicted_after_s"], made["predicted_before_s"])
            shutil.rmtree(self.folder / "out", ignore_errors=True)

    def test_too_little_memory(self):
        made, _ = self.run_limited("--memory-limit", "1K")
        if made:
            self.assertRegex(made["stop_reason"], "memory|byte")

    def test_few_nodes(self):
        made, _ = self.run_limited("--node-limit", "1")
        if made:
            self.assertIn("node", made["stop_reason"])

    def test_ctrl_c_returns_the_best_so_far(self):
        shutil.copy(ROOT / "experiments/suites/training_step.egret", self.folder / "step.egret")
        process = subprocess.Popen([EGRET, "--json", "optimize", "step.egret", "-o", "out"], cwd=self.folder, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
        self.assertIn(process.returncode, (0, 3), err)
        if process.returncode == 0:
            made = json.loads(out)
            self.assertIn("stopped", [made["stop_reason"], *(limit.split(": ")[1] for limit in made["limits_reached"])])
            self.assertNotIn("time_limit", str(made["limits_reached"]))
            self.ok("run", "out", "--random")


    def test_ctrl_c_keeps_what_is_proved(self):
        process = subprocess.Popen([EGRET, "--json", "verify", "--fresh", "--threads", "1"], cwd=self.folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 2, err)
        rows = json.loads(out)["rules"]
        stopped = [r for r in rows if "stopped" in r["reason"]]
        self.assertGreater(len(rows), 500)
        self.assertTrue(stopped and all(r["verdict"] == "unproved" for r in stopped))
        self.assertTrue(all(r["verdict"] == "proved" for r in rows if "stopped" not in r["reason"]))


class Artifacts(ToolTest):
    def artifact(self):
        self.ok("optimize", self.write("good.egret", GOOD), "-o", "out")
        onnx_model = model([helper.make_node("MatMul", ["x", "w"], ["a"]), helper.make_node("Relu", ["a"], ["y"])], [weights("w", 3, 50)])
        self.ok("optimize", self.save("good.onnx", onnx_model), "-o", "weighted")
        return [p for f in ("out", "weighted") for p in sorted((self.folder / f).rglob("*")) if p.is_file() and p.name != "proof.json"]

    def test_a_changed_byte_anywhere(self):
        files = self.artifact()
        names = {p.name for p in files}
        self.assertTrue({"plan.json", "weights.safetensors"} <= names and any(n.endswith(".o") for n in names), names)
        random = np.random.default_rng(3)
        for path in files:
            whole = path.read_bytes()
            places = {0, len(whole) - 1, *map(int, random.integers(0, len(whole), 12))}
            for at in places:
                path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << int(random.integers(8)))]) + whole[at + 1:])
                folder = path.relative_to(self.folder).parts[0]
                self.refused(["run", folder, "--random"], path.name)
            path.write_bytes(whole[:-1])
            self.refused(["run", path.relative_to(self.folder).parts[0], "--random"], path.name)
            path.unlink()
            self.refused(["run", path.relative_to(self.folder).parts[0], "--random"], path.name)
            path.write_bytes(whole)
        self.ok("run", "out", "--random")
        self.ok("run", "weighted", "--random")

    def test_wrong_inputs(self):
        self.artifact()
        np.savez(self.folder / "other.npz", z=np.zeros((2, 3), np.float32))
        np.savez(self.folder / "shape.npz", x=np.zeros((3, 3), np.float32))
        np.savez(self.folder / "type.npz", x=np.zeros((2, 3)))
        np.savez(self.folder / "right.npz", x=np.zeros((2, 3), np.float32))
        whole = (self.folder / "right.npz").read_bytes()
        self.refused(["run", "weighted"], "inputs")
        self.refused(["run", "weighted", "--inputs", "absent.npz"], "absent.npz")
        self.refused(["run", "weighted", "--inputs", "other.npz"], "x")
        self.refused(["run", "weighted", "--inputs", "shape.npz"], "x", "f32[3,3]", "f32[2,3]")
        self.refused(["run", "weighted", "--inputs", "type.npz"], "x", "f64")
        self.refused(["run", "weighted", "--inputs", self.write("cut.npz", whole[:len(whole) // 2])], "cut.npz")
        self.refused(["run", "weighted", "--inputs", self.write("no.npz", b"PK")], "no.npz")
        self.ok("run", "weighted", "--inputs", "right.npz", "--outputs", "y.npz")

    def test_a_device_that_is_not_here(self):
        self.artifact()
        self.refused(["run", "out", "--random", "--device", "cuda:9"], "cuda:9")
        self.refused(["run", "out", "--random", "--device", "cuda:x"], "cuda:x")
        os.environ["EGRET_CUDA_DRIVER"] = "/nowhere/driver.so"
        try:
            self.refused(["run", "out", "--random", "--device", "cuda:0"], "/nowhere/driver.so")
        finally:
            del os.environ["EGRET_CUDA_DRIVER"]
        self.refused(["run", self.write("as_it_is.egret", GOOD), "--random", "--check"], "--check")


class Proofs(ToolTest):
    def test_bad_proofs(self):
        good = self.write("good.egret", GOOD)
        self.ok("optimize", good, "-o", "out")
        proof = (self.folder / "out/proof.json").read_text()
        self.refused(["check", "absent.json"], "absent.json")
        for name, text in (("empty", ""), ("cut", proof[:len(proof) // 2]), ("list", "[]"), ("deep", "[" * 100_000), ("text", "proof")):
            made = self.json("check", self.write(name + ".json", text), status=2)
            self.assertEqual(made["ok"], False)
            self.assertTrue(made["failed_step"])
        other = self.write("other.egret", GOOD.replace("relu", "neg"))
        self.assertFalse(self.json("check", "out/proof.json", "--model", other, status=2)["ok"])
        self.ok("optimize", other, "-o", "other")
        self.assertFalse(self.json("check", "out/proof.json", "--artifact", "other", status=2)["ok"])
        self.refused(["check", "out/proof.json", "--artifact", "nowhere"], "nowhere")


if __name__ == "__main__":
    unittest.main()
