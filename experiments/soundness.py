#!/usr/bin/env python3
"""docs/soundness.md: the published rule sets of ../shared/data through `egret verify --markdown`.

    experiments/soundness.py [TOOL] [-o docs/soundness.md] [--timeout 5] [--scalar]

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


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("tool", nargs="?", default=str(ROOT / "build/bin/egret"))
    options.add_argument("-o", "--output", default=str(ROOT / "docs/soundness.md"))
    options.add_argument("--timeout", default="5")
    options.add_argument("--scalar", action="store_true", help="only the section of scalar rule sets is made anew")
    a = options.parse_args()
    if a.scalar:
        page = Path(a.output).read_text()
        before, after = (page.split(SCALAR_HEAD, 1) + [""])[:2]
        rest = after[after.find("\n## "):].lstrip("\n") if "\n## " in after else ""
        Path(a.output).write_text(before.rstrip("\n") + "\n\n" + scalar_sets(a.tool, a.timeout) + ("\n" + rest if rest else ""))
        return
    parts, summary = [], ["| set | rules | proved | refuted | unproved | seconds |", "| --- | --- | --- | --- | --- | --- |"]
    with tempfile.TemporaryDirectory() as folder:
        for name, script, source, about in SETS:
            path, unsaid = source, Counter()
            if script:
                if not (DATA / source).exists():
                    print(f"SKIPPED: {name}, {DATA / source} is not here", file=sys.stderr)
                    continue
                made = subprocess.run([sys.executable, RULES / script, DATA / source], capture_output=True, text=True, check=True).stdout
                unsaid = Counter(line.split(": ", 1)[1] for line in made.splitlines() if line.startswith("# unsaid"))
                path = Path(folder) / f"{name.lower()}.rules"
                path.write_text(made)
            table = verify(a.tool, path, "--markdown", "--timeout", a.timeout)
            rows = [[c.strip() for c in line.strip("|\n").split(" | ")] for line in table.splitlines()[2:] if line.startswith("|")]
            verdicts = Counter(r[1] for r in rows)
            summary.append(f"| {name} | {len(rows)} | {verdicts['proved']} | {verdicts['refuted']} | {verdicts['unproved']} | {sum(float(r[-1]) for r in rows):.1f} |")
            said = "".join(f" {n} rules are left out: {why}." for why, n in sorted(unsaid.items()))
            parts.append(f"## {name}\n\n{about}{said}\n\n{table}")
            print(summary[-1], file=sys.stderr)
        parts.append(guards(a.tool, folder, a.timeout))
    parts.append(scalar_sets(a.tool, a.timeout))
    Path(a.output).write_text(HEAD + "\n" + "\n".join(summary) + "\n\n" + "\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
