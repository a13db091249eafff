"""dot, convolution and its gradients."""
import itertools

import numpy as np

from conformance_cases import DOUBLE, FAST, RATIONAL, REFERENCE, Case, ort, seeded, text, values

LETTERS = "abcdefghijklmnop"


def dot(a, b, lb, rb, lc, rc):
    left, right = list(LETTERS[: a.ndim]), list(LETTERS[8: 8 + b.ndim])
    for i, j in zip(list(lb) + list(lc), list(rb) + list(rc)):
        right[j] = left[i]
    out = [left[i] for i in lb]
    out += [left[i] for i in range(a.ndim) if i not in (*lb, *lc)] + [right[j] for j in range(b.ndim) if j not in (*rb, *rc)]
    wide = np.float64 if a.dtype.kind not in "iu" else a.dtype
    return np.einsum(f"{''.join(left)},{''.join(right)}->{''.join(out)}", a.astype(wide), b.astype(wide)).astype(a.dtype)


def dot_cases():
    """Every number of batch, contracted and free axes up to rank 5, in shuffled places."""
    for batch, contracted, m, n in itertools.product(range(3), range(3), range(3), range(3)):
        left_rank, right_rank = batch + contracted + m, batch + contracted + n
        if max(left_rank, right_rank, batch + m + n) > 5:
            continue
        for variant in range(4):
            random = seeded("dot", batch, contracted, m, n, variant)
            common = random.integers(1, 4, batch + contracted)
            if variant == 1 and len(common):
                common[random.integers(len(common))] = 0
            if variant == 2:
                common[:] = 1
            left, right = random.permutation(left_rank), random.permutation(right_rank)
            a_shape, b_shape = random.integers(1, 5, left_rank), random.integers(1, 5, right_rank)
            if variant == 3 and m:
                a_shape[left[-1]] = 0
            a_shape[left[: len(common)]] = common
            b_shape[right[: len(common)]] = common
            lb, lc, rb, rc = left[:batch], left[batch: len(common)], right[:batch], right[batch: len(common)]
            for t in ("f32", "i32") if variant == 0 else ("f32",):
                a, b = values(a_shape, t, 1), values(b_shape, t, 2)
                evaluators = REFERENCE | FAST | DOUBLE | (RATIONAL if t == "i32" else 0)
                yield Case(f"dot(a, b, lb={text(lb)}, rb={text(rb)}, lc={text(lc)}, rc={text(rc)})", [a, b],
                           dot(a, b, lb, rb, lc, rc), 1e-5 if t == "f32" else 0, evaluators)
    # Whole tiles and tails of the blocked product, in every dtype.
    for m, k, n in ((130, 70, 260), (1, 300, 9), (5, 513, 1), (64, 2, 64), (7, 64, 3)):
        for t, tolerance in (("f32", 2e-5), ("f64", 1e-12), ("i64", 0), ("i32", 0), ("bf16", 2e-2), ("f16", 3e-3)):
            a, b = values((m, k), t, 1), values((n, k), t, 2)
            evaluators = REFERENCE | FAST if m * k * n < 200_000 else FAST
            yield Case("dot(a, b, lc=[1], rc=[1])", [a, b], dot(a, b, [], [], [1], [1]), tolerance, evaluators)
            yield Case("dot(a, b, lc=[0], rc=[1])", [a.T.copy(), b], dot(a, b, [], [], [1], [1]), tolerance, evaluators)
    yield Case("dot(a, b, lc=[1], rc=[0])", [values((2, 3)), values((4, 2))], error="dot")


def conv(x, w, stride, low, high, dilation, groups, lhs_dilation=None):
    """By hand, in double: every tap is a strided slice of the padded input."""
    spatial = x.ndim - 2
    lhs_dilation = lhs_dilation or [1] * spatial
    x = x.astype(np.float64)
    spread = np.zeros(x.shape[:2] + tuple(max((n - 1) * d + 1, 0) for n, d in zip(x.shape[2:], lhs_dilation)))
    spread[(slice(None),) * 2 + tuple(slice(None, None, d) for d in lhs_dilation)] = x
    pads = [(0, 0), (0, 0)] + [(max(lo, 0), max(hi, 0)) for lo, hi in zip(low, high)]
    crop = (slice(None),) * 2 + tuple(slice(max(-lo, 0), n - max(-hi, 0)) for lo, hi, n in zip(low, high, spread.shape[2:]))
    # Cut first: pads never grow what a negative pad takes away.
    padded = np.pad(spread[crop], pads)
    sizes = [(n - (k - 1) * d - 1) // s + 1 for n, k, d, s in zip(padded.shape[2:], w.shape[2:], dilation, stride)]
    outputs, per_group = w.shape[0], w.shape[0] // groups
    result = np.zeros((x.shape[0], outputs, *sizes))
    for tap in np.ndindex(*w.shape[2:]):
        window = tuple(slice(t * d, t * d + (n - 1) * s + 1, s) if n else slice(0, 0) for t, d, n, s in zip(tap, dilation, sizes, stride))
        for g in range(groups):
            channels = slice(g * w.shape[1], (g + 1) * w.shape[1])
            block = padded[(slice(None), channels) + window]
            rows = slice(g * per_group, (g + 1) * per_group)
            result[:, rows] += np.einsum("ni...,oi->no...", block, w[(rows, slice(None)) + tap].astype(np.float64))
    return result


def conv_settings():
    """(spatial sizes, kernel, stride, low, high, dilation) for 0 to 3 spatial axes."""
    yield (), (), (), (), (), ()
    for rank in (1, 2, 3):
        for variant in range(9):
            random = seeded("conv", rank, variant)
            size = tuple(random.integers(4, 8, rank))
            kernel = tuple(random.integers(1, 4, rank))
            many = lambda low, high: tuple(random.integers(low, high, rank))
            plain = (1,) * rank, (0,) * rank, (0,) * rank, (1,) * rank
            if variant == 0:
                yield (1,) * rank, (1,) * rank, *plain
            elif variant == 1:
                yield size, kernel, *plain
            elif variant < 4:
                yield size, kernel, many(1, 3), many(0, 3), many(0, 3), (1,) * rank
            elif variant < 7:
                yield size, kernel, many(1, 4), many(0, 3), many(1, 4), many(1, 3)
            else:
                yield size, kernel, many(1, 3), many(-1, 2), many(-1, 2), (1,) * rank


def attributes(stride, low, high, dilation, groups):
    high = "" if high is None else f", high={text(high)}"
    return f"stride={text(stride)}, low={text(low)}{high}, dilation={text(dilation)}, groups={groups}"


def conv_cases():
    for size, kernel, stride, low, high, dilation in conv_settings():
        for groups, channels, outputs, batch in ((1, 3, 4, 2), (2, 4, 6, 1), (3, 3, 3, 2), (1, 1, 1, 1), (1, 2, 3, 0)):
            x, w = values((batch, channels, *size), key=1), values((outputs, channels // groups, *kernel), key=2)
            expected = conv(x, w, stride, low, high, dilation, groups)
            if min(expected.shape, default=0) < 0:
                continue
            call = attributes(stride, low, high, dilation, groups)
            yield Case(f"conv(a, b, {call})", [x, w], expected.astype(np.float32), 1e-5)
            if size and batch and min((*low, *high)) >= 0:
                theirs = ort("Conv", [x, w], strides=stride, pads=[*low, *high], dilations=dilation, group=groups)
                yield Case(f"conv(a, b, {call})", [x, w], theirs, 1e-5)
            g = values(expected.shape, key=3)
            yield from gradient_cases(x, w, g, stride, low, high, dilation, groups)
    for rank in (1, 2):
        x, w = values((1, 2) + (4,) * rank, key=1), values((3, 2) + (2,) * rank, key=2)
        for spread in ((2,) * rank, (3, 1)[:rank]):
            ones, low, high = [1] * rank, [1] * rank, [2] * rank
            expected = conv(x, w, ones, low, high, ones, 1, spread).astype(np.float32)
            yield Case(f"conv(a, b, {attributes(ones, low, high, ones, 1)}, lhs_dilation={text(spread)})", [x, w], expected, 1e-5)
    yield Case("conv(a, b, groups=2, stride=[1], low=[0], high=[0])", [values((1, 3, 4)), values((4, 2, 2))], error="conv")


def gradient_cases(x, w, g, stride, low, high, dilation, groups):
    """The gradients are the two adjoints of a bilinear map; each entry by a basis element of `conv` above."""
    call = attributes(stride, low, None, dilation, groups)
    if x.size <= 130:
        dx = np.zeros(x.shape)
        for at in np.ndindex(*x.shape):
            e = np.zeros(x.shape)
            e[at] = 1
            dx[at] = (conv(e, w, stride, low, high, dilation, groups) * g).sum()
        yield Case(f"conv_dx(a, b, {call}, sizes={text(x.shape[2:])})", [g, w], dx.astype(np.float32), 1e-5)
    if w.size <= 130:
        dw = np.zeros(w.shape)
        for at in np.ndindex(*w.shape):
            e = np.zeros(w.shape)
            e[at] = 1
            dw[at] = (conv(x, e, stride, low, high, dilation, groups) * g).sum()
        yield Case(f"conv_dw(a, b, {call}, sizes={text(w.shape[2:])})", [x, g], dw.astype(np.float32), 1e-5)
    if len(stride) and g.size and min((*low, *high)) >= 0:
        plain = [(q - 1) * s + (k - 1) * d + 1 - lo - hi for q, s, k, d, lo, hi in
                 zip(g.shape[2:], stride, w.shape[2:], dilation, low, high)]
        if min(plain) > 0:
            theirs = ort("ConvTranspose", [g, w], strides=stride, pads=[*low, *high], dilations=dilation, group=groups)
            yield Case(f"conv_dx(a, b, {call}, sizes={text(plain)})", [g, w], theirs, 1e-5)


def cases():
    yield from dot_cases()
    yield from conv_cases()
