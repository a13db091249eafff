#!/usr/bin/env python3
"""docs/soundness.md: the published rule sets of ../shared/data through `egret verify --markdown`.

    experiments/soundness.py [TOOL] [-o docs/soundness.md] [--timeout 5] [--only scalar|beyond|SET]

TASO, TENSAT and Unity are made into rules of our language by tests/rules/data/make_*.py; TensorRight's stand in
tests/rules/data/tensorright.rules, what compilers shipped and was wrong in known_wrong.rules.  Last come the rules of the library
with their guards taken away: which of them does the verifier find again?  And the scalar rule sets of Ruler, Enumo, Herbie, Halide and Chompy.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DATA, RULES = ROOT / "../shared/data", ROOT / "tests/rules/data"
HEAD = """# Published rule sets, verified

Made by `experiments/soundness.py` (do not edit): each rule of a published set, as `egret verify --infer --markdown` decides it, for all sizes.
A *guard* is the rule's own condition, or the one that was inferred for a rule that is false without it (*found*). *licence* is what the rule
says it needs. Times are seconds of processor time.
"""
SETS = [
    ("TASO", "make_taso.py", "taso/graph_subst.txt", "The 133 published substitutions (jiazhihao/TASO, Apache-2.0), with shapes. TASO's axioms prove 129 and hang on four, which are false: "
     "two convolutions of unequal groups are no grouped convolution."),
    ("TENSAT", "make_taso.py", "tensat/multi_rules_one_per_line.txt", "Its rules of several roots (uwplse/tensat, MIT)."),
    ("TensorRight", None, RULES / "tensorright.rules", "The rules of XLA's simplifier that TensorRight states (ADAPT-uiuc/TensorRight, Apache-2.0), in our language; "
     "`tests/rules/data/unsaid.tsv` says why some are not here."),
    ("Unity", "make_unity.py", "unity/graph_subst_3_v2.json.gz", "The substitutions with parallel operators (flexflow/FlexFlow, Apache-2.0), as far as they speak of logical tensors: partition and combine are "
     "no operators, replicas cannot be said."),
    ("Known wrong", None, RULES / "known_wrong.rules", "Rewrites that shipped somewhere and were wrong."),
]


# The scalar sets whose domains `egret verify` knows: the twelve that were re-verified in ../shared/data/rulesets/README.txt (1,526 directions, five of
# them with an `if`) first.
SCALAR_HEAD = "## Scalar rule sets"
TWELVE = ["enumo-baseline/bool", "enumo-baseline/bv4", "enumo-baseline/bv32", "enumo-baseline/rational", "enumo-baseline/herbie-rational", "enumo-oopsla23/enumo-bool",
          "enumo-oopsla23/enumo-bv32", "enumo-oopsla23/enumo-bv4_base", "enumo-oopsla23/enumo-bv4_fancy", "enumo-oopsla23/enumo-bv8-direct",
          "enumo-oopsla23/enumo-rational_best", "enumo-oopsla23/enumo-rational_replicate"]


def scalar_sets(tool, timeout):
    """One row a file of ../shared/data/rulesets, and every rule that is not proved or whose right side may have no value."""
    folder = DATA / "rulesets"
    if not folder.exists():
        print(f"SKIPPED: scalar rule sets, {folder} is not here", file=sys.stderr)
        return ""
    known = [p.relative_to(folder).with_suffix("").as_posix() for p in sorted(folder.rglob("*.rules")) if re.search(r"bool|bv\d+|rational|halide|chompy", p.stem)]
    lines = [SCALAR_HEAD + "\n", "Ruler, Enumo, Herbie, Halide, Chompy (MIT): each direction in the domain that the file's name says (`rules/domains/domain.h` has the meanings). "
             "Exponentials and trigonometry have no domain here. *no value* counts rules of the rationals whose right side has no value (a division by 0) somewhere where the left has one: equal where both have "
             "one, yet unsound where a term without a value meets one that has it.\n",
             "| file | directions | proved | refuted | unproved | no value | seconds |", "| --- | --- | --- | --- | --- | --- | --- |"]
    odd, total = [], Counter()
    for name in TWELVE + [n for n in known if n not in TWELVE]:
        rows = json.loads(verify(tool, folder / f"{name}.rules", "--timeout", timeout, form=["--json"], infer=False))["rules"]
        here = Counter(r["verdict"] for r in rows)
        here.update(directions=len(rows), partial=sum(bool(r["note"]) for r in rows), seconds=sum(r["seconds"] for r in rows))
        lines.append("| {} | {directions} | {proved} | {refuted} | {unproved} | {partial} | {seconds:.2f} |".format(name, **{**dict.fromkeys(("proved", "refuted", "unproved"), 0), **here}))
        total.update(here)
        if name == TWELVE[-1]:
            lines.append("| **these twelve** | {directions} | {proved} | {refuted} | {unproved} | {partial} | {seconds:.2f} |".format(**{**dict.fromkeys(("refuted", "unproved"), 0), **total}))
        odd += [(r["name"], r["verdict"], r["text"].replace("|", "\\|"), r["counterexample"] or r["reason"] or r["note"]) for r in rows if r["verdict"] != "proved" or r["note"]]
    lines += ["", "| rule | verdict | left ==> right | at |", "| --- | --- | --- | --- |"]
    lines += ["| {} | {} | `{}` | {} |".format(*r) for r in odd]
    print(lines[3 + len(TWELVE) + 1], file=sys.stderr)
    return "\n".join(lines) + "\n"


def verify(tool, path, *options, form=(), infer=True):
    done = subprocess.run([tool, *form, "verify", path, *(["--infer"] if infer else []), "--fresh", *options], capture_output=True, text=True)
    if done.returncode not in (0, 2):
        raise SystemExit(f"egret verify {path}: status {done.returncode}\n{done.stderr}")
    return done.stdout


def without_guards(folder):
    """The library's rules, each `where` left out; only those that have one."""
    out, count = "ruleset unguarded\n\n", 0
    for path in sorted((ROOT / "rules/library").rglob("*.rules")):
        text = "\n".join(line for line in path.read_text().splitlines() if not line.startswith("#"))
        for rule in re.split(r"\n(?=rule )", text)[1:]:
            bare = re.sub(r"\bwhere\b.*?(?=\b(?:when|let|unite|needs|proof|subsume|accept|reject)\b|\Z)", "", rule, flags=re.S)
            bare = re.sub(r"\breject\b.*?(?=\b(?:accept|reject)\b|\Z)", "", bare, flags=re.S)
            if bare != rule and "where" in rule and not rule.startswith("rule find"):
                out += bare.rstrip() + "\n"
                count += 1
    path = Path(folder) / "unguarded.rules"
    path.write_text(out)
    return path, count


def guards(tool, folder, timeout):
    path, count = without_guards(folder)
    rows = json.loads(verify(tool, path, "--timeout", timeout, form=["--json"]))["rules"]
    kinds = Counter("not needed" if r["verdict"] == "proved" else "unproved" if r["verdict"] == "unproved" else "found" if r["guard"] else "none found" for r in rows)
    lines = [f"## The library without its guards\n\n{count} rules of the library have a guard. Without it {kinds['not needed']} are proved all the same (typing asks for what the guard says, "
             f"or it only keeps the rule where it helps), {kinds['unproved']} are unproved, and {kinds['found'] + kinds['none found']} are refuted; for {kinds['found']} of those a guard was found.\n",
             "| rule | without its guard | guard found |", "| --- | --- | --- |"]
    lines += [f"| {r['name']} | {r['verdict']} | {r['guard'] and '`' + r['guard'] + '`'} |" for r in rows if r["verdict"] == "refuted"]
    return "\n".join(lines)


BEYOND_HEAD = "## What TensorRight cannot state"
# Of a rule of the library the first that its text has; general reshapes are those of more than one axis to one.
KINDS = [
    ("attention, and softmax in blocks", r"(?s)softmax.*\bdot\(|\bdot\(.*softmax|online|rescale|flash"),
    ("softmax, log-softmax, log-sum-exp", r"softmax|logsumexp"),
    ("layer and RMS norm, mean, variance, batch norm", r"layer_norm|rms_norm|batch_norm|\bmean\(|\bvariance\("),
    ("merges of any number of products", r"\bfind all\b|slices\("),
    ("gradients (VJP pairs) and running sums", r"conv_dx|conv_dw|window_max_grad|cumsum|cumprod"),
    ("scatter-add, gather, arg-max", r"scatter_add|\bgather\(|argmax|argmin"),
    ("pooling with strides", r"window_(?:sum|max)|avg_pool"),
    ("grouped convolution", r"\bconv\((?s:.*)groups|groups(?s:.*)\bconv\("),
    ("general reshape", r"\breshape\("),
    ("maximum, minimum, product, any and all over axes", r"reduce_(?:max|min|prod|any|all)"),
]


def beyond_names(tool):
    """The proved rules of the library of each kind."""
    proved = {r["name"] for r in json.loads(subprocess.run([tool, "--json", "verify"], capture_output=True, text=True).stdout)["rules"] if r["verdict"] == "proved"}
    found = {kind: [] for kind, _ in KINDS}
    for path in sorted((ROOT / "rules/library").rglob("*.rules")):
        text = "\n".join(line for line in path.read_text().splitlines() if not line.startswith("#"))
        for rule in re.split(r"\n(?=rule )", text)[1:]:
            name = rule.split()[1].rstrip(":")
            kind = next((k for k, said in KINDS if re.search(said, rule)), None)
            if kind and name in proved:
                found[kind].append(name)
    return found


def beyond(tool):
    found = beyond_names(tool)
    total = sum(len(names) for names in found.values())
    lines = [BEYOND_HEAD + "\n", f"{total} proved rules of the library speak of what its language lacks, by the first kind that applies.\n", "| kind | rules | names |", "| --- | --- | --- |"]
    lines += [f"| {kind} | {len(names)} | {', '.join(names)} |" for kind, names in found.items()]
    return "\n".join(lines) + "\n"


def with_section(page, head, text):
    """The page with the section of that head made anew; at the end where it has none."""
    before, after = (page.split(head + "\n", 1) + [""])[:2]
    rest = after[after.find("\n## "):].lstrip("\n") if "\n## " in after else ""
    return before.rstrip("\n") + "\n\n" + text.rstrip("\n") + "\n" + ("\n" + rest if rest else "")


def one_set(tool, timeout, folder, name, script, source, about):
    """A line of the summary, and the section; nothing where the source is not here."""
    path, unsaid = source, Counter()
    if script:
        if not (DATA / source).exists():
            print(f"SKIPPED: {name}, {DATA / source} is not here", file=sys.stderr)
            return None
        made = subprocess.run([sys.executable, RULES / script, DATA / source], capture_output=True, text=True, check=True).stdout
        unsaid = Counter(line.split(": ", 1)[1] for line in made.splitlines() if line.startswith("# unsaid"))
        path = Path(folder) / f"{name.lower()}.rules"
        path.write_text(made)
    table = verify(tool, path, "--markdown", "--timeout", timeout)
    rows = [[c.strip() for c in line.strip("|\n").split(" | ")] for line in table.splitlines()[2:] if line.startswith("|")]
    verdicts = Counter(r[1] for r in rows)
    summary = f"| {name} | {len(rows)} | {verdicts['proved']} | {verdicts['refuted']} | {verdicts['unproved']} | {sum(float(r[-1]) for r in rows):.1f} |"
    said = "".join(f" {n} rules are left out: {why}." for why, n in sorted(unsaid.items()))
    print(summary, file=sys.stderr)
    return summary, f"## {name}\n\n{about}{said}\n\n{table}"


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("tool", nargs="?", default=str(ROOT / "build/bin/egret"))
    options.add_argument("-o", "--output", default=str(ROOT / "docs/soundness.md"))
    options.add_argument("--timeout", default="5")
    options.add_argument("--only", help="this section is made anew: scalar, beyond, or the name of a set")
    a = options.parse_args()
    page = Path(a.output)
    with tempfile.TemporaryDirectory() as folder:
        if a.only == "scalar":
            page.write_text(with_section(page.read_text(), SCALAR_HEAD, scalar_sets(a.tool, a.timeout)))
        elif a.only == "beyond":
            page.write_text(with_section(page.read_text(), BEYOND_HEAD, beyond(a.tool)))
        elif a.only:
            made = one_set(a.tool, a.timeout, folder, *next(s for s in SETS if s[0] == a.only))
            text = re.sub(rf"(?m)^\| {re.escape(a.only)} \|.*$", lambda _: made[0], page.read_text())
            page.write_text(with_section(text, f"## {a.only}", made[1]))
        else:
            sets = [made for s in SETS if (made := one_set(a.tool, a.timeout, folder, *s))]
            summary = ["| set | rules | proved | refuted | unproved | seconds |", "| --- | --- | --- | --- | --- | --- |"] + [line for line, _ in sets]
            parts = [text for _, text in sets] + [guards(a.tool, folder, a.timeout), scalar_sets(a.tool, a.timeout), beyond(a.tool)]
            page.write_text(HEAD + "\n" + "\n".join(summary) + "\n\n" + "\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
