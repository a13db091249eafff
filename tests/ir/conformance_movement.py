"""Leaves, movement, indexing."""
import itertools

import numpy as np

from conformance_cases import DTYPES, Case, all_shapes, ort, seeded, shapes, subsets, text, values


def leaf_cases():
    for shape in all_shapes():
        yield Case(f"splat(value=2.5, dtype=f32, sizes={text(shape)})", [], np.full(shape, 2.5, np.float32), tolerance=0)
        for axis in range(len(shape)):
            for t in ("i64", "f32", "u8"):
                ranks = np.arange(shape[axis]).reshape([-1 if i == axis else 1 for i in range(len(shape))])
                yield Case(f"iota(axis={axis}, dtype={t}, sizes={text(shape)})", [],
                           np.broadcast_to(ranks, shape).astype(DTYPES[t]), tolerance=0)
    yield Case("splat(value=-7, dtype=i32)", [], np.int32(-7), tolerance=0)
    yield Case("splat(value=1, dtype=bool, sizes=[2])", [], np.array([True, True]), tolerance=0)


def axis_order_cases():
    for rank in range(6):
        for shape in shapes(rank):
            x = values(shape)
            orders = list(itertools.permutations(range(rank)))
            for perm in orders if rank < 4 else orders[:: len(orders) // 7]:
                yield Case(f"transpose(a, perm={text(perm)})", [x], x.transpose(perm), tolerance=0)
            for axes in subsets(rank):
                yield Case(f"reverse(a, axes={text(axes)})", [x], np.flip(x, axes), tolerance=0)


def broadcast_cases():
    for rank in range(6):
        for shape in shapes(rank):
            for operand_rank in range(rank + 1):
                for dims in list(itertools.permutations(range(rank), operand_rank))[:: 1 + rank * rank // 4]:
                    x = values([shape[d] for d in dims])
                    others = [i for i in range(rank) if i not in dims]
                    full = x.transpose(np.argsort(dims)) if dims else x
                    full = full.reshape([n if i in dims else 1 for i, n in enumerate(shape)])
                    yield Case(f"broadcast(a, dims={text(dims)}, sizes={text(shape[i] for i in others)})", [x],
                               np.broadcast_to(full, shape), tolerance=0)


def reshape_cases():
    forms = [[(), (1,), (1, 1, 1)], [(6,), (2, 3), (3, 2), (1, 6), (3, 1, 2, 1)],
             [(2, 3, 4), (24,), (6, 4), (4, 6), (2, 12), (8, 3), (2, 2, 3, 2), (1, 4, 3, 2, 1)],
             [(0,), (0, 3), (5, 0, 2), (2, 0, 1, 1, 3)], [(4, 6, 5, 1, 2), (12, 20), (10, 24), (5, 2, 2, 2, 6)]]
    for form in forms:
        for source, target in itertools.product(form, form):
            x = values(source)
            yield Case(f"reshape(a, sizes={text(target)})", [x], x.reshape(target), tolerance=0)


def slice_cases():
    for shape in all_shapes():
        x, random = values(shape), seeded("slice", shape)
        for _ in range(3):
            start = [random.integers(0, n + 1) for n in shape]
            limit = [random.integers(s, n + 1) for s, n in zip(start, shape)]
            stride = random.integers(1, 4, len(shape))
            yield Case(f"slice(a, start={text(start)}, limit={text(limit)}, stride={text(stride)})", [x],
                       x[tuple(slice(*t) for t in zip(start, limit, stride))], tolerance=0)
    yield Case("slice(a, start=[1], limit=[5])", [values((4,))], error="slice")
    yield Case("slice(a, start=[3], limit=[2])", [values((4,))], error="slice")


def padded(x, value, low, high, interior):
    """By hand: spread, then paste what stays inside."""
    spread = [n + max(n - 1, 0) * i for n, i in zip(x.shape, interior)]
    sizes = [lo + n + hi for lo, n, hi in zip(low, spread, high)]
    if any(n < 0 for n in sizes):
        return None
    result = np.full(sizes, value, x.dtype)
    for at in np.ndindex(*x.shape):
        to = tuple(lo + k * (i + 1) for lo, k, i in zip(low, at, interior))
        if all(0 <= k < n for k, n in zip(to, sizes)):
            result[to] = x[at]
    return result


def pad_cases():
    for shape in all_shapes():
        x, value, random = values(shape), np.float32(9.5), seeded("pad", shape)
        for attempt in range(6):
            low, high = random.integers(-2, 3, len(shape)), random.integers(-2, 3, len(shape))
            interior = random.integers(0, 3, len(shape)) * (attempt % 2)
            expected = padded(x, value, low, high, interior)
            if expected is not None:
                yield Case(f"pad(a, b, low={text(low)}, high={text(high)}, interior={text(interior)})", [x, value],
                           expected, tolerance=0)
    x = values((2, 3), "i64")
    yield Case("pad(a, b, low=[1,0], high=[0,2])", [x, np.int64(7)], np.pad(x, [(1, 0), (0, 2)], constant_values=7), tolerance=0)


def concat_cases():
    for shape in all_shapes(1):
        for axis in range(len(shape)):
            for sizes in ((3,), (2, 1), (0, 2, 3), (1, 0, 0, 2, 1), (1,) * 9):
                parts = [values([n if i == axis else s for i, s in enumerate(shape)], key=k) for k, n in enumerate(sizes)]
                operands = ", ".join("abcdefghij"[: len(parts)])
                yield Case(f"concat({operands}, axis={axis})", parts, np.concatenate(parts, axis), tolerance=0)
                if len(sizes) < 9:
                    whole = np.concatenate(parts, axis)
                    yield Case(f"split(a, axis={axis}, sizes={text(sizes)})", [whole], parts, tolerance=0, parts=len(parts))
    minus_zero = np.array([-0.0], np.float32)
    yield Case("concat(a, b, axis=0)", [minus_zero, minus_zero], np.array([-0.0, -0.0], np.float32), tolerance=0)
    yield Case("concat(a, b, axis=0)", [values((2, 3)), values((2, 4))], error="concat")
    yield Case("split(a, axis=0, sizes=[1,2])", [values((4,))], error="split", parts=2)


def gather_cases():
    for shape in all_shapes(1):
        for axis in range(len(shape)):
            for index_shape in [(), (3,), (2, 2), (0,), (1, 2, 1)]:
                if len(shape) + len(index_shape) > 6:
                    continue
                x = values(shape)
                for t in ("i64", "i32"):
                    index = seeded(shape, axis, index_shape).integers(-3, 7, index_shape).astype(DTYPES[t])
                    if shape[axis] == 0:
                        yield Case(f"gather(a, b, axis={axis})", [x, index], error="gather")
                        break
                    yield Case(f"gather(a, b, axis={axis})", [x, index], np.take(x, index, axis, mode="clip"), tolerance=0)
                    u = values(shape[:axis] + index_shape + shape[axis + 1:], key=5)
                    yield Case(f"scatter_add(a, b, c, axis={axis})", [x, index, u], scattered(x, index, u, axis), tolerance=1e-6)
    x, index = values((5, 4)), np.array([[0, -1], [3, -5]])  # ONNX takes negative indices from the end; ours are plain
    yield Case("gather(a, b, axis=0)", [x, index % 5], ort("Gather", [x, index], axis=0), tolerance=0)


def scattered(x, index, u, axis):
    result = x.astype(np.float64)
    moved = np.moveaxis(result, axis, 0)
    rows = u.reshape(x.shape[:axis] + (index.size,) + x.shape[axis + 1:])
    rows = np.moveaxis(rows, axis, 0)
    for i, to in enumerate(index.ravel()):
        if 0 <= to < x.shape[axis]:
            moved[to] += rows[i]
    return result.astype(x.dtype)


def cases():
    for group in (leaf_cases, axis_order_cases, broadcast_cases, reshape_cases, slice_cases, pad_cases, concat_cases,
                  gather_cases):
        yield from group()
