"""Maps, select, cast."""
import math

import numpy as np

from conformance_cases import DTYPES, FLOATS, NAMES, Case, all_shapes, values

SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 2.5, -2.5, 3.25, -3.75, 1e-3, 20.0, -20.0, 100.0, -100.0, np.inf, -np.inf, np.nan]

erf = np.vectorize(math.erf, otypes=[np.float64])

UNARY = {  # of floats, in double
    "neg": np.negative, "abs": np.abs, "sign": lambda x: np.where(x == 0, x, np.sign(x)), "floor": np.floor,
    "ceil": np.ceil, "round": np.rint, "exp": np.exp, "expm1": np.expm1, "log": np.log, "log1p": np.log1p,
    "sqrt": np.sqrt, "rsqrt": lambda x: 1 / np.sqrt(x), "sin": np.sin, "cos": np.cos, "tanh": np.tanh, "erf": erf,
    "logistic": lambda x: 1 / (1 + np.exp(-x)), "relu": lambda x: np.where(np.isnan(x), x, np.where(x > 0, x, 0)),
    "square": np.square, "reciprocal": lambda x: 1 / x}
BINARY = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "rem": np.fmod, "pow": np.power,
    "max": np.maximum, "min": np.minimum, "atan2": np.arctan2}
COMPARE = {"eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal}
LOGIC = {"and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor}


def truncated(a, b):
    """Quotient towards zero, -1 for a zero divisor, in unbounded integers."""
    result = []
    for x, y in zip(a.ravel().tolist(), b.ravel().tolist()):
        q = -1 if y == 0 else abs(x) // abs(y) * (1 if (x < 0) == (y < 0) else -1)
        result.append(q)
    bits = 8 * a.dtype.itemsize
    return np.array([q % (1 << bits) for q in result], np.uint64).astype(a.dtype).reshape(a.shape)


def remainder(a, b):
    with np.errstate(all="ignore"):
        return np.where(b == 0, a, np.fmod(a, np.where(b == 0, 1, b)))


INTEGER = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": truncated, "rem": remainder, "max": np.maximum,
           "min": np.minimum}


def float_cases():
    special = {t: np.array(SPECIAL).astype(DTYPES[t]) for t in FLOATS}
    pairs = {t: [x.ravel() for x in np.meshgrid(special[t], special[t])] for t in FLOATS}
    for t in FLOATS:
        for op, f in UNARY.items():
            yield Case(f"{op}(a)", [special[t]], f(special[t].astype(np.float64)).astype(DTYPES[t]))
        for op, f in BINARY.items():
            a, b = pairs[t]
            yield Case(f"{op}(a, b)", [a, b], f(a.astype(np.float64), b.astype(np.float64)).astype(DTYPES[t]))
        for op, f in COMPARE.items():
            a, b = pairs[t]
            yield Case(f"{op}(a, b)", [a, b], f(a, b))
        yield Case("is_nan(a)", [special[t]], np.isnan(special[t]))
        yield Case("is_finite(a)", [special[t]], np.isfinite(special[t]))
        # Signs of zeros that an identity must keep.
        zeros = np.array([0.0, -0.0]).astype(DTYPES[t])
        yield Case("neg(a)", [zeros], np.array([-0.0, 0.0]).astype(DTYPES[t]), tolerance=0)
        yield Case("abs(a)", [zeros], np.array([0.0, 0.0]).astype(DTYPES[t]), tolerance=0)
        yield Case("mul(a, b)", [zeros, np.array([-1, -1]).astype(DTYPES[t])], np.array([-0.0, 0.0]).astype(DTYPES[t]), tolerance=0)


def integer_cases():
    for t in ("i64", "i32", "i16", "i8", "u64", "u32", "u16", "u8"):
        limits = np.iinfo(DTYPES[t])
        special = np.array([limits.min, limits.max, limits.min + 1, limits.max - 1, 0, 1, 2, 3, 7], DTYPES[t])
        a, b = [x.ravel() for x in np.meshgrid(special, special)]
        with np.errstate(all="ignore"):
            for op, f in INTEGER.items():
                yield Case(f"{op}(a, b)", [a, b], f(a, b))
            for op, f in {**COMPARE, **LOGIC}.items():
                yield Case(f"{op}(a, b)", [a, b], f(a, b))
            for op in ("neg", "abs", "sign", "square", "not", "relu"):
                f = {**UNARY, "not": np.invert, "sign": np.sign, "relu": lambda x: np.maximum(x, 0)}[op]
                yield Case(f"{op}(a)", [special], f(special).astype(DTYPES[t]))
    a, b = np.array([False, False, True, True]), np.array([False, True, False, True])
    for op, f in {**LOGIC, "eq": np.equal, "ne": np.not_equal}.items():
        yield Case(f"{op}(a, b)", [a, b], f(a, b))
    yield Case("not(a)", [a], ~a)


def cast_value(x, source, target):
    """Casts as StableHLO has them, but from float to integer saturating, NaN to 0."""
    if target == "bool":
        return x != 0
    if source in FLOATS and target not in FLOATS:
        limits = np.iinfo(DTYPES[target])
        whole = [0 if np.isnan(v) else limits.max if v == np.inf else limits.min if v == -np.inf else
                 min(max(math.trunc(v), limits.min), limits.max) for v in x.astype(np.float64).tolist()]
        return np.array(whole, DTYPES[target])
    with np.errstate(all="ignore"):
        if source in FLOATS and target in FLOATS:
            return x.astype(np.float64).astype(DTYPES[target])
        if target in FLOATS:
            return x.astype(np.float64).astype(DTYPES[target]) if target != "f32" or x.dtype.itemsize < 8 else x.astype(np.float32)
        return x.astype(DTYPES[target])


def cast_cases():
    for source in NAMES.values():
        if source in FLOATS:
            x = np.array(SPECIAL + [0.1, 255.5, 65504.0, 65520.0, 3e38, 1e-8, 6e-8, 2049.0, 257.0]).astype(DTYPES[source])
        elif source == "bool":
            x = np.array([False, True])
        else:
            limits = np.iinfo(DTYPES[source])
            x = np.array([0, 1, 2, 100, limits.max, limits.min], DTYPES[source])
        for target in NAMES.values():
            yield Case(f"cast(a, to={target})", [x], cast_value(x, source, target), tolerance=0)


def shape_cases():
    for shape in all_shapes():
        x, y = values(shape, key=1), values(shape, key=2)
        yield Case("add(a, b)", [x, y], x + y, tolerance=0)
        yield Case("exp(a)", [x], np.exp(x))
        yield Case("lt(a, b)", [x, y], x < y)
        p = values(shape, "bool")
        yield Case("select(a, b, c)", [p, x, y], np.where(p, x, y), tolerance=0)
        yield Case("select(a, b, c)", [p, p, ~p], np.where(p, p, ~p))
        yield Case("cast(a, to=i32)", [x * 4], np.trunc(x * 4).astype(np.int32))
    x = values((700,), key=3)  # more than one strip, mixed branches
    p = values((700,), "bool", 4)
    yield Case("select(a, b, c)", [p, x, -x], np.where(p, x, -x), tolerance=0)


def cases():
    with np.errstate(all="ignore"):
        for group in (float_cases, integer_cases, cast_cases, shape_cases):
            yield from group()
