"""Exact rationals: on graphs of field operations the result is the fraction that Python's own arithmetic gives."""
from fractions import Fraction

import numpy as np

from conformance_cases import DOUBLE, FAST, RATIONAL, REFERENCE, Case, seeded, values


def small(shape, key, low=-5, high=6):
    """Multiples of 1/4: exact in every float."""
    return (seeded("rational", shape, key).integers(low * 4, high * 4, shape) / 4).astype(np.float32)


def exact(function, *arrays):
    """`function` of object arrays of fractions, back to double."""
    fractions = [np.array([Fraction(float(v)) for v in x.ravel()], object).reshape(x.shape) for x in arrays]
    return np.vectorize(float, otypes=[np.float64])(function(*fractions))


def cases():
    a, b, c = small((3, 4), 1), small((4, 2), 2), np.abs(small((3, 2), 3)) + np.float32(0.25)
    dot = "dot(a, b, lc=[1], rc=[0])"
    every = REFERENCE | FAST | DOUBLE | RATIONAL
    yield Case(f"add({dot}, c)", [a, b, c], exact(lambda x, y, z: x @ y + z, a, b, c).astype(np.float32), 0, every)
    # Not representable: only the exact evaluator gives the nearest double.
    yield Case(f"div({dot}, c)", [a, b, c], exact(lambda x, y, z: x @ y / z, a, b, c), 0, RATIONAL)
    yield Case("reduce_sum(div(a, b), axes=[0,1])", [a, np.abs(a) + 1], exact(lambda x, y: (x / y).sum(), a, np.abs(a) + 1), 0, RATIONAL)
    # (a - b)(a + b) - a^2 + b^2 is exactly zero.
    zero = "sub(mul(sub(a, b), add(a, b)), sub(square(a), square(b)))"
    x, y = small((5,), 4), small((5,), 5) / np.float32(7)
    yield Case(zero, [x, y], np.zeros(5), 0, RATIONAL)
    yield Case("div(mul(a, b), b)", [x, np.abs(y) + 1], x.astype(np.float64), 0, RATIONAL)
    # A decimal constant is the decimal fraction.
    yield Case("mul(splat(value=0.1, dtype=f32), splat(value=10, dtype=f32))", [], np.float64(1), 0, RATIONAL)
    yield Case("floor(div(a, b))", [x, np.full(5, 2, np.float32)], np.floor(x / 2).astype(np.float64), 0, RATIONAL)
    yield Case("round(a)", [np.array([0.5, 1.5, -0.5, 2.5, 0.75], np.float32)], np.array([0, 2, 0, 2, 1.0]), 0, RATIONAL)
    yield Case("reduce_max(a, axes=[0])", [small((0, 2), 6)], np.array([-np.inf] * 2), 0, RATIONAL)
    # Uninterpreted: equal arguments give equal results.
    yield Case("sub(exp(add(a, b)), exp(add(b, a)))", [x, y], np.zeros(5), 0, RATIONAL)
    yield Case("exp(a)", [np.array([0, -np.inf, np.inf], np.float32)], np.array([1, 0, np.inf]), 0, RATIONAL)
    large = np.full((3,), 1e20, np.float32)
    yield Case("mul(mul(a, a), a)", [large], error="127 bits", evaluators=RATIONAL)
