"""The node tests of the package `onnx`, made from its code: import and evaluation against the expected values.

    onnx_node_tests.py DRIVER [--list] [--write] [NAME_PART ...]

With --write the imported graph is written as ONNX and onnxruntime runs it.

A test that egret declines (exit status 4 of the driver: unsupported) is counted by reason; a test that gives a wrong
value, or an error of another kind, fails.  Operands that must be known at import (shapes, axes) are inputs in many of
these tests: such a test is tried again with all inputs but the first, and then with all, as initializers.
"""

import collections
import concurrent.futures
import re
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

sys.path.insert(0, str(Path(__file__).parent))
from onnx_cases import Failed, Unsupported, difference, drive, evaluate  # noqa: E402

# At least this many must pass, read and written: a reader that declines more than it did fails too.
LEAST_PASSED = {False: 1434, True: 1059}

# Expected values that are open to argument.
OPEN = {
    # onnxruntime and we count the result's size in whole elements here, the reference in fractions.
    "test_resize_downsample_scales_linear_align_corners", "test_resize_downsample_scales_cubic_align_corners",
}


def cases():
    from onnx.backend.test.case.node import collect_testcases
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.seterr(all="ignore")
        return collect_testcases(None) if collect_testcases.__code__.co_argcount else collect_testcases()


def is_plain(case):
    if case.model is None or not case.data_sets:
        return False
    values = [v for data in case.data_sets for side in data for v in side]
    return all(isinstance(v, (np.ndarray, np.generic, int, float, onnx.TensorProto)) for v in values)


def array(value):
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.asarray(value)


def frozen(model, values, kept):
    """All inputs but the first `kept` as initializers."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    graph = copy.graph
    for value in list(graph.input)[kept:]:
        graph.initializer.append(numpy_helper.from_array(np.asarray(values[value.name]), value.name))
        graph.input.remove(value)
    return copy


def run_written(driver, path, values, shapes):
    """What onnxruntime gives for what egret writes."""
    written = path.with_name("written.onnx")
    drive(driver, "write", path, written, *shapes)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(str(written), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        if "NOT_IMPLEMENTED" in str(error) or "tensor(bfloat16)" in str(error) or "NotImplemented" in type(error).__name__:
            raise Unsupported(f"onnxruntime: error: {str(error)[:60]}")
        raise Failed(f"onnxruntime: {str(error)[:300]}")
    return dict(zip([o.name for o in session.get_outputs()], session.run(None, values)))


def run(driver, case, write):
    """None where right; else (kind, reason)."""
    limit = 2e-2 if any(array(v).dtype.itemsize == 2 and array(v).dtype.kind in "fV"
                        for side in case.data_sets[0] for v in side) else max(1e-4, case.rtol)
    names = [i.name for i in case.model.graph.input]
    for inputs, outputs in case.data_sets:
        values = {n: array(v) for n, v in zip(names, inputs)}
        with tempfile.TemporaryDirectory() as folder:
            for count in (len(names), 1, 0):
                model = frozen(case.model, values, count)
                path = Path(folder) / "model.onnx"
                path.write_bytes(model.SerializeToString())
                kept = {i.name for i in model.graph.input}
                shapes = [f"{n}={','.join(map(str, values[n].shape))}" for n in kept]
                try:
                    data = {n: v for n, v in values.items() if n in kept}
                    result = run_written(driver, path, data, shapes) if write else evaluate(driver, path, data, shapes)
                    break
                except Unsupported as unsupported:
                    reason = ("unsupported", str(unsupported))
                except Failed as failed:
                    return "failed", str(failed)
                except Exception as error:  # the test's own types (strings, float8) do not reach the driver
                    return "unsupported", f"driver: error: values of this type: {error}"
            else:
                return reason
        for output, expected in zip(case.model.graph.output, outputs):
            expected, got = array(expected), result.get(output.name)
            if got is None:
                return "failed", f"output {output.name} is missing"
            error = difference(expected, got)
            if not error <= limit:
                types = f"expected {expected.dtype}{expected.shape}, got {got.dtype}{got.shape}"
                return "wrong", f"{output.name}: error {error}; {types}"
    return None


def short(reason):
    reason = reason.split(": error: ", 1)[-1].split("\n")[0]
    return re.sub(r"\d+", "N", reason)[:90]


def main(arguments):
    driver, verbose = arguments[0], "--list" in arguments
    write = "--write" in arguments
    parts = [a for a in arguments[1:] if not a.startswith("--")]
    chosen = [c for c in cases() if c.name not in OPEN and (not parts or any(p in c.name for p in parts))]
    if write:  # the bodies of ONNX's functions are tests of the reader
        chosen = [c for c in chosen if not c.name.endswith("_expanded")]
    passed, bad, reasons = 0, [], collections.defaultdict(list)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for case, outcome in zip(chosen, pool.map(lambda c: run(driver, c, write) if is_plain(c) else
                                                  ("unsupported", "values that are no tensors"), chosen)):
            if outcome is None:
                passed += 1
            elif outcome[0] == "unsupported":
                reasons[short(outcome[1])].append(case.name)
            else:
                bad.append((case.name, *outcome))
    for reason, names in sorted(reasons.items(), key=lambda r: -len(r[1])):
        print(f"{len(names):4} unsupported: {reason}" + (f"  {' '.join(names[:6])}" if verbose else ""))
    for name, kind, reason in bad:
        print(f"{kind.upper()} {name}: {reason}")
    print(f"{passed} passed, {sum(map(len, reasons.values()))} unsupported, {len(bad)} wrong, of {len(chosen)}")
    return 1 if bad or (not parts and passed < LEAST_PASSED[write]) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
