"""Composites, mostly against onnxruntime."""
import numpy as np

from conformance_cases import DTYPES, Case, all_shapes, ort, seeded, subsets, text, values
from conformance_maps import erf

F32 = np.float32


def activation_cases():
    extreme = np.array([-np.inf, -100, -30, -1, -0.0, 0.0, 1e-4, 1, 30, 100, np.inf, np.nan], F32)
    by_hand = {
        "silu(a)": lambda x: x / (1 + np.exp(-x)),
        "gelu(a)": lambda x: x * 0.5 * (1 + erf(x / np.sqrt(2))),
        "gelu_tanh(a)": lambda x: x * 0.5 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x ** 3))),
        "softplus(a)": lambda x: np.logaddexp(x, 0),
        "mish(a)": lambda x: x * np.tanh(np.logaddexp(x, 0)),
        "hard_swish(a)": lambda x: x * np.clip(x / 6 + 0.5, 0, 1)}
    theirs = {
        "relu(a)": ("Relu", {}), "gelu(a)": ("Gelu", {}), "gelu_tanh(a)": ("Gelu", {"approximate": "tanh"}),
        "hard_sigmoid(a)": ("HardSigmoid", {}), "hard_sigmoid(a, alpha=0.3, beta=0.4)": ("HardSigmoid", {"alpha": 0.3, "beta": 0.4}),
        "hard_swish(a)": ("HardSwish", {}), "leaky_relu(a, alpha=0.2)": ("LeakyRelu", {"alpha": 0.2}),
        "elu(a, alpha=1.5)": ("Elu", {"alpha": 1.5}), "softplus(a)": ("Softplus", {}), "mish(a)": ("Mish", {}),
        "clip(a, low=-0.5, high=0.75)": ("Clip", {})}
    for shape in all_shapes():
        x = values(shape)
        for call, f in by_hand.items():
            yield Case(call, [x], f(x.astype(np.float64)).astype(F32), 1e-6)
        for call, (op, attrs) in theirs.items():
            if x.size:
                inputs = [x] + ([F32(-0.5), F32(0.75)] if op == "Clip" else [])
                yield Case(call, [x], ort(op, inputs, **attrs), 3e-6)
    with np.errstate(all="ignore"):
        finite = extreme[np.isfinite(extreme)]
        for call, f in by_hand.items():
            yield Case(call, [finite], f(finite.astype(np.float64)).astype(F32), 1e-6)
        yield Case("softplus(a)", [extreme], np.logaddexp(extreme.astype(np.float64), 0).astype(F32), 1e-6)
        yield Case("clip(a, low=-1)", [extreme], np.maximum(extreme, F32(-1)), 0)
        yield Case("leaky_relu(a)", [extreme], np.where(extreme < 0, extreme * F32(0.01), extreme), 1e-6)


def softmax_cases():
    for shape in all_shapes(1):
        for axis in range(len(shape)):
            x = values(shape) * 3
            wide = x.astype(np.float64)
            shifted = wide - np.max(wide, axis=axis, keepdims=True, initial=-np.inf) if x.size else wide
            total = np.exp(shifted).sum(axis=axis, keepdims=True) if x.size else np.float64(1)
            yield Case(f"softmax(a, axis={axis})", [x], (np.exp(shifted) / total).astype(F32), 2e-6)
            yield Case(f"log_softmax(a, axis={axis})", [x], (shifted - np.log(total)).astype(F32), 2e-6)
            if x.size:
                yield Case(f"softmax(a, axis={axis})", [x], ort("Softmax", [x], axis=axis), 2e-6)
                yield Case(f"log_softmax(a, axis={axis})", [x], ort("LogSoftmax", [x], axis=axis), 5e-6)
        for axes in subsets(len(shape)):
            x = values(shape) * 3
            with np.errstate(divide="ignore"):
                most = np.max(x.astype(np.float64), axis=axes, keepdims=True, initial=-1e9)
                result = most + np.log(np.exp(x - most).sum(axis=axes, keepdims=True))
            result = result.astype(F32)
            yield Case(f"logsumexp(a, axes={text(axes)}, keep=1)", [x], result, 2e-6)
            yield Case(f"logsumexp(a, axes={text(axes)})", [x], np.squeeze(result, axis=axes), 2e-6)
    masked = np.array([[-np.inf, 1, 2], [0, -np.inf, -np.inf]], F32)
    yield Case("softmax(a, axis=1)", [masked], ort("Softmax", [masked], axis=1), 1e-6)


def normalization_cases():
    for shape in all_shapes(1):
        x, rank = values(shape, key=1), len(shape)
        for axis in range(rank):
            scale, bias = values(shape[axis:], key=2), values(shape[axis:], key=3)
            wide, axes = x.astype(np.float64), tuple(range(axis, rank))
            if x.size == 0:
                with np.errstate(all="ignore"):
                    yield Case(f"rms_norm(a, b, axis={axis})", [x, scale], np.zeros(shape, F32))
                    yield Case(f"layer_norm(a, b, c, axis={axis})", [x, scale, bias], np.zeros(shape, F32))
                continue
            theirs = ort("LayerNormalization", [x, scale, bias], axis=axis, epsilon=1e-3)
            yield Case(f"layer_norm(a, b, c, axis={axis}, epsilon=0.001)", [x, scale, bias], theirs, 1e-5)
            root = np.sqrt(np.square(wide).mean(axis=axes, keepdims=True) + 1e-5)
            yield Case(f"rms_norm(a, b, axis={axis})", [x, scale], (wide / root * scale).astype(F32), 1e-5)
        for axes in subsets(rank):
            if all(shape[i] for i in axes):
                yield Case(f"mean(a, axes={text(axes)})", [x], x.astype(np.float64).mean(axis=axes).astype(F32), 2e-5)
                yield Case(f"variance(a, axes={text(axes)})", [x], x.astype(np.float64).var(axis=axes).astype(F32), 1e-5)
    for shape in all_shapes(2):
        x = values(shape, key=1)
        scale, bias, mean = (values(shape[1:2], key=k) for k in (2, 3, 4))
        variance = np.abs(values(shape[1:2], key=5)) + F32(0.1)
        at = [-1 if i == 1 else 1 for i in range(len(shape))]
        expected = (x - mean.reshape(at).astype(np.float64)) / np.sqrt(variance.reshape(at) + 1e-5) * scale.reshape(at) + bias.reshape(at)
        yield Case("batch_norm(a, b, c, d, e)", [x, scale, bias, mean, variance], expected.astype(F32), 1e-5)
        if x.size and len(shape) == 4:
            theirs = ort("BatchNormalization", [x, scale, bias, mean, variance])
            yield Case("batch_norm(a, b, c, d, e)", [x, scale, bias, mean, variance], theirs, 1e-5)
    for size in (1, 2, 3, 4, 5):
        x = values((2, 7, 3, 2))
        theirs = ort("LRN", [x], size=size, alpha=0.3, beta=0.6, bias=2.0) if size % 2 else local_response(x, size)
        yield Case(f"lrn(a, size={size}, alpha=0.3, beta=0.6, bias=2)", [x], theirs, 1e-5)


def local_response(x, size):
    """ONNX' formula for an even size (onnxruntime takes odd ones only)."""
    square = np.zeros(x.shape)
    for c in range(x.shape[1]):
        low, high = max(0, c - (size - 1) // 2), min(x.shape[1] - 1, c + size // 2)
        square[:, c] = np.square(x[:, low: high + 1].astype(np.float64)).sum(axis=1)
    return (x / (2 + 0.3 / size * square) ** 0.6).astype(F32)


def pool_cases():
    for stride, pads, count in (((2, 2), (1, 1, 1, 1), 0), ((2, 2), (1, 1, 1, 1), 1), ((1, 2), (0, 1, 1, 0), 0), ((3, 1), (0, 0, 0, 0), 0)):
        x = values((2, 3, 8, 9))
        call = f"window=[1,1,3,2], stride={text((1, 1, *stride))}, low={text((0, 0, *pads[:2]))}, high={text((0, 0, *pads[2:]))}"
        theirs = ort("AveragePool", [x], kernel_shape=(3, 2), strides=stride, pads=pads, count_include_pad=count)
        yield Case(f"avg_pool(a, {call}, count_pad={count})", [x], theirs, 1e-5)


def product_cases():
    shapes = [(3,), (2, 3), (1, 2, 3), (4, 2, 3), (5, 1, 2, 3), (2, 3, 1, 2, 3), (0, 3), (1, 3)]
    for left in shapes:
        for batch in ((), (1,), (4,), (5, 4), (2, 1, 4)):
            for columns in (None, 4, 1, 0):
                if columns is None and batch:
                    continue
                right = (3,) if columns is None else (*batch, 3, columns)
                try:
                    a, b = values(left, key=1), values(right, key=2)
                    expected = np.matmul(a.astype(np.float64), b.astype(np.float64)).astype(F32)
                except ValueError:
                    yield Case("matmul(a, b)", [a, b], error="")
                    continue
                yield Case("matmul(a, b)", [a, b], expected, 1e-5)
    for source, target in (((), (2, 3)), ((3,), (2, 3)), ((2, 1), (2, 3)), ((1, 1), (4, 0)), ((2, 1, 3, 1), (5, 2, 4, 3, 2)), ((2, 3), (2, 3))):
        x = values(source)
        yield Case(f"expand(a, sizes={text(target)})", [x], np.broadcast_to(x, target), 0)
    yield Case("expand(a, sizes=[4])", [values((3,))], error="")
    for rank in range(5):
        index = seeded("one_hot", rank).integers(-1, 6, (2, 3, 1, 2)[:rank]).astype(np.int64)
        for axis in range(rank + 1):
            expected = np.moveaxis(index[..., None] == np.arange(5), -1, axis)
            for t in ("f32", "i32"):
                yield Case(f"one_hot(a, axis={axis}, size=5, dtype={t})", [index], expected.astype(DTYPES[t]), 0)


def resized(x, axis, size, mode, coordinates, nearest="round_prefer_floor", a=-0.75):
    """One axis by the formulas, element by element."""
    n, scale, result = x.shape[axis], np.float32(size) / np.float32(x.shape[axis]), []
    pick = {"round_prefer_floor": lambda p: np.ceil(p - np.float32(0.5)), "round_prefer_ceil": lambda p: np.floor(p + np.float32(0.5)),
            "floor": np.floor, "ceil": np.ceil}[nearest]

    def take(i):
        return np.take(x, min(max(int(i), 0), n - 1), axis).astype(np.float64)

    def cubic(d):
        d = abs(d)
        return ((a + 2) * d - (a + 3)) * d * d + 1 if d <= 1 else ((a * d - 5 * a) * d + 8 * a) * d - 4 * a

    for i in range(size):
        i = np.float32(i)
        place = {"asymmetric": i / scale, "half_pixel": (i + np.float32(0.5)) / scale - np.float32(0.5),
                 "align_corners": np.float32(0) if size == 1 else i * np.float32(n - 1) / np.float32(size - 1)}[coordinates]
        low = np.floor(place)
        if mode == "nearest":
            result.append(take(pick(place)))
        elif mode == "linear":
            result.append(take(low) * (1 - (place - low)) + take(low + 1) * (place - low))
        else:
            result.append(sum(take(low + t) * cubic(place - low - t) for t in (-1, 0, 1, 2)))
    return np.stack(result, axis).astype(F32)


def resize_cases():
    for shape in all_shapes(1):
        x = values(shape)
        for axis in range(len(shape)):
            for size in (1, 3, 4, 2 * shape[axis]):
                if shape[axis] == 0 or size == 0:
                    yield Case(f"resize(a, axis={axis}, size={size})", [x], error="resized")
                    continue
                for mode in ("nearest", "linear", "cubic"):
                    for coordinates in ("half_pixel", "asymmetric", "align_corners"):
                        yield Case(f"resize(a, axis={axis}, size={size}, mode={mode}, coordinates={coordinates})", [x],
                                   resized(x, axis, size, mode, coordinates), 1e-5)
    x = values((2, 3, 5, 4))
    for mode in ("nearest", "linear", "cubic"):
        for coordinates in ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel", "half_pixel_symmetric"):
            for nearest in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil") if mode == "nearest" else ("round_prefer_floor",):
                for scale in (0.6, 1.5, 2.0, 2.3):
                    if coordinates == "half_pixel_symmetric" and nearest in ("floor", "ceil") and scale == 0.6:
                        continue  # places that are whole but for the last bit of a float
                    size = int(np.floor(np.float32(5) * np.float32(scale)))
                    theirs = ort("Resize", [x, np.array([], F32), np.array([1, 1, scale, 1], F32)], mode=mode, cubic_coeff_a=-0.75,
                                 coordinate_transformation_mode=coordinates, nearest_mode=nearest, exclude_outside=int(mode == "cubic"))
                    call = (f"resize(a, axis=2, size={size}, scale={float(np.float32(scale))!r}, mode={mode}, coordinates={coordinates}, "
                            f"nearest={nearest}, exclude_outside={int(mode == 'cubic')})")
                    yield Case(call, [x], theirs, 1e-5)
    yield Case("resize(a, axis=0, size=4)", [values((2,), "i32")], error="interpolated")
    yield Case("resize(a, axis=0, size=4, mode=odd)", [values((2,))], error="odd")
    yield Case("resize(a, axis=0, size=4, coordinates=odd)", [values((2,))], error="odd")


def cases():
    for group in (activation_cases, softmax_cases, normalization_cases, pool_cases, product_cases, resize_cases):
        yield from group()
