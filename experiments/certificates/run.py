#!/usr/bin/env python3
"""Certificates of the whole library: made, checked with two solvers, and every obligation asked of cvc5.

    experiments/certificates/run.py [TOOL] [--folder DIR] [-o experiments/certificates/RESULTS.md]

Needs cvc5 (Debian's package of that name).  A few minutes of processor time; the certificates are about 100 MB.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from solver import Solver  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]


def kind(text):
    return ("IEEE numbers" if "FloatingPoint" in text else "unknown functions" if "declare-sort scalar" in text else "words" if "BitVec" in text
            else "reals" if "Real" in text else "integers")


def obligations(folder, ms):
    """Every obligation through cvc5: unsat is what Z3 said, sat is a disagreement."""
    solver, answers, wrong = Solver("cvc5", ms), {}, []
    for path in sorted((folder / "obligations").glob("*.smt2")):
        text = path.read_text()
        answer = solver.check(text.replace("(check-sat)", "").replace("(set-info :status unknown)", ""))
        answers.setdefault(kind(text), Counter())[answer] += 1
        if answer == "sat":
            wrong.append(path.name)
    solver.close()
    return answers, wrong


def checked(folder, solver, ms):
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        subprocess.run([sys.executable, ROOT / "experiments/certificates/check.py", folder, "--solver", solver, "--ms", str(ms), "--json", out.name], check=False, stdout=sys.stderr)
        return json.loads(Path(out.name).read_text())


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("tool", nargs="?", default=str(ROOT / "build/bin/egret"))
    options.add_argument("--folder", type=Path, help="where the certificates go; a temporary folder where nothing is said")
    options.add_argument("-o", "--output", default=str(ROOT / "experiments/certificates/RESULTS.md"))
    options.add_argument("--ms", type=int, default=1000, help="milliseconds a question")
    a = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = a.folder or Path(temporary)
        made = json.loads(subprocess.run([a.tool, "--json", "verify", "--certificates", folder], capture_output=True, text=True, check=False).stdout)["certificates"]
        lines = ["# Certificates of the library", "", "Made by `experiments/certificates/run.py` (do not edit); `docs/rule_certificates.md` says what the words mean.", "",
                 f"{made['rules']} rules, {made['shapes']} shapes, {made['obligations']} obligations; no certificate: {', '.join(made['missing']) or 'none'}.", "",
                 "| solver | checked | with exported formulas | evaluated in part | open | wrong |", "| --- | --- | --- | --- | --- | --- |"]
        opened = []
        for solver in ("z3", "cvc5"):
            rows = checked(folder, solver, a.ms)
            v = Counter(rows["verdicts"])
            lines.append(f"| {solver} | {v['checked']} | {v['exported']} | {v['evaluated']} | {v['open']} | {v['wrong']} |")
            opened.append(f"Open with {solver}: {', '.join(r['rule'] for r in rows['rules'] if r['verdict'] == 'open') or 'none'}.")
        answers, wrong = obligations(folder, a.ms)
        lines += ["", *opened, "", f"Obligations that Z3 decided, asked of cvc5 with {a.ms} ms each; disagreements: {', '.join(wrong) or 'none'}.", "",
                  "| kind | asked | agrees | does not know | disagrees |", "| --- | --- | --- | --- | --- |"]
        for name, c in sorted(answers.items()):
            lines.append(f"| {name} | {sum(c.values())} | {c['unsat']} | {c['unknown']} | {c['sat']} |")
    Path(a.output).write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
