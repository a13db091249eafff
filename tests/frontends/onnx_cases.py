"""Values to and from onnx_driver, and comparison with onnxruntime."""

import struct
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from onnx import helper


def write_values(path, values):
    with open(path, "wb") as out:
        for name, array in values.items():
            array = np.ascontiguousarray(array).reshape(np.shape(array))
            encoded = name.encode()
            out.write(struct.pack("<I", len(encoded)) + encoded)
            out.write(struct.pack("<II", helper.np_dtype_to_tensor_dtype(array.dtype), array.ndim))
            out.write(struct.pack(f"<{array.ndim}q", *array.shape) + array.tobytes())


def read_values(path):
    data, at, values = Path(path).read_bytes(), 0, {}
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at)
        name = data[at + 4:at + 4 + length].decode()
        at += 4 + length
        element, rank = struct.unpack_from("<II", data, at)
        shape = struct.unpack_from(f"<{rank}q", data, at + 8)
        at += 8 + 8 * rank
        dtype = helper.tensor_dtype_to_np_dtype(element)
        count = int(np.prod(shape, dtype=np.int64))
        values[name] = np.frombuffer(data, dtype, count, at).reshape(shape)
        at += count * np.dtype(dtype).itemsize
    return values


class Failed(Exception):
    pass


class Unsupported(Exception):
    pass


def drive(driver, *arguments):
    done = subprocess.run([driver, *map(str, arguments)], capture_output=True, text=True, timeout=600)
    if done.returncode == 4:
        raise Unsupported(done.stderr.strip())
    if done.returncode != 0:
        raise Failed(f"status {done.returncode}: {done.stderr.strip()[-500:]}")
    return done.stdout


def evaluate(driver, model_path, inputs, shapes=(), mode="evaluate"):
    with tempfile.TemporaryDirectory() as folder:
        write_values(f"{folder}/in", inputs)
        drive(driver, mode, model_path, f"{folder}/in", f"{folder}/out", *shapes)
        return read_values(f"{folder}/out")


def difference(expected, result):
    """The contract's error: max|a - b| / max|a|; infinite where NaN, infinities or integers disagree."""
    expected, result = np.asarray(expected), np.asarray(result)
    if expected.shape != result.shape or expected.dtype != result.dtype:
        return np.inf
    if expected.size == 0:
        return 0.0
    if expected.dtype.kind in "iub":
        return 0.0 if np.array_equal(expected, result) else np.inf
    a, b = expected.astype(np.float64), result.astype(np.float64)
    finite = np.isfinite(a)
    if not np.array_equal(a[~finite], b[~finite], equal_nan=True) or not np.isfinite(b[finite]).all():
        return np.inf
    if not finite.any():
        return 0.0
    scale = np.abs(a[finite]).max()
    return float(np.abs(a[finite] - b[finite]).max() / (scale if scale > 0 else 1))
