"""Every operator's definition against NumPy and onnxruntime, by both evaluators.

Usage: conformance.py DRIVER [--only OP] [--verbose].  Run from the source root; DRIVER is the program conformance_driver.
Each operator must be covered: `egret`'s own list of operators comes from the definitions' texts under ir/ops.
"""
import argparse
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import time

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import conformance_composite  # noqa: E402
import conformance_contraction  # noqa: E402
import conformance_maps  # noqa: E402
import conformance_movement  # noqa: E402
import conformance_rational  # noqa: E402
import conformance_reduction  # noqa: E402
from conformance_cases import (DOUBLE, DTYPES, FAST, FLOATS, NAMES, RATIONAL, REFERENCE, TOLERANCE,  # noqa: E402
                               type_text)

EVALUATORS = {REFERENCE: "reference", FAST: "evaluate", DOUBLE: "double", RATIONAL: "rational"}
UNTESTED = {"input", "constant", "get", "opaque"}  # leaves: part of every graph, or without a meaning


def write_cases(cases, path):
    with open(path, "wb") as out:
        for case in cases:
            text = case.text.encode()
            out.write(struct.pack("<II", case.evaluators, len(text)) + text + struct.pack("<I", len(case.inputs)))
            for x in case.inputs:
                data = np.ascontiguousarray(x).tobytes()
                out.write(struct.pack("<Q", len(data)) + data)


class Results:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        self.at += count
        return self.data[self.at - count: self.at]

    def number(self, form="<I"):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def outputs(self):
        """A list of (type text, array), or the text of an error."""
        if self.number() == 0:
            return self.take(self.number()).decode()
        found = []
        for _ in range(self.number()):
            kind = self.take(self.number()).decode()
            dtype, sizes = re.fullmatch(r"(\w+)\[(.*)\]", kind).groups()
            shape = tuple(int(n) for n in sizes.split(",") if n)
            found.append((kind, np.frombuffer(self.take(self.number("<Q")), DTYPES[dtype]).reshape(shape)))
        return found


def difference(expected, found, tolerance):
    """None where they agree, else what differs."""
    if expected.dtype.kind in "biu":
        return None if np.array_equal(expected, found) else "values"
    a, b = expected.astype(np.float64), found.astype(np.float64)
    finite = np.isfinite(a)
    special = ~finite | ~np.isfinite(b)
    if not np.array_equal(a[special], b[special], equal_nan=True):
        return "NaN or infinity"
    if tolerance == 0:
        a, b = a[finite], b[finite]
        same = np.array_equal(a, b) and np.array_equal(np.signbit(a), np.signbit(b))
        return None if same else "bits"
    if not finite.any():
        return None
    error = np.abs(a[finite] - b[finite])
    if tolerance is None:
        t = TOLERANCE[NAMES[expected.dtype]]
        smallest = np.finfo(expected.dtype).smallest_normal if expected.dtype.kind == "f" else 1e-38
        return None if np.all(error <= t * np.maximum(np.abs(a[finite]), float(smallest))) else f"error {np.max(error)}"
    largest = np.abs(a[finite]).max()
    return None if error.max() <= tolerance * largest else f"error {error.max()} of {largest}"


def judge(case, evaluator, outputs):
    if case.error is not None:
        return None if isinstance(outputs, str) and case.error in outputs else f"was not refused: {outputs}"
    if isinstance(outputs, str):
        return outputs
    if len(outputs) != len(case.expected):
        return f"{len(outputs)} results"
    for expected, (kind, found) in zip(case.expected, outputs):
        wide = evaluator in (DOUBLE, RATIONAL) and NAMES[expected.dtype] in FLOATS
        if kind != type_text(np.float64 if wide else expected.dtype, expected.shape):
            return f"type {kind}, not {type_text(expected.dtype, expected.shape)}"
        problem = difference(expected, found, case.tolerance)
        if problem:
            return f"{problem}\n  expected {expected.ravel()[:12]}\n  found    {found.ravel()[:12]}"
    return None


def operators():
    """The names of all operators, from the texts of their definitions."""
    names = set()
    for path in pathlib.Path("ir/ops").glob("*.cpp"):
        names |= set(re.findall(r'"\(?op (\w+)\(', path.read_text()))
    return names


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("driver")
    parser.add_argument("--only", default="", help="one operator")
    parser.add_argument("--verbose", action="store_true", help="all failures, not the first ten")
    options = parser.parse_args()
    start = time.time()
    modules = (conformance_maps, conformance_movement, conformance_contraction, conformance_reduction,
               conformance_composite, conformance_rational)
    cases = [case for module in modules for case in module.cases() if options.only in ("", case.op)]
    made = time.time() - start
    with tempfile.TemporaryDirectory() as folder:
        write_cases(cases, f"{folder}/cases")
        subprocess.run([options.driver, f"{folder}/cases", f"{folder}/results"], check=True)
        results = Results(pathlib.Path(f"{folder}/results").read_bytes())
    failures, checks = [], 0
    for case in cases:
        for bit, name in EVALUATORS.items():
            if case.evaluators & bit:
                checks += 1
                problem = judge(case, bit, results.outputs())
                if problem:
                    failures.append(f"{case.name} by {name}: {problem}")
    covered = {case.op for case in cases}
    missing = set() if options.only else operators() - covered - UNTESTED
    for failure in failures if options.verbose else failures[:10]:
        print(failure)
    if missing:
        print(f"operators without a case: {', '.join(sorted(missing))}")
    print(f"conformance: {len(covered)} operators, {len(cases)} cases, {checks} evaluations, {len(failures)} failures, "
          f"{made:.1f} s to make and {time.time() - start:.1f} s in all")
    return 1 if failures or missing or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
