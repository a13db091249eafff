#!/usr/bin/env python3
"""The contract's command line on good input: the fields of every JSON object, and the files that others read.

  contract_test.py path/to/egret [-v] [TestClass.test]"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

EGRET = str(pathlib.Path(sys.argv.pop(1)).resolve())
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/frontends"))
from onnx_cases import difference  # noqa: E402

OPTIMIZE = {"covers", "columns_offered", "columns_taken", "model", "target", "ops_before", "ops_after", "kernels_before", "kernels_after", "predicted_before_s", "predicted_greedy_s", "predicted_after_s",
            "bytes_before", "bytes_after", "flops_before", "flops_after", "enodes", "eclasses", "kernel_candidates", "iterations", "stop_reason",
            "limits_reached", "saturate_s", "fuse_s", "extract_s", "lower_s", "check_s", "total_s", "peak_rss", "objective", "bound", "optimal", "certified",
            "rules_used", "unproved_rules", "verify_s", "quarantined_rules", "matches_dropped", "fallbacks", "check", "not_made",
            "peak_bytes", "arena_bytes", "weight_bytes", "workspace_bytes", "peak_bytes_unlimited", "arena_floor_bytes", "kernels_again", "smallest_memory_limit"}


def two_inputs():
    """softmax(x W + b) + z, sizes open in both inputs."""
    rng = np.random.default_rng(1)
    given = [numpy_helper.from_array(rng.standard_normal(s).astype(np.float32), n) for n, s in (("w", (48, 64)), ("b", (64,)))]
    nodes = [helper.make_node("MatMul", ["x", "w"], ["p"]), helper.make_node("Add", ["p", "b"], ["q"]),
             helper.make_node("Softmax", ["q"], ["s"]), helper.make_node("Add", ["s", "z"], ["y"])]
    ports = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", ["n", 48]), ("z", ["m", 64]), ("y", None))]
    graph = helper.make_graph(nodes, "two_inputs", ports[:2], ports[2:], given)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


class Contract(unittest.TestCase):
    SHAPES = ("--shape", "x=6,48", "--shape", "z=6,64")

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="egret-contract-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        onnx.save(two_inputs(), self.folder / "model.onnx")
        rng = np.random.default_rng(2)
        self.values = {"x": rng.standard_normal((6, 48)).astype(np.float32), "z": rng.standard_normal((6, 64)).astype(np.float32)}
        np.savez(self.folder / "in.npz", **self.values)
        self.expected = self.onnxruntime("model.onnx")

    def egret(self, *arguments, status=0):
        done = subprocess.run([EGRET, "--json", *map(str, arguments)], capture_output=True, text=True, cwd=self.folder, timeout=300)
        self.assertEqual(done.returncode, status, f"{arguments}: {done.stderr}")
        return json.loads(done.stdout)

    def onnxruntime(self, name):
        session = onnxruntime.InferenceSession(str(self.folder / name), providers=["CPUExecutionProvider"])
        return session.run(None, {i.name: self.values[i.name] for i in session.get_inputs()})[0]

    def outputs(self, what, *options):
        made = self.egret("run", what, "--inputs", "in.npz", "--outputs", "out.npz", *options)
        self.assertEqual(set(made), {"device", "outputs", "median_s", "min_s", "peak_bytes"})
        self.assertEqual(made["outputs"], [{"name": "y", "type": "f32[6,64]"}])
        return np.load(self.folder / "out.npz")["y"]

    def right(self, found):
        self.assertLess(difference(self.expected, found), 1e-5)

    def test_optimize(self):
        made = self.egret("optimize", "model.onnx", *self.SHAPES, "--check", "-o", "out")
        self.assertEqual(set(made), OPTIMIZE)
        self.assertEqual(set(made["check"]), {"max_error", "ok"})
        for used in made["rules_used"]:
            self.assertEqual(set(used), {"name", "count", "needs", "verdict"})
        self.assertLessEqual(made["predicted_after_s"], made["predicted_greedy_s"])
        self.assertLessEqual(made["predicted_greedy_s"], made["predicted_before_s"])
        self.assertAlmostEqual(made["objective"], made["predicted_after_s"], delta=1e-9)
        self.assertLessEqual(made["bound"], made["objective"] * (1 + 1e-9))
        self.right(self.outputs("out"))
        self.right(self.outputs("model.onnx", *self.SHAPES))
        self.right(self.outputs("model.onnx", *self.SHAPES, "--device", "reference"))
        checked = self.egret("check", "out/proof.json", "--model", "model.onnx", "--artifact", "out")
        self.assertEqual(set(checked), {"steps", "ok", "failed_step", "trusted"})
        self.assertTrue(checked["ok"])
        self.assertLess(len(checked["trusted"]), len(self.egret("check", "out/proof.json")["trusted"]))

    def test_arrays_in_any_order_and_bf16_as_float32(self):
        (self.folder / "t.egret").write_text("graph t\n  x: f32[2,3,4]\n  h: bf16[3]\n  y = transpose(x, perm=[2,0,1])\n  z = neg(h)\n  return y, z\n")
        x = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
        np.savez(self.folder / "t.npz", x=np.asfortranarray(x), h=np.array([1, 2.5, -3], np.float32))
        self.egret("run", "t.egret", "--inputs", "t.npz", "--outputs", "o.npz")
        found = np.load(self.folder / "o.npz")
        self.assertTrue(np.array_equal(found["y"], x.transpose(2, 0, 1)))
        self.assertEqual(found["z"].tolist(), [-1, -2.5, 3])

    def test_what_onnx_may_hold_and_what_is_written_of_it(self):
        """Sparse constants; a result that is an input; functions that ONNX lacks, at values where their forms differ."""
        values = numpy_helper.from_array(np.array([1, 2, 3], np.float32), "sparse")
        rows = numpy_helper.from_array(np.array([[0, 0], [1, 0], [2, 3]], np.int64), "rows")
        nodes = [helper.make_node("MatMul", ["x", "sparse"], ["p"]), helper.make_node("CumSum", ["p", "axis"], ["y"], reverse=1)]
        ports = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", [2, 3]), ("y", [2, 4]))]
        graph = helper.make_graph(nodes, "sparse", ports[:1], [ports[1], ports[0]], [numpy_helper.from_array(np.array(1), "axis")])
        graph.sparse_initializer.append(onnx.SparseTensorProto(values=values, indices=rows, dims=[3, 4]))
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), self.folder / "sparse.onnx")
        x = np.array([[1, 2, 3], [4, 5, 6]], np.float32)
        dense = np.zeros((3, 4), np.float32)
        dense[[0, 1, 2], [0, 0, 3]] = [1, 2, 3]
        expected = np.cumsum((x @ dense)[:, ::-1], axis=1)[:, ::-1]
        self.egret("optimize", "sparse.onnx", "--check", "--emit", "written.onnx")
        session = onnxruntime.InferenceSession(str(self.folder / "written.onnx"), providers=["CPUExecutionProvider"])
        self.assertTrue(np.array_equal(session.run(["y"], {"x": x})[0], expected))
        v = np.array([0, -0.0, 1, -1, 1e-9, -1e-5, 3, np.inf, -np.inf, np.nan], np.float32)
        a, b = (g.ravel() for g in np.meshgrid(v, v))
        (self.folder / "f.egret").write_text(f"graph f\n  a: f32[{a.size}]\n  b: f32[{a.size}]\n  y = atan2(a, b)\n  z = log1p(a)\n  return y, z\n")
        self.egret("optimize", "f.egret", "--emit", "f.onnx")
        session = onnxruntime.InferenceSession(str(self.folder / "f.onnx"), providers=["CPUExecutionProvider"])
        y, z = session.run(["y", "z"], {"a": a, "b": b})
        with np.errstate(all="ignore"):
            np.testing.assert_allclose(np.abs(y), np.abs(np.arctan2(a, b)), rtol=1e-6)  # onnxruntime's Where loses the sign of zero
            np.testing.assert_allclose(z, np.log1p(a), rtol=1e-6)

    def test_programs_without_kernels(self):
        """Results that are inputs, constants or other shapes of them: an artifact without code."""
        (self.folder / "still.egret").write_text("graph still\n  x: f32[4,3]\n  const c: f32[2] = [1, 2]\n  y = reshape(x, sizes=[12])\n  return y, x, c\n")
        np.savez(self.folder / "still.npz", x=np.arange(12, dtype=np.float32).reshape(4, 3))
        made = self.egret("optimize", "still.egret", "--check", "-o", "still")
        self.assertEqual((made["kernels_after"], made["check"]["ok"]), (0, True))
        self.egret("check", "still/proof.json", "--model", "still.egret", "--artifact", "still")
        for what in ("still", "still.egret"):
            self.egret("run", what, "--inputs", "still.npz", "--outputs", "out.npz")
            found = np.load(self.folder / "out.npz")
            self.assertEqual([found[n].tolist() for n in "yxc"], [list(range(12)), np.arange(12).reshape(4, 3).tolist(), [1, 2]])

    def test_empty_constants_are_proved(self):
        (self.folder / "empty.egret").write_text("""graph empty
  x: bool[2,3,4]
  i = constant(value=i32[3] [2, 0, 2])
  s = slice(reverse(x, axes=[2]), start=[0, 0, 3], limit=[2, 3, 3], stride=[1, 1, 2])
  t = or(transpose(s, perm=[2, 1, 0]), splat(value=1, dtype=bool, sizes=[0, 3, 2]))
  y = gather(t, i, axis=1)
  z = splat(value=1, dtype=bool, sizes=[2, 3, 0])
  a = argmin(slice(cast(x, to=i8), start=[2, 0, 0], limit=[2, 3, 4]), axis=2)
  b = reshape(sub(splat(value=17, dtype=i64, sizes=[0, 3]), a), sizes=[0, 3, 1])
  return y, z, b
""")
        self.egret("optimize", "empty.egret", "--check", "-o", "empty")
        self.egret("run", "empty", "--random")
        self.egret("check", "empty/proof.json", "--model", "empty.egret", "--artifact", "empty")

    def test_reductions_of_integers(self):
        for dtype in (np.int32, np.int64):
            x = np.array([[1, 2, 3], [7, 5, 4]], dtype)
            for op in ("ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMean", "ReduceSumSquare"):
                ports = [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(x.dtype), s) for n, s in (("x", [2, 3]), ("y", [2, 1]))]
                graph = helper.make_graph([helper.make_node(op, ["x", "axes"], ["y"])], "g", ports[:1], ports[1:], [numpy_helper.from_array(np.array([1]), "axes")])
                made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
                onnx.save(made, self.folder / "r.onnx")
                np.savez(self.folder / "r.npz", x=x)
                self.egret("run", "r.onnx", "--inputs", "r.npz", "--outputs", "out.npz")
                session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
                self.assertEqual(np.load(self.folder / "out.npz")["y"].tolist(), session.run(None, {"x": x})[0].tolist(), op)

    def test_loops_of_known_length(self):
        """Unrolled: a loop that its own condition ends, whose value grows; a scan from the end, over another axis; one in the other."""
        node, port, array = helper.make_node, helper.make_tensor_value_info, lambda v, n: numpy_helper.from_array(np.array(v), n)
        body = helper.make_graph([node("Add", ["s", "a"], ["t"]), node("Concat", ["g", "t"], ["g2"], axis=0), node("Less", ["i", "two"], ["on2"]), node("Mul", ["t", "t"], ["q"])], "body",
                                 [port("i", TensorProto.INT64, []), port("on", TensorProto.BOOL, []), port("s", TensorProto.FLOAT, [2, 3]), port("g", TensorProto.FLOAT, ["n", 3])],
                                 [port("on2", TensorProto.BOOL, []), port("t", TensorProto.FLOAT, [2, 3]), port("g2", TensorProto.FLOAT, ["n", 3]), port("q", TensorProto.FLOAT, [2, 3])])
        inner = helper.make_graph([node("Identity", ["on"], ["on2"]), node("Sin", ["v"], ["v2"])], "inner", [port("i", TensorProto.INT64, []), port("on", TensorProto.BOOL, []), port("v", TensorProto.FLOAT, [2])],
                                  [port("on2", TensorProto.BOOL, []), port("v2", TensorProto.FLOAT, [2])])
        step = helper.make_graph([node("Mul", ["c", "e"], ["p"]), node("Loop", ["two", "", "p"], ["d"], body=inner), node("Neg", ["d"], ["o"])], "step",
                                 [port("c", TensorProto.FLOAT, [2]), port("e", TensorProto.FLOAT, [2])], [port("d", TensorProto.FLOAT, [2]), port("o", TensorProto.FLOAT, [2])])
        nodes = [node("Relu", ["x"], ["a"]), node("Loop", ["many", "", "x", "x"], ["s1", "g1", "stack"], body=body),
                 node("Scan", ["c0", "x"], ["c1", "out"], body=step, num_scan_inputs=1, scan_input_axes=[1], scan_input_directions=[1], scan_output_axes=[-1], scan_output_directions=[1])]
        outputs = ["s1", "g1", "stack", "c1", "out"]
        graph = helper.make_graph(nodes, "loops", [port("x", TensorProto.FLOAT, [2, 3])], [port(o, TensorProto.FLOAT, None) for o in outputs], [array(2 ** 40, "many"), array(2, "two"), array(np.float32([0.5, 2]), "c0")])
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), self.folder / "loops.onnx")
        x = np.random.default_rng(5).standard_normal((2, 3)).astype(np.float32)
        np.savez(self.folder / "loops.npz", x=x)
        made = self.egret("optimize", "loops.onnx", "--check", "-o", "loops")
        self.assertEqual((made["fallbacks"], made["check"]["ok"]), ([], True))
        expected = onnxruntime.InferenceSession(str(self.folder / "loops.onnx"), providers=["CPUExecutionProvider"]).run(None, {"x": x})
        for what in ("loops", "loops.onnx"):
            self.egret("run", what, "--inputs", "loops.npz", "--outputs", "o.npz")
            found = np.load(self.folder / "o.npz")
            for name, value in zip(outputs, expected):
                self.assertLess(difference(value, found[name]), 1e-5, name)

    def test_recurrent_layers(self):
        """Activations, peepholes, clipping, and sequences of different lengths, known or given to the run."""
        rng = np.random.default_rng(6)
        x, lengths = rng.standard_normal((3, 3, 2)).astype(np.float32), np.array([2, 3, 1], np.int32)
        cases = [("LSTM", 4, {"direction": "bidirectional", "clip": 0.5}, True, False), ("LSTM", 4, {"activations": ["Sigmoid", "Relu", "Tanh"]}, False, True),
                 ("GRU", 3, {"direction": "reverse", "linear_before_reset": 1}, True, False), ("GRU", 3, {"activations": ["Sigmoid", "Softplus"]}, False, False), ("RNN", 1, {"activations": ["Relu"]}, True, True)]
        for op, gates, attributes, given_lengths, frozen in cases:
            directions = 2 if attributes.get("direction") == "bidirectional" else 1
            arrays = {"w": rng.standard_normal((directions, 4 * gates, 2)), "r": rng.standard_normal((directions, 4 * gates, 4)), "b": rng.standard_normal((directions, 8 * gates)), "p": rng.standard_normal((directions, 12))}
            inputs = ["x", "w", "r", "b", "n" if given_lengths else ""] + (["", "", "p"] if op == "LSTM" else [])
            given = [numpy_helper.from_array(v.astype(np.float32), k) for k, v in arrays.items() if k in inputs]
            ports = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [3, 3, 2])]
            values = {"x": x}
            if given_lengths and frozen:
                given.append(numpy_helper.from_array(lengths, "n"))
            elif given_lengths:
                ports.append(helper.make_tensor_value_info("n", TensorProto.INT32, [3]))
                values["n"] = lengths
            outputs = ["y", "h"] + (["c"] if op == "LSTM" else [])
            graph = helper.make_graph([helper.make_node(op, inputs, outputs, hidden_size=4, **attributes)], "g", ports, [helper.make_tensor_value_info(o, TensorProto.FLOAT, None) for o in outputs], given)
            onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), self.folder / "r.onnx")
            np.savez(self.folder / "r.npz", **values)
            expected = onnxruntime.InferenceSession(str(self.folder / "r.onnx"), providers=["CPUExecutionProvider"]).run(None, values)
            self.egret("run", "r.onnx", "--inputs", "r.npz", "--outputs", "o.npz", "--device", "reference")
            found = np.load(self.folder / "o.npz")
            for name, value in zip(outputs, expected):
                self.assertLess(difference(value, found[name]), 1e-5, f"{op} {attributes} {name}")

    def test_inverse_and_hyperbolic_functions_keep_their_digits(self):
        """Each value for itself, not beside the largest: small ones, large ones, ones near the end of the domain."""
        tiny, huge = np.float32(10.0) ** np.arange(-30, 0), np.float32(10.0) ** np.arange(0, 38)
        odd, signs = np.concatenate([tiny, huge]), np.array([[-1], [1]])
        near_1 = 1 - tiny[tiny > 1e-7]
        arguments = {"Asinh": signs * odd, "Sinh": signs * np.append(tiny, [0.5, 3, 80]), "Acosh": np.append(1 + tiny, huge), "Atanh": signs * np.append(tiny, near_1),
                     "Acos": np.append(near_1, -near_1), "Asin": signs * np.append(tiny, near_1), "Atan": signs * odd, "Tan": signs * tiny}
        for op, x in arguments.items():
            x = np.append(x.ravel(), [0, -0.0]).astype(np.float32) if op != "Acosh" else x.astype(np.float32)
            ports = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [x.size]) for n in "xy"]
            onnx.save(helper.make_model(helper.make_graph([helper.make_node(op, ["x"], ["y"])], "g", ports[:1], ports[1:]), opset_imports=[helper.make_opsetid("", 21)], ir_version=10), self.folder / "f.onnx")
            np.savez(self.folder / "f.npz", x=x)
            numpy_name = op.lower().replace("acosh", "arccosh").replace("asinh", "arcsinh").replace("atanh", "arctanh")
            numpy_name = {"acos": "arccos", "asin": "arcsin", "atan": "arctan"}.get(numpy_name, numpy_name)
            for device in ("cpu", "reference"):
                self.egret("run", "f.onnx", "--inputs", "f.npz", "--outputs", "o.npz", "--device", device)
                np.testing.assert_allclose(np.load(self.folder / "o.npz")["y"], getattr(np, numpy_name)(x.astype(np.float64)), rtol=1e-5, atol=1e-44, err_msg=f"{op} {device}")

    def test_gradients_and_running_folds_as_onnx(self):
        """What ONNX's operators say only in several nodes, NaN and -inf included."""
        (self.folder / "g.egret").write_text("""graph g
  x: f32[2,4,9,9]
  g: f32[2,6,7,7]
  p: f32[2,4,4,4]
  w: f32[3,4,2,2]
  n: i32[2,4,9,9]
  a = conv_dw(x, g, groups=2, sizes=[3,3])
  b = cumprod(x, axis=2, reverse=1)
  c = cumprod(n, axis=3, exclusive=1)
  d = window_max_grad(x, p, window=[1,1,3,3], stride=[1,1,2,2])
  e = conv(x, w, lhs_dilation=[2,3], low=[1,0], high=[0,2])
  i = window_sum(n, window=[1,1,2,2], stride=[1,1,2,1], low=[0,0,1,0], high=[0,0,0,0])
  j = window_max(n, window=[1,2,2,2], stride=[1,1,2,1], low=[0,0,1,0], high=[0,1,0,0])
  k = window_max(x, window=[2,2,2,2], stride=[1,1,2,1], low=[0,0,1,0], high=[0,1,0,0])
  return a, b, c, d, e, i, j, k
""")
        rng = np.random.default_rng(3)
        values = {n: rng.standard_normal(s).astype(np.float32) for n, s in (("x", (2, 4, 9, 9)), ("g", (2, 6, 7, 7)), ("p", (2, 4, 4, 4)), ("w", (3, 4, 2, 2)))}
        values["n"] = rng.integers(-4, 5, (2, 4, 9, 9), dtype=np.int32)
        self.egret("optimize", "g.egret", "--emit", "g.onnx")
        onnx.checker.check_model(onnx.load(self.folder / "g.onnx"), full_check=True)
        session = onnxruntime.InferenceSession(str(self.folder / "g.onnx"), providers=["CPUExecutionProvider"])
        for special in (False, True):
            if special:
                values["x"][0, 0, 0, 0] = values["x"][0, 0, 1, 1] = np.nan
                values["x"][0, 1, :3, :3] = -np.inf
            np.savez(self.folder / "g.npz", **values)
            self.egret("run", "g.egret", "--inputs", "g.npz", "--outputs", "o.npz")
            found = np.load(self.folder / "o.npz")
            for output, expected in zip(session.get_outputs(), session.run(None, values)):
                self.assertLess(difference(expected, found[output.name]), 1e-5, output.name)

    def test_written_programs_are_read_again(self):
        self.egret("optimize", "model.onnx", *self.SHAPES, "--emit", "fast.onnx")
        self.right(self.onnxruntime("fast.onnx"))
        self.egret("optimize", "fast.onnx", "-o", "again")
        self.right(self.outputs("again"))
        written = onnx.load(self.folder / "fast.onnx")
        onnx.checker.check_model(written, full_check=True)
        self.assertTrue(all(n.domain in ("", "ai.onnx") for n in written.graph.node))
        shutil.copy(ROOT / "experiments/suites/algebra/common_factor.egret", self.folder / "text.egret")
        self.egret("optimize", "text.egret", "--emit", "fast.egret")
        runs = []
        for name in ("text.egret", "fast.egret"):
            self.egret("run", name, "--random", "--seed", "3", "--outputs", name + ".npz")
            runs.append(np.load(self.folder / (name + ".npz"))["y"])
        self.assertLess(difference(*runs), 1e-5)

    def test_weights_beside_the_artifact(self):
        self.egret("optimize", "model.onnx", *self.SHAPES, "-o", "whole")
        self.egret("optimize", "model.onnx", *self.SHAPES, "-o", "light", "--no-embed-weights")
        size = {f: sum(p.stat().st_size for p in (self.folder / f).rglob("*") if "weights" in p.name) for f in ("whole", "light")}
        self.assertLess(size["light"], size["whole"])
        tensors = {t.name: numpy_helper.to_array(t) for t in two_inputs().graph.initializer}
        from safetensors.numpy import save_file
        save_file(tensors, self.folder / "w.safetensors")
        self.right(self.outputs("light", "--weights", "w.safetensors"))
        # Other weights: what was prepared of them is prepared anew.
        other = two_inputs()
        for t in other.graph.initializer:
            t.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(t) * 2 + 1, t.name))
        onnx.save(other, self.folder / "other.onnx")
        save_file({t.name: numpy_helper.to_array(t) for t in other.graph.initializer}, self.folder / "other.safetensors")
        self.expected = self.onnxruntime("other.onnx")
        self.right(self.outputs("light", "--weights", "other.safetensors"))
        done = subprocess.run([EGRET, "run", "light", "--inputs", "in.npz"], capture_output=True, text=True, cwd=self.folder)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("--weights", done.stderr)

    def test_further_words_do_not_let_sums_move(self):
        """Only what allows both other orders and fused products changes what strict's kernels compute."""
        (self.folder / "s.egret").write_text("graph s\n  x: f32[4,3000]\n  w: f32[3000,40]\n  a = reduce_sum(x, axes=[1])\n  b = dot(x, w, lc=[1], rc=[0])\n  return a, b\n")
        found = {}
        for numerics in ("strict", "strict,nsz", "strict,reassoc", "default"):
            self.egret("optimize", "s.egret", "--numerics", numerics, "-o", "s")
            self.egret("run", "s", "--random", "--outputs", "s.npz")
            found[numerics] = [np.load(self.folder / "s.npz")[n].tobytes() for n in "ab"]
        self.assertEqual(found["strict"], found["strict,nsz"])
        self.assertEqual(found["strict"], found["strict,reassoc"])
        self.assertNotEqual(found["strict"], found["default"])

    def test_a_run_is_kept(self):
        made = self.egret("optimize", "model.onnx", *self.SHAPES, "--keep-run", "kept")
        kept = json.loads((self.folder / "kept/run.json").read_text())
        self.assertEqual(kept["kernels_after"], made["kernels_after"])
        graph = json.loads((self.folder / "kept/egraph.json").read_text())
        self.assertEqual(len(graph["nodes"]), made["enodes"])
        self.assertEqual(len({n["eclass"] for n in graph["nodes"].values()}), made["eclasses"])
        self.right(self.outputs("kept"))
        self.egret("optimize", "model.onnx", *self.SHAPES, "--keep-run", "kept")  # takes the older one's place
        self.egret("optimize", "kept/source.egret")

    def test_limits_are_said(self):
        made = self.egret("optimize", "model.onnx", *self.SHAPES, "--node-limit", "10")
        self.assertEqual(made["stop_reason"], "node_limit")
        self.assertIn("saturate: node_limit", made["limits_reached"])

    def test_lists(self):
        for row in self.egret("rules")["rules"]:
            self.assertTrue({"name", "kind", "needs", "verdict"} <= set(row), row)
        grown = self.egret("rules", "--growth")["rules"]
        self.assertGreater(len(grown), 80)
        self.assertTrue(all(r["enodes_after"] >= r["enodes_before"] for r in grown))
        shutil.copy(ROOT / "experiments/suites/algebra/common_factor.egret", self.folder / "text.egret")
        places = self.egret("rules", "--match", "factor-dot-left", "text.egret")
        self.assertTrue(any(p["applies"] for p in places["rules"]))
        self.assertTrue(all(p["applies"] or p["failed"] for p in places["rules"]))
        self.assertGreater(places["saves_s"], 0)
        nowhere = self.egret("rules", "--match", "softmax-name", "text.egret")
        self.assertEqual(nowhere["rules"], [])
        self.assertTrue(nowhere["nearest"])
        verified = self.egret("verify", "--only", "neg-neg")["rules"]
        self.assertEqual([r["verdict"] for r in verified], ["proved"])
        self.assertTrue({"name", "kind", "on", "verdict", "ranks", "any_size", "numerics", "seconds", "counterexample"} <= set(verified[0]))
        self.assertTrue({"h200", "host", "a100", "h100", "l40s"} <= {d["name"] for d in self.egret("devices")["devices"]})
        self.assertTrue({"dot", "resize", "cumsum", "softmax"} <= {o["name"] for o in self.egret("ops")["ops"]})


if __name__ == "__main__":
    unittest.main()
