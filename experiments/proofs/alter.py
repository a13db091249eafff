#!/usr/bin/env python3
"""Random alterations of real proofs: `egret check` must refuse every one, without the digest's help.

    experiments/proofs/alter.py [TOOL] [--count 2000] [--seed 7] [-o experiments/proofs/RESULTS.md]

Each program of experiments/suites/algebra is optimized; then one entry of its proof.json at a time is changed: a number moved, a word replaced by another of
the proof or altered by a letter, two entries of a list swapped, an entry left out or written twice.  An alteration that gives the same JSON is drawn again.
What is accepted is printed: a hole, or another proof of the same.
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


def places(value, where=()):
    """Every entry below a JSON value: (path, value)."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if where or key != "digest":
            yield (*where, key), inner
            yield from places(inner, (*where, key))


def at(value, path):
    for key in path:
        value = value[key]
    return value


def word(text, others, draw):
    kind = draw.randrange(3)
    if kind == 0 or not text:
        return draw.choice(others)
    k = draw.randrange(len(text))
    return text[:k] + (chr(48 + draw.randrange(70)) if kind == 1 else "") + text[k + 1:]


def altered(text, draw):
    """The proof with one change, and what it was; the change is no mere repetition."""
    while True:
        proof = json.loads(text)
        every = list(places(proof))
        path, value = draw.choice(every)
        holder, key = at(proof, path[:-1]), path[-1]
        kind = "value"
        if isinstance(value, bool):
            holder[key] = not value
        elif isinstance(value, (int, float)):
            holder[key] = value + draw.choice([-3, -2, -1, 1, 2, 3])
        elif isinstance(value, str):
            kind = "word"
            holder[key] = word(value, [v for _, v in every if isinstance(v, str)], draw)
        elif isinstance(value, list) and value:
            kind = draw.choice(["swap", "drop", "twice"])
            a, b = draw.randrange(len(value)), draw.randrange(len(value))
            if kind == "swap":
                value[a], value[b] = value[b], value[a]
            elif kind == "drop":
                del value[a]
            else:
                value.insert(b, value[a])
        elif isinstance(value, dict) and value:
            kind = "drop"
            del value[draw.choice(sorted(value))]
        if proof != json.loads(text):
            return proof, kind, "/".join(map(str, path))


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("tool", nargs="?", default=str(ROOT / "build/bin/egret"))
    options.add_argument("--count", type=int, default=2000)
    options.add_argument("--seed", type=int, default=7)
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("-o", "--output", default=str(ROOT / "experiments/proofs/RESULTS.md"))
    a = options.parse_args()
    draw, made, wrong, statuses = random.Random(a.seed), Counter(), [], Counter()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        proofs = []
        for model in sorted((ROOT / "experiments/suites/algebra").glob("*.egret")):
            artifact = folder / model.stem
            subprocess.run([a.tool, "optimize", model, "-o", artifact], check=True, capture_output=True)
            proofs.append((model, artifact, (artifact / "proof.json").read_text()))

        def ask(number, model, artifact, proof):
            file = folder / f"altered{number}.json"
            file.write_text(json.dumps(proof))
            done = subprocess.run([a.tool, "check", file, "--model", model, "--artifact", artifact, "--ignore-digest"], capture_output=True, text=True, timeout=60, check=False)
            file.unlink()
            return done

        for model, artifact, text in proofs:
            done = ask(0, model, artifact, json.loads(text))
            if done.returncode != 0:
                raise SystemExit(f"{model.name}: its own proof is refused: {done.stdout}{done.stderr}")
        drawn = [(*proofs[k % len(proofs)][:2], *altered(proofs[k % len(proofs)][2], draw)) for k in range(a.count)]
        with ThreadPoolExecutor(a.workers) as pool:
            answers = list(pool.map(lambda item: ask(item[0], *item[1][:3]), enumerate(drawn)))
    for (model, _, _, kind, where), done in zip(drawn, answers):
        made[kind] += 1
        statuses[done.returncode] += 1
        if done.returncode not in (1, 2):
            wrong.append(f"{model.stem}: {kind} at {where}: status {done.returncode}")
    lines = ["# Alterations of proofs", "", "Made by `experiments/proofs/alter.py` (do not edit).", "",
             f"{len(proofs)} proofs of experiments/suites/algebra, seed {a.seed}: {a.count} alterations, {a.count - len(wrong)} refused "
             f"({statuses[2]} by the check, {statuses[1]} as no proof of this version), {len(wrong)} accepted.", "",
             "| alteration | tried |", "| --- | --- |", *(f"| {kind} | {n} |" for kind, n in sorted(made.items())), *([""] if wrong else []), *(f"- {w}" for w in wrong)]
    Path(a.output).write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
    return 2 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
