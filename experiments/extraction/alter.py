#!/usr/bin/env python3
"""Changed numbers in real certificates of extraction: each is refused, or still proves no more than is true.

    experiments/extraction/alter.py [--egret build/bin/egret] [--data ../shared/data/extraction-gym/data] [--count 300] [--seed 7]

Solves a few gym files to the optimum with a certificate, and sorts the records of the proofs by kind: prices, cases of a branch tree, cores,
reductions, the frame (parts, problems inside, the claimed bound).  Then, COUNT times a kind and certificate, one number of one record
of the kind is changed, left out, or written twice, and `egret extract --check-certificate --ignore-digest` asked.  Wrong are a bound above the
optimum, and any end but acceptance (0) and refusal (2).  Ends with 2 where something is wrong.
"""
import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILES = ["babble/list_list_hard_test_ellisk_2019-02-15T11.43.28--bench011_it19", "rover/box_filter_4iteration_egraph", "rover/box_filter_5iteration_egraph",
         "diospyros/vector_2d_conv_2x2_2x2_root_36", "egg/math_associate_adds", "flexc", "herbie/2231", "tensat/bert"]
KINDS = {"prices": "uwKfqv", "cases": "B/^", "cores": "adlsnmoch", "reductions": "UYDZREFGHVPSA", "frame": "pki().", "bound": ""}
SLACK = 1e-9  # relative: sums of doubles as the optimum is printed


def paths(data):
    for name in FILES:
        found = sorted(Path(data).glob(name + "*")) or sorted(Path(data).glob(name + "/*"))
        if found and found[0].is_dir():
            found = sorted(found[0].iterdir())
        yield from found[:1]


def other(word, draw):
    if "." in word or "e" in word:
        return repr(float(word) * draw.choice([0.5, 0.999, 1.001, 2, 1000]) + draw.choice([0, 0, 1]))
    return str(int(word) + draw.choice([-2, -1, 1, 2, 3, 17, 1000]))


def altered(certificate, kind, draw):
    """The certificate with one change of that kind; None where it has no such record."""
    made = dict(certificate)
    if kind == "bound":
        made["bound"] = float(other(repr(float(made["bound"])), draw))
        return made
    lines = made["proof"].splitlines()
    places = [n for n, line in enumerate(lines) if line[0] in KINDS[kind]]
    if not places:
        return None
    at = draw.choice(places)
    words = lines[at].split()
    what = draw.randrange(4) if len(words) > 1 else draw.randrange(2, 4)
    if what < 2:
        k = draw.randrange(1, len(words))
        words[k:k + 1] = [other(words[k], draw)] if what == 0 else []
        lines[at] = " ".join(words)
    elif what == 2:
        del lines[at]
    else:
        lines.insert(at, lines[at])
    made["proof"] = "\n".join(lines) + "\n"
    return made


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--egret", default=str(ROOT / "build/bin/egret"))
    parser.add_argument("--data", default=str(ROOT.parent / "shared/data/extraction-gym/data"))
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--workers", type=int, default=2)
    a = parser.parse_args()
    draw, wrong = random.Random(a.seed), []
    refused, implied = Counter(), Counter()
    with tempfile.TemporaryDirectory() as folder:
        def ask(item):
            number, path, text = item
            file = Path(folder) / f"{number}.json"
            file.write_text(text)
            done = subprocess.run([a.egret, "extract", path, "--check-certificate", file, "--ignore-digest", "--json"], capture_output=True, text=True, check=False)
            file.unlink()
            return done

        for path in paths(a.data):
            kept = Path(folder) / "certificate.json"
            run = subprocess.run([a.egret, "extract", path, "--certificate", kept, "--json", "--time-limit", "120"], capture_output=True, text=True, check=True)
            optimum = json.loads(run.stdout)["dag_cost"]
            certificate = json.loads(kept.read_text())
            kinds = [kind for kind in KINDS for made in [altered(certificate, kind, draw)] if made]
            tried = [(kind, json.dumps(altered(certificate, kind, draw))) for kind in kinds for _ in range(a.count)]
            with ThreadPoolExecutor(a.workers) as pool:
                answers = list(pool.map(ask, [(n, path, text) for n, (_, text) in enumerate(tried)]))
            for (kind, text), done in zip(tried, answers):
                if done.returncode == 2:
                    refused[kind] += 1
                elif done.returncode == 0 and json.loads(done.stdout)["bound"] <= optimum + SLACK * abs(optimum):
                    implied[kind] += 1
                else:
                    wrong.append(f"{path.name}: {kind}: status {done.returncode}: {done.stdout[:200]}{done.stderr[:200]}")
            print(f"{path.name}: optimum {optimum}, {', '.join(kinds)}: {len(tried)} alterations", flush=True)
    print("| kind | refused | still true | wrong |\n| --- | --- | --- | --- |")
    for kind in KINDS:
        print(f"| {kind} | {refused[kind]} | {implied[kind]} | {sum(f': {kind}:' in w for w in wrong)} |")
    print("\n".join(wrong))
    return 2 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
