// Kernels of every class for the CUDA tests, as text: each operator of the library, fused bodies of each class, tails.
#pragma once

namespace egret::lower {

inline const char* const kCudaKernelTexts[] = {
    // Elements: maps, several at once, broadcasts.
    R"(graph g
  x: f32[33,70]  y: f32[33,70]
  a = mul(x, y)  b = tanh(a)  c = add(b, x)  d = max(c, y)
  return d, a)",
    R"(graph g
  x: f32[1,64,56,56]  s: f32[64]  b: f32[64]  m: f32[64]  v: f32[64]  r: f32[1,64,56,56]
  y = batch_norm(x, s, b, m, v)  z = add(y, r)  o = relu(z)
  return o)",
    "graph g\n  x: f32[700]\n  y = gelu(x)\n  return y",
    "graph g\n  x: f32[3,5,7]\n  y = gelu_tanh(x)\n  return y",
    "graph g\n  x: f32[300]\n  y = mish(x)\n  return y",
    "graph g\n  x: f32[300]\n  y = elu(x, alpha=0.5)\n  return y",
    "graph g\n  x: f32[300]\n  y = leaky_relu(x, alpha=0.1)\n  return y",
    "graph g\n  x: f32[300]\n  y = hard_swish(x)\n  return y",
    "graph g\n  x: f32[300]\n  y = silu(x)\n  return y",
    "graph g\n  x: f32[1]\n  y = exp(x)\n  return y",
    "graph g\n  x: f32[]\n  y = neg(x)\n  return y",
    "graph g\n  x: f32[0,4]\n  y = neg(x)\n  return y",
    "graph g\n  x: f32[40,3]\n  y = pow(x, x)  z = is_nan(y)  w = select(z, x, y)\n  return w",
    "graph g\n  x: f32[40,3]\n  c = lt(x, x)  e = not(c)  f = cast(e, to=f32)  h = add(f, x)\n  return h",
    // Other types.
    "graph g\n  x: i64[40]  y: i64[40]\n  a = add(x, y)  b = div(a, x)  c = rem(b, y)  d = mul(c, c)  e = neg(d)\n  return e",
    "graph g\n  x: i32[40]  y: i32[40]\n  a = sub(x, y)  b = abs(a)  c = max(b, y)  d = cast(c, to=f32)\n  return d",
    "graph g\n  x: f32[40]\n  a = cast(x, to=i32)  b = cast(x, to=u8)  c = cast(b, to=i32)  d = add(a, c)\n  return d",
    "graph g\n  x: f64[40]\n  a = exp(x)  b = sqrt(a)  c = erf(b)\n  return c",
    "graph g\n  x: f16[40]  y: f16[40]\n  a = mul(x, y)  b = add(a, x)  c = exp(b)\n  return c",
    "graph g\n  x: bf16[40]  y: bf16[40]\n  a = mul(x, y)  b = add(a, x)  c = cast(b, to=f32)\n  return c, b",
    "graph g\n  x: f32[40]\n  a = cast(x, to=tf32)  b = cast(a, to=bf16)  c = cast(b, to=f16)  d = cast(c, to=f32)\n  return d",
    "graph g\n  x: bool[40]  y: bool[40]\n  a = and(x, y)  b = xor(a, y)  c = or(b, x)\n  return c",
    "graph g\n  x: u8[40]  y: u8[40]\n  a = add(x, y)  b = mul(a, y)  c = xor(b, x)\n  return c",
    // Movement.
    "graph g\n  x: f32[33,18]\n  y = transpose(x, perm=[1,0])\n  return y",
    "graph g\n  x: f32[2,128,768]\n  a = reshape(x, sizes=[2,128,12,64])  b = transpose(a, perm=[0,2,1,3])\n  return b",
    "graph g\n  x: f32[2,12,128,64]\n  a = transpose(x, perm=[0,2,1,3])  b = reshape(a, sizes=[2,128,768])\n  return b",
    "graph g\n  x: f32[6,4]\n  a = reshape(x, sizes=[8,3])  b = neg(a)\n  return b",
    "graph g\n  x: f32[17,9]\n  y = slice(x, start=[2,0], limit=[16,9], stride=[3,1])\n  return y",
    "graph g\n  x: f32[5,6]  v: f32[]\n  y = pad(x, v, low=[1,-1], high=[2,3], interior=[0,2])\n  return y",
    "graph g\n  x: f32[5,6]  y: f32[5,1]  z: f32[5,9]\n  a = concat(x, y, z, axis=1)  b = exp(a)\n  return b",
    "graph g\n  x: f32[5,6]\n  y = reverse(x, axes=[1])\n  return y",
    "graph g\n  x: f32[50,6]  i: i64[4,3]\n  y = gather(x, i, axis=0)  z = add(y, y)\n  return z",
    "graph g\n  x: f32[9,6]  i: i64[4]  u: f32[4,6]\n  y = scatter_add(x, i, u, axis=0)\n  return y",
    "graph g\n  x: f32[4,5]\n  i = iota(axis=1, dtype=f32, sizes=[4,5])  y = mul(x, i)\n  return y",
    "graph g\n  x: f32[4]\n  b = broadcast(x, dims=[1], sizes=[3,6])  c = exp(b)\n  return c",
    // Windows.
    "graph g\n  x: f32[1,8,13,13]\n  y = window_max(x, window=[1,1,3,3], stride=[1,1,2,2], low=[0,0,1,1], high=[0,0,1,1])\n  return y",
    "graph g\n  x: f32[1,8,13,13]\n  y = avg_pool(x, window=[1,1,3,3], stride=[1,1,2,2], low=[0,0,1,1], high=[0,0,1,1])\n  return y",
    "graph g\n  x: f32[1,8,9,9]  g: f32[1,8,4,4]\n  y = window_max_grad(x, g, window=[1,1,3,3], stride=[1,1,2,2])\n  return y",
    "graph g\n  x: f32[1,20,7,7]\n  y = lrn(x, size=5)\n  return y",
    R"(graph g
  x: f32[1,6,13,13]  y: f32[1,5,13,13]
  a = concat(x, y, axis=1)  p = avg_pool(a, window=[1,1,3,3], stride=[1,1,2,2], low=[0,0,1,1], high=[0,0,1,1])
  q = relu(p)
  return q)",
    // Rows.
    "graph g\n  x: f32[37,200]\n  y = softmax(x, axis=1)\n  return y",
    "graph g\n  x: f32[3,1500]\n  y = softmax(x, axis=1)\n  return y",
    "graph g\n  x: f32[4,40000]\n  y = log_softmax(x, axis=1)\n  return y",
    "graph g\n  x: f32[6,50,7]\n  y = softmax(x, axis=1)\n  return y",
    "graph g\n  x: f32[2,128,768]  s: f32[768]  b: f32[768]  r: f32[2,128,768]\n  a = add(x, r)  y = layer_norm(a, s, b, axis=2)\n  return y, a",
    "graph g\n  x: f32[300,64]  s: f32[64]\n  y = rms_norm(x, s, axis=1)\n  return y",
    "graph g\n  x: f32[300,64]\n  y = logsumexp(x, axes=[1])\n  return y",
    "graph g\n  x: f32[300,64]\n  y = variance(x, axes=[0,1])\n  return y",
    "graph g\n  x: f32[3,40,50,4]\n  y = reduce_sum(x, axes=[0,2])\n  return y",
    "graph g\n  x: f32[600,90]\n  y = reduce_max(x, axes=[0])\n  return y",
    "graph g\n  x: f32[20,5]\n  y = reduce_prod(x, axes=[1])  z = reduce_min(x, axes=[1])\n  return y, z",
    "graph g\n  x: f32[20,900]\n  y = argmax(x, axis=1)  z = argmin(x, axis=1)\n  return y, z",
    "graph g\n  x: f32[3,5000]\n  y = argmax(x, axis=1, dtype=i32)\n  return y",
    "graph g\n  x: i32[20,70]\n  y = reduce_sum(x, axes=[1])  z = reduce_max(x, axes=[1])\n  return y, z",
    "graph g\n  x: bool[20,70]\n  y = reduce_any(x, axes=[1])  z = reduce_all(x, axes=[1])\n  return y, z",
    "graph g\n  x: bf16[20,70]\n  y = reduce_sum(x, axes=[1])\n  return y",
    "graph g\n  x: f64[20,700]\n  y = reduce_sum(x, axes=[1])\n  return y",
    "graph g\n  x: f32[0,70]\n  y = reduce_sum(x, axes=[1])\n  return y",
    "graph g\n  x: f32[5,0]\n  y = reduce_max(x, axes=[1])\n  return y",
    // Contractions.
    "graph g\n  a: f32[128,96]  b: f32[96,200]\n  y = dot(a, b, lc=[1], rc=[0])\n  return y",
    "graph g\n  a: f32[1024,768]  b: f32[768,3072]  c: f32[3072]\n  y = dot(a, b, lc=[1], rc=[0])  d = broadcast(c, dims=[1], sizes=[1024])  z = add(y, d)  w = gelu(z)\n  return w",
    "graph g\n  a: f32[96,128]  b: f32[200,96]\n  y = dot(a, b, lc=[0], rc=[1])\n  return y",
    "graph g\n  a: f32[2,12,128,64]  b: f32[2,12,128,64]\n  y = dot(a, b, lb=[0,1], rb=[0,1], lc=[3], rc=[3])\n  return y",
    "graph g\n  a: f32[2,12,128,128]  b: f32[2,12,128,64]\n  y = dot(a, b, lb=[0,1], rb=[0,1], lc=[3], rc=[2])  z = transpose(y, perm=[0,2,1,3])\n  return z",
    "graph g\n  a: f32[70,33]  b: f32[33,90]  r: f32[70,90]\n  s = relu(a)  y = dot(s, b, lc=[1], rc=[0])  z = add(y, r)  w = relu(z)\n  return w, y",
    "graph g\n  a: f32[1,512]  b: f32[512,1000]\n  y = dot(a, b, lc=[1], rc=[0])\n  return y",
    "graph g\n  a: f32[1,512]  b: f32[1000,512]  c: f32[1,1000]\n  y = dot(a, b, lc=[1], rc=[1])  z = add(y, c)\n  return z",
    "graph g\n  a: f32[12,300]  b: f32[300,400]\n  y = dot(a, b, lc=[1], rc=[0])\n  return y",
    "graph g\n  a: f32[400,300]  b: f32[300,12]\n  y = dot(a, b, lc=[1], rc=[0])\n  return y",
    "graph g\n  a: f32[40]  b: f32[50]\n  y = dot(a, b, lc=[], rc=[])\n  return y",
    "graph g\n  a: f32[300]  b: f32[300]\n  y = dot(a, b, lc=[0], rc=[0])\n  return y",
    "graph g\n  a: f32[20,0]  b: f32[0,30]\n  y = dot(a, b, lc=[1], rc=[0])\n  return y",
    "graph g\n  a: i32[20,10]  b: i32[10,30]\n  y = dot(a, b, lc=[1], rc=[0])\n  return y",
    "graph g\n  a: bf16[40,50]  b: bf16[50,30]\n  y = dot(a, b, lc=[1], rc=[0])\n  return y",
    "graph g\n  a: f64[40,50]  b: f64[50,30]\n  y = dot(a, b, lc=[1], rc=[0])\n  return y",
    // Convolutions.
    "graph g\n  x: f32[1,64,56,56]  w: f32[64,64,3,3]  b: f32[64]\n  y = conv(x, w, low=[1,1], high=[1,1])  c = broadcast(b, dims=[1], sizes=[1,56,56])  z = add(y, c)  r = relu(z)\n  return r",
    "graph g\n  x: f32[1,3,224,224]  w: f32[64,3,7,7]\n  y = conv(x, w, stride=[2,2], low=[3,3], high=[3,3])\n  return y",
    "graph g\n  x: f32[2,256,14,14]  w: f32[512,256,1,1]\n  y = conv(x, w)\n  return y",
    "graph g\n  x: f32[1,12,11,13]  w: f32[6,12,3,2]\n  y = conv(x, w, stride=[2,1], low=[1,0], high=[0,1], dilation=[1,2])\n  return y",
    "graph g\n  x: f32[1,24,10,10]  w: f32[24,1,3,3]\n  y = conv(x, w, low=[1,1], high=[1,1], groups=24)  z = relu(y)\n  return z",
    "graph g\n  x: f32[1,24,10,10]  w: f32[48,6,1,1]\n  y = conv(x, w, groups=4)\n  return y",
    "graph g\n  x: f32[1,5,7]  w: f32[4,5,3]\n  y = conv(x, w, lhs_dilation=[2], low=[1], high=[2])\n  return y",
    "graph g\n  d: f32[1,6,5,5]  w: f32[6,4,3,3]\n  y = conv_dx(d, w, stride=[2,2], low=[1,1], sizes=[9,9])\n  return y",
    "graph g\n  x: f32[2,4,9,9]  d: f32[2,6,5,5]\n  y = conv_dw(x, d, stride=[2,2], low=[1,1], sizes=[3,3])\n  return y",
    // A contraction and reductions over its rows.
    R"(graph g
  q: f32[2,12,128,64]  k: f32[2,12,128,64]  m: f32[2,128]
  s = dot(q, k, lb=[0,1], rb=[0,1], lc=[3], rc=[3])
  c = splat(value=0.125, dtype=f32, sizes=[2,12,128,128])  t = mul(s, c)
  n = broadcast(m, dims=[0,3], sizes=[12,128])  u = add(t, n)  p = softmax(u, axis=3)
  return p)",
    R"(graph g
  a: f32[300,96]  b: f32[96,384]  r: f32[300,384]  s: f32[384]  t: f32[384]
  y = dot(a, b, lc=[1], rc=[0])  z = add(y, r)  n = layer_norm(z, s, t, axis=1)
  return n)",
    "graph g\n  a: f32[40,20]  b: f32[20,30]\n  y = dot(a, b, lc=[1], rc=[0])  z = reduce_max(y, axes=[1])\n  return z",
    "graph g\n  a: f32[40,20]  b: f32[20,30]\n  y = dot(a, b, lc=[1], rc=[0])  z = softmax(y, axis=0)\n  return z",
    "graph g\n  a: f32[33,64]  b: f32[64,2000]\n  y = dot(a, b, lc=[1], rc=[0])  z = softmax(y, axis=1)\n  return z",
    "graph g\n  a: f32[1,64]  b: f32[90,64]  c: f32[1,90]\n  y = dot(a, b, lc=[1], rc=[1])  z = add(y, c)  w = softmax(z, axis=1)\n  return w",
    "graph g\n  a: f32[7,64]  b: f32[1,64]\n  y = dot(a, b, lc=[1], rc=[1])  z = softmax(y, axis=1)\n  return z",
    "graph g\n  a: f32[1,64]  b: f32[7,64]\n  y = dot(a, b, lc=[1], rc=[1])  z = softmax(y, axis=0)\n  return z",
    // A contraction that folds the rows of another.
    R"(graph g
  q: f32[2,12,128,64]  k: f32[2,12,128,64]  v: f32[2,12,128,64]  m: f32[2,128]
  s = dot(q, k, lb=[0,1], rb=[0,1], lc=[3], rc=[3])
  c = splat(value=0.125, dtype=f32, sizes=[2,12,128,128])  t = mul(s, c)
  n = broadcast(m, dims=[0,3], sizes=[12,128])  u = add(t, n)  p = softmax(u, axis=3)
  o = dot(p, v, lb=[0,1], rb=[0,1], lc=[3], rc=[2])  r = transpose(o, perm=[0,2,1,3])
  return r)",
    R"(graph g
  x: f32[40,96]  a: f32[96,2000]  b: f32[2000,80]
  y = dot(x, a, lc=[1], rc=[0])  z = gelu(y)  w = dot(z, b, lc=[1], rc=[0])
  return w)",
    R"(graph g
  x: f64[20,30]  a: f64[30,2000]  b: f64[2000,8]
  y = dot(x, a, lc=[1], rc=[0])  z = softmax(y, axis=1)  w = dot(z, b, lc=[1], rc=[0])
  return w, z)",
};

}  // namespace egret::lower
