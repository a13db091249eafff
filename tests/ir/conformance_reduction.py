"""Reductions, arg-max, windows."""
import numpy as np

from conformance_cases import DOUBLE, DTYPES, FAST, REFERENCE, Case, all_shapes, ort, seeded, subsets, text, values

INITIAL = {"max": -np.inf, "min": np.inf}


def reduce_cases():
    for shape in all_shapes():
        for axes in subsets(len(shape)):
            x = values(shape)
            wide = x.astype(np.float64)
            yield Case(f"reduce_sum(a, axes={text(axes)})", [x], np.sum(wide, axis=axes).astype(np.float32), 1e-5,
                       REFERENCE | FAST | DOUBLE)
            yield Case(f"reduce_prod(a, axes={text(axes)})", [x + 1], np.prod(wide + 1, axis=axes).astype(np.float32), 5e-6)
            for kind, f in (("max", np.max), ("min", np.min)):
                yield Case(f"reduce_{kind}(a, axes={text(axes)})", [x], f(x, axis=axes, initial=INITIAL[kind]), 0)
            p = values(shape, "bool")
            yield Case(f"reduce_any(a, axes={text(axes)})", [p], np.any(p, axis=axes), 0)
            yield Case(f"reduce_all(a, axes={text(axes)})", [p], np.all(p, axis=axes), 0)
            i = values(shape, "i32")
            yield Case(f"reduce_sum(a, axes={text(axes)})", [i], np.sum(i, axis=axes, dtype=np.int32), 0)
            limits = np.iinfo(np.int32)
            yield Case(f"reduce_max(a, axes={text(axes)})", [i], np.max(i, axis=axes, initial=limits.min), 0)
            yield Case(f"reduce_min(a, axes={text(axes)})", [i], np.min(i, axis=axes, initial=limits.max), 0)
    with_nan = np.array([[1, np.nan, 3], [np.inf, -np.inf, 2], [np.nan, np.nan, -1]], np.float32)
    for axis in (0, 1):
        yield Case(f"reduce_max(a, axes=[{axis}])", [with_nan], np.max(with_nan, axis=axis), 0)
        yield Case(f"reduce_min(a, axes=[{axis}])", [with_nan], np.min(with_nan, axis=axis), 0)
        with np.errstate(invalid="ignore"):
            yield Case(f"reduce_sum(a, axes=[{axis}])", [with_nan], np.sum(with_nan, axis=axis), 0)
    for t in ("u8", "i8", "u64", "i64", "f64", "f16", "bf16"):
        x = values((3, 600), t)
        for axis in (0, 1):
            wide = x.astype(np.float64) if t in ("f64", "f16", "bf16") else x
            total = np.sum(wide, axis=axis, dtype=wide.dtype).astype(x.dtype)
            yield Case(f"reduce_sum(a, axes=[{axis}])", [x], total, {"f16": 2e-3, "bf16": 1.2e-2, "f64": 1e-12}.get(t, 0))
            yield Case(f"reduce_max(a, axes=[{axis}])", [x], np.max(x, axis=axis), 0)


def argument_cases():
    for shape in all_shapes(1):
        for axis in range(len(shape)):
            for kind, f in (("argmax", np.argmax), ("argmin", np.argmin)):
                for t in ("f32", "i32"):  # small integers: many ties
                    x = values(shape, t)
                    if shape[axis] == 0:
                        yield Case(f"{kind}(a, axis={axis})", [x], error=kind)
                    else:
                        yield Case(f"{kind}(a, axis={axis})", [x], f(x, axis=axis).astype(np.int64), 0)
    x = np.array([[1, np.nan, 3, np.nan], [np.inf, 2, np.inf, 0], [-np.inf, -np.inf, -np.inf, -np.inf]], np.float32)
    for kind, f in (("argmax", np.argmax), ("argmin", np.argmin)):
        yield Case(f"{kind}(a, axis=1, dtype=i32)", [x], f(x, axis=1).astype(np.int32), 0)
        long = values((2, 1000))
        yield Case(f"{kind}(a, axis=1)", [long], f(long, axis=1).astype(np.int64), 0)


def windows(x, window, stride, low, high, dilation, outside):
    """[result.., window..]: what each window sees, `outside` in the padding."""
    sizes = [(n + lo + hi - (k - 1) * d - 1) // s + 1 for n, k, s, lo, hi, d in zip(x.shape, window, stride, low, high, dilation)]
    if any(n < 0 for n in sizes):
        return None
    seen = np.full((*sizes, *window), outside, x.dtype)
    for at in np.ndindex(*sizes):
        for tap in np.ndindex(*window):
            place = tuple(i * s + t * d - lo for i, s, t, d, lo in zip(at, stride, tap, dilation, low))
            if all(0 <= p < n for p, n in zip(place, x.shape)):
                seen[at + tap] = x[place]
    return seen


def window_settings():
    for shape in all_shapes():
        rank = len(shape)
        random = seeded("window", shape)
        yield shape, (1,) * rank, (1,) * rank, (0,) * rank, (0,) * rank, (1,) * rank
        for _ in range(2):
            yield (shape, *(tuple(random.integers(lo, hi, rank)) for lo, hi in ((1, 3), (1, 3), (0, 2), (0, 3), (1, 3))))


def window_cases():
    for shape, window, stride, low, high, dilation in window_settings():
        x = values(shape, key=1)
        seen = windows(x, window, stride, low, high, dilation, 0)
        if seen is None:
            continue
        taps = tuple(range(len(shape), 2 * len(shape)))
        call = f"window={text(window)}, stride={text(stride)}, low={text(low)}, high={text(high)}, dilation={text(dilation)}"
        yield Case(f"window_sum(a, {call})", [x], seen.astype(np.float64).sum(axis=taps).astype(np.float32), 1e-5)
        largest = windows(x, window, stride, low, high, dilation, -np.inf)
        yield Case(f"window_max(a, {call})", [x], largest.max(axis=taps, initial=-np.inf), 0)
        coarse = np.round(x)  # ties: the first maximum receives
        g = values(seen.shape[: len(shape)], key=2)
        yield Case(f"window_max_grad(a, b, {call})", [coarse, g], max_gradient(coarse, g, window, stride, low, dilation), 2e-6)
    for stride, pads, dilation in (((2, 2), (1, 1, 1, 1), (1, 1)), ((1, 2), (0, 1, 1, 0), (1, 1)), ((1, 1), (1, 0, 0, 1), (2, 1))):
        x = values((2, 3, 9, 10))
        low, high = (0, 0, *pads[:2]), (0, 0, *pads[2:])
        call = (f"window=[1,1,3,2], stride={text((1, 1, *stride))}, low={text(low)}, high={text(high)}, "
                f"dilation={text((1, 1, *dilation))}")
        theirs = ort("MaxPool", [x], kernel_shape=(3, 2), strides=stride, pads=pads, dilations=dilation)
        yield Case(f"window_max(a, {call})", [x], theirs, 0)
        theirs = ort("AveragePool", [x], opset=19, kernel_shape=(3, 2), strides=stride, pads=pads, dilations=dilation, count_include_pad=1)
        yield Case(f"window_sum(a, {call})", [x], theirs * 6, 1e-5)


def max_gradient(x, g, window, stride, low, dilation):
    result = np.zeros(x.shape)
    for at in np.ndindex(*g.shape):
        best = None
        for tap in np.ndindex(*window):
            place = tuple(i * s + t * d - lo for i, s, t, d, lo in zip(at, stride, tap, dilation, low))
            if all(0 <= p < n for p, n in zip(place, x.shape)) and (best is None or x[place] > x[best]):
                best = place
        if best is not None:
            result[best] += g[at]
    return result.astype(np.float32)


def running_cases():
    for shape in all_shapes(1):
        for axis in range(len(shape)):
            for exclusive, reverse in ((0, 0), (1, 0), (0, 1), (1, 1)):
                call = f"(a, axis={axis}, exclusive={exclusive}, reverse={reverse})"
                for t in ("f32", "i32"):
                    x = values(shape, t)
                    turned = np.flip(x, axis) if reverse else x
                    for op, fold, first in (("cumsum", np.cumsum, 0), ("cumprod", np.cumprod, 1)):
                        result = fold(turned.astype(np.float64 if t == "f32" else np.int64), axis=axis)
                        if exclusive and shape[axis]:
                            start = np.full_like(np.take(result, [0], axis), first)
                            result = np.concatenate([start, np.delete(result, -1, axis)], axis)
                        result = np.flip(result, axis) if reverse else result
                        yield Case(op + call, [x], result.astype(DTYPES[t]), 1e-5 if t == "f32" else 0)
    hidden = np.array([1, np.inf, 2, np.nan, 3], np.float32)
    yield Case("cumsum(a, axis=0)", [hidden], np.array([1, np.inf, np.inf, np.nan, np.nan], np.float32), 0)
    yield Case("cumsum(a, axis=1)", [hidden], error="axis")


def cases():
    yield from reduce_cases()
    yield from running_cases()
    yield from argument_cases()
    yield from window_cases()
