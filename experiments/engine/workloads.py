"""The workloads of the engine benchmark as programs of `egret saturate`, and their translation for egglog."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / "tests" / "egraph" / "programs"

UNARY = "exp log sqrt recip sin neg relu gelu cast sigmoid tanh abs".split()
BINARY = "add sub mul div max matmul".split()


def program(name):
    return (PROGRAMS / f"{name}.sexp").read_text()


def dead_rules(count):
    """Rules whose operators all occur but that never match."""
    return "".join(f"(rule dead-{i} (Ln (Integral (Ln ?x) (Cos (Pow ?x {i})))) ?x)\n" for i in range(count))


def long_thin(layers, streams):
    """A compiler's program: facts (element type, shape) move one operator an iteration from the inputs up, and only where
    they have come is an operator lowered to kernels and are kernels fused.  500 rules, most of which match nothing."""
    rules = []

    def multi(name, left, right):
        rules.append(f"(multi {name} ({left}) ({right}))")

    for op in UNARY:
        multi(f"type-{op}", f"(= ?e ({op} ?x)) (= ?d (type ?x))", "(= ?d (type ?e))")
        multi(f"shape-{op}", f"(= ?e ({op} ?x)) (= ?s (shape ?x))", "(= ?s (shape ?e))")
    for op in BINARY:
        multi(f"type-{op}", f"(= ?e ({op} ?x ?y)) (= ?d (type ?x)) (= ?d (type ?y))", "(= ?d (type ?e))")
        if op == "matmul":
            rules.append("(rule shape-matmul (shape (matmul ?x ?y)) (product (shape ?x) (shape ?y)))")
            multi("shape-of-product", "(= ?e (matmul ?x ?y)) (= ?s (shape ?x)) (= ?t (shape ?y))", "(= ?s (shape ?e))")
        else:
            multi(f"shape-{op}", f"(= ?e ({op} ?x ?y)) (= ?s (shape ?x)) (= ?s (shape ?y))", "(= ?s (shape ?e))")
    for target in ("cuda", "host"):
        for dtype in ("f32", "bf16", "f16"):
            for op in UNARY:
                multi(f"lower-{op}-{dtype}-{target}", f"(= ?e ({op} ?x)) (= ?d (type ?x)) (= ?d {dtype})",
                      f"(= ?e ({op}-{dtype}-{target} ?x))")
            for op in BINARY:
                multi(f"lower-{op}-{dtype}-{target}", f"(= ?e ({op} ?x ?y)) (= ?d (type ?x)) (= ?d {dtype})",
                      f"(= ?e ({op}-{dtype}-{target} ?x ?y))")
    for outer in UNARY:
        for inner in UNARY:
            rules.append(f"(rule fuse-{outer}-{inner} ({outer}-f32-cuda ({inner}-f32-cuda ?x)) (pair-{outer}-{inner} ?x))")
        rules.append(f"(rule epilogue-{outer} ({outer}-f32-cuda (matmul-f32-cuda ?x ?y)) (gemm-{outer} ?x ?y))")
    for outer in BINARY:
        for inner in UNARY:
            rules.append(f"(rule left-{outer}-{inner} ({outer}-f32-cuda ({inner}-f32-cuda ?x) ?y) (left-{outer}-{inner} ?x ?y))")
            rules.append(f"(rule right-{outer}-{inner} ({outer}-f32-cuda ?x ({inner}-f32-cuda ?y)) (right-{outer}-{inner} ?x ?y))")
    rules += ["(rule input-type (type (input ?i)) f32)", "(rule weight-type (type (weight ?i)) f32)",
              "(rule input-shape (shape (input ?i)) square)", "(rule weight-shape (shape (weight ?i)) square)"]
    for i in range(500 - len(rules)):
        rules.append(f"(rule scatter-{i} (scatter-{i} (exp ?x) (gather-{i} ?x ?y)) ?y)")
    starts, weight = [], 0
    for stream in range(streams):
        x = f"(input {stream})"
        leaves = [x]
        for layer in range(layers):
            for step, op in enumerate(("matmul", "gelu", "add", "exp", "recip", "mul", "sqrt", "tanh", "sub", "neg", "max", "relu")):
                if op in UNARY:
                    x = f"({op} {x})"
                else:
                    leaves.append(f"(weight {weight})")
                    x = f"({op} {x} {leaves[-1]})"
                    weight += 1
        starts.append(f"(start {x})")
        for leaf in leaves:
            starts.append(f"(start (type {leaf}))")
            starts.append(f"(start (shape {leaf}))")
    return "\n".join(rules + starts) + "\n"


def fused_kernels(layers):
    """Kernels with shapes and strides, fused into regions, as in the programs of luminal that egglog publishes (its `gemma`),
    the rules written anew: types move up one operator an iteration, lowering follows them, and regions grow by one kernel an
    iteration.  A kernel is (op KIND INPUTS), inputs a list; a region begins in fs and ends in fe.  Rules join up to eight
    e-nodes in two or three roots over hubs: shapes, strides, the empty list."""
    unary, binary = UNARY[:10], "add mul max".split()
    rules = []

    def multi(name, left, right):
        rules.append(f"(multi {name} ({left}) ({right}))")

    def inputs(*names):
        return " ".join(f"(cons {n}" for n in names) + " nil" + ")" * len(names)

    def kernel(op, ins, out):
        strides = " ".join(ins)
        return f"(k-{op} ?s {strides} {out} ?d)", f"(f-{op} ?s {strides} {out} ?d)"

    def start(stride, x):
        return f"(op (fs ?s {stride} ?d) {inputs(x)})"

    def end(stride, body):
        return f"(op (fe ?s {stride} ?d) {inputs(body)})"

    for op in UNARY:
        multi(f"type-{op}", f"(= ?e ({op} ?s ?i ?o ?x)) (= ?d (type ?x))", "(= ?d (type ?e))")
        for d in ("f32", "bf16", "f16"):
            multi(f"lower-{op}-{d}", f"(= ?e ({op} ?s ?i ?o ?x)) (= ?d (type ?x)) (= ?d {d})", f"(= ?e (op (k-{op} ?s ?i ?o ?d) {inputs('?x')}))")
    for op in BINARY:
        multi(f"type-{op}", f"(= ?e ({op} ?s ?i ?j ?o ?x ?y)) (= ?d (type ?x)) (= ?d (type ?y))", "(= ?d (type ?e))")
        for d in ("f32", "bf16", "f16"):
            multi(f"lower-{op}-{d}", f"(= ?e ({op} ?s ?i ?j ?o ?x ?y)) (= ?d (type ?x)) (= ?d {d})",
                  f"(= ?e (op (k-{op} ?s ?i ?j ?o ?d) {inputs('?x', '?y')}))")
    for outer in unary:
        outer_kind, outer_body = kernel(outer, ["?m"], "?o")
        for inner in unary:
            kind, body = kernel(inner, ["?i"], "?m")
            multi(f"pair-{outer}-{inner}", f"(= ?e (op {outer_kind} {inputs('?f')})) (= ?f (op {kind} {inputs('?x')}))",
                  "(= ?e " + end("?o", f"(op {outer_body} {inputs(f'(op {body} {inputs(start(chr(63) + chr(105), chr(63) + chr(120)))})')})") + ")")
        for inner in binary:
            kind, body = kernel(inner, ["?i", "?j"], "?m")
            multi(f"pair-{outer}-{inner}", f"(= ?e (op {outer_kind} {inputs('?f')})) (= ?f (op {kind} {inputs('?x', '?y')}))",
                  "(= ?e " + end("?o", f"(op {outer_body} {inputs(f'(op {body} {inputs(start(chr(63) + chr(105), chr(63) + chr(120)), start(chr(63) + chr(106), chr(63) + chr(121)))})')})") + ")")
        multi(f"grow-{outer}", f"(= ?e (op {outer_kind} {inputs('?f')})) (= ?f {end('?m', '?b')})", "(= ?e " + end("?o", f"(op {outer_body} {inputs('?b')})") + ")")
    for outer in binary:
        kind, body = kernel(outer, ["?i", "?j"], "?o")
        for inner in unary:
            inner_kind, inner_body = kernel(inner, ["?m"], "?i")
            multi(f"pair-left-{outer}-{inner}", f"(= ?e (op {kind} {inputs('?f', '?y')})) (= ?f (op {inner_kind} {inputs('?x')}))",
                  "(= ?e " + end("?o", f"(op {body} {inputs(f'(op {inner_body} {inputs(start(chr(63) + chr(109), chr(63) + chr(120)))})', start('?j', '?y'))})") + ")")
            inner_kind, inner_body = kernel(inner, ["?m"], "?j")
            multi(f"pair-right-{outer}-{inner}", f"(= ?e (op {kind} {inputs('?x', '?f')})) (= ?f (op {inner_kind} {inputs('?y')}))",
                  "(= ?e " + end("?o", f"(op {body} {inputs(start('?i', '?x'), f'(op {inner_body} {inputs(start(chr(63) + chr(109), chr(63) + chr(121)))})')})") + ")")
        multi(f"grow-left-{outer}", f"(= ?e (op {kind} {inputs('?f', '?y')})) (= ?f {end('?i', '?b')})",
              "(= ?e " + end("?o", f"(op {body} {inputs('?b', start('?j', '?y'))})") + ")")
        multi(f"grow-right-{outer}", f"(= ?e (op {kind} {inputs('?x', '?f')})) (= ?f {end('?j', '?b')})",
              "(= ?e " + end("?o", f"(op {body} {inputs(start('?i', '?x'), '?b')})") + ")")
        multi(f"merge-{outer}", f"(= ?e (op {kind} {inputs('?f', '?g')})) (= ?f {end('?i', '?a')}) (= ?g {end('?j', '?b')})",
              "(= ?e " + end("?o", f"(op {body} {inputs('?a', '?b')})") + ")")
    rules += ["(rule input-type (type (input ?i)) f32)", "(rule weight-type (type (weight ?i)) f32)"]
    for i in range(500 - len(rules)):
        multi(f"scatter-{i}", f"(= ?e (op (scatter-{i} ?s ?i ?o ?d) {inputs('?x', '?y')})) (= ?y (op (gather-{i} ?s ?i ?m ?d) {inputs('?x')}))", "(= ?e ?x)")
    shape = "(dims 4 (dims 256 (dims 64 end)))"
    flat, turned = "(dims 16384 (dims 64 (dims 1 end)))", "(dims 16384 (dims 1 (dims 256 end)))"
    x, weight, leaves = "(input 0)", 0, ["(input 0)"]
    for layer in range(layers):
        for op in "matmul mul exp recip matmul tanh add sqrt matmul max sigmoid neg".split():
            if op in UNARY:
                x = f"({op} {shape} {flat} {flat} {x})"
            else:
                leaves.append(f"(weight {weight})")
                side = leaves[-1] if op != "add" else f"(relu {shape} {turned} {flat} {leaves[-1]})"
                x = f"({op} {shape} {flat} {flat} {flat} {x} {side})"
                weight += 1
    starts = [f"(start {x})"] + [f"(start (type {leaf}))" for leaf in leaves]
    return "\n".join(rules + starts) + "\n"


def parse(text):
    tokens = re.findall(r"[()]|[^\s()]+", re.sub(r";.*", "", text))
    stack = [[]]
    for token in tokens:
        if token == "(":
            stack.append([])
        elif token == ")":
            done = stack.pop()
            stack[-1].append(done)
        else:
            stack[-1].append(token)
    return stack[0]


def egglog(text, steps):
    """The same program for egglog: one sort; numbers are (Const n), other leaves (Var name)."""
    arity = {}
    lines = []

    def term(t):
        # Without recursion: a start term nests thousands deep.
        out, todo = [], [t]
        while todo:
            t = todo.pop()
            if isinstance(t, list):
                name = "O_" + t[0].replace("-", "_")
                arity[name] = len(t) - 1
                out.append(f"({name}")
                todo.append(None)
                todo.extend(reversed(t[1:]))
            elif t is None:
                out.append(")")
            elif t.startswith("?"):
                out.append("v_" + t[1:])
            elif re.fullmatch(r"-?\d+", t):
                out.append(f"(Const {t})")
            else:
                out.append(f'(Var "{t}")')
        return " ".join(out)

    for form in parse(text):
        if form[0] in ("rule", "birule"):
            assert len(form) == 4, "conditions are not translated"
            lines.append(f"({'rewrite' if form[0] == 'rule' else 'birewrite'} {term(form[2])} {term(form[3])})")
        elif form[0] == "multi":
            left = " ".join(f"(= {term(a)} {term(b)})" for _, a, b in form[2])
            right = " ".join(f"(union {term(a)} {term(b)})" for _, a, b in form[3])
            lines.append(f"(rule ({left}) ({right}))")
        elif form[0] == "start":
            lines.append(term(form[1]))
        else:
            raise ValueError(f"a form that is not translated: {form[0]}")
    constructors = " ".join(f"({name}{' T' * n})" for name, n in sorted(arity.items()))
    return f"(datatype T (Const i64) (Var String) {constructors})\n" + "\n".join(lines) + f"\n(run {steps})\n(print-size)\n"
