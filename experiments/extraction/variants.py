#!/usr/bin/env python3
"""Gym files as nobody has them: each is altered in several ways, extracted, judged and certified.

  variants.py --egret build/bin/egret --data ../shared/data/extraction-gym --checker ../shared/tools/check_extraction.py
              [--only FAMILY] [--files 3] [--kinds costs,ties] [--seed 1] [--limit 30] [--keep FOLDER] [--out RESULT.json]

Of every family FILES are drawn, and of each one variant a kind: costs changed by up to 30 %; whole costs of 1 to 3; all costs equal; another root;
several roots; up to half of the nodes dropped; nodes doubled at a cost that is a little higher; nodes with one more child, which makes
cycles; pairs of classes united; two files under one root.  A line for each that is not proved within 10 seconds of processor time, is refused, whose
certificate is refused, does not reach the cost, or takes ten times as long to check as to solve, or whose gap after a second is above 5 %.
"""
import gzip
import json
import os
import random
import tempfile

import gym
import suite


def classes_of(graph):
    out = {}
    for name, node in graph["nodes"].items():
        out.setdefault(node["eclass"], []).append(name)
    return out


def first_makers(graph):
    """class -> a node that makes it, of those that can be made, each after what it reads."""
    nodes = graph["nodes"]
    missing = {n: len({nodes[c]["eclass"] for c in node["children"]}) for n, node in nodes.items()}
    readers, made = {}, {}
    for name, node in nodes.items():
        for child in {nodes[c]["eclass"] for c in node["children"]}:
            readers.setdefault(child, []).append(name)
    work = [n for n, count in missing.items() if count == 0]
    for name in work:
        if nodes[name]["eclass"] in made:
            continue
        made[nodes[name]["eclass"]] = name
        for reader in readers.get(nodes[name]["eclass"], []):
            missing[reader] -= 1
            if missing[reader] == 0:
                work.append(reader)
    return made


def costs(graph, draw):
    for node in graph["nodes"].values():
        node["cost"] *= draw.uniform(0.7, 1.3)


def ties(graph, draw):
    for node in graph["nodes"].values():
        node["cost"] = draw.randint(1, 3) * (-1 if node["cost"] < 0 else 1)


def equal(graph, draw):
    for node in graph["nodes"].values():
        node["cost"] = -1 if node["cost"] < 0 else 1


def root(graph, draw):
    graph["root_eclasses"] = [draw.choice(list(first_makers(graph)))]


def roots(graph, draw):
    makers = list(first_makers(graph))
    graph["root_eclasses"] = draw.choices(makers, k=draw.randint(2, 12))


def dropped(graph, draw):
    nodes, share = graph["nodes"], draw.uniform(0.1, 0.5)
    made, by_class = first_makers(graph), classes_of(graph)
    stays = {c: made.get(c, members[0]) for c, members in by_class.items()}
    kept = set(stays.values()) | {n for n in nodes if draw.random() > share}
    for node in nodes.values():
        node["children"] = [c if c in kept else stays[nodes[c]["eclass"]] for c in node["children"]]
    graph["nodes"] = {n: node for n, node in nodes.items() if n in kept}


def doubled(graph, draw):
    for name in draw.sample(list(graph["nodes"]), len(graph["nodes"]) // 5):
        node = graph["nodes"][name]
        graph["nodes"][name + "+"] = {**node, "cost": node["cost"] + draw.choice([0, 1e-9, 1e-7, 1e-3])}


def cycles(graph, draw):
    names = list(graph["nodes"])
    for name in draw.sample(names, len(names) // 10):
        node = graph["nodes"][name]
        graph["nodes"][name + "~"] = {**node, "cost": 0.7 * node["cost"], "children": node["children"] + [draw.choice(names)]}


def merged(graph, draw):
    found, pairs = list(classes_of(graph)), {}
    for _ in range(1 + len(found) // 50):
        one, other = draw.sample(found, 2)
        pairs.setdefault(one, other)
    for node in graph["nodes"].values():
        node["eclass"] = pairs.get(node["eclass"], node["eclass"])
    graph["root_eclasses"] = [pairs.get(r, r) for r in graph["root_eclasses"]]


def united(graph, draw, other):
    for name, node in other["nodes"].items():
        graph["nodes"]["b" + name] = {**node, "eclass": "b" + node["eclass"], "children": ["b" + c for c in node["children"]]}
    makers = {node["eclass"]: name for name, node in graph["nodes"].items()}
    both = [makers[r] for r in graph["root_eclasses"]] + [makers["b" + r] for r in other["root_eclasses"]]
    graph["nodes"]["top"] = {"op": "top", "eclass": "top", "cost": 0, "children": both}
    graph["root_eclasses"] = ["top"]


KINDS = {f.__name__: f for f in (costs, ties, equal, root, roots, dropped, doubled, cycles, merged, united)}


def read(checker, path):
    graph = checker.read(path)
    for node in graph["nodes"].values():
        node["cost"] = float(node.get("cost", 1))
        node["eclass"] = str(node["eclass"])
    return graph


def complaints(row):
    if "fault" in row:
        return ["fault"]
    out = []
    if not row["optimal"]:
        out.append("open")
    elif row["processor_s"] > 10:
        out.append("slow")
    elif not row["certified"]:
        out.append("not certified")
    elif row["check_s"] > 10 * row["processor_s"]:
        out.append("slow to check")
    if row["seconds"] > 1 and (row["gap_1s"] is None or row["gap_1s"] > 0.05):
        out.append("gap")
    return out


def variants(options, checker, names):
    """(name, graph) for each file drawn and each kind."""
    families = {}
    for name in names:
        families.setdefault(name.split("/")[0], []).append(name)
    for family, files in sorted(families.items()):
        draw = random.Random(f"{options.seed} {family}")
        for name in draw.sample(files, min(options.files, len(files))):
            for kind in options.kinds.split(","):
                graph = read(checker, names[name])
                if kind == "united":
                    united(graph, draw, read(checker, names[draw.choice(files)]))
                else:
                    KINDS[kind](graph, draw)
                if all(r in first_makers(graph) for r in graph["root_eclasses"]):
                    yield f"{name.removesuffix('.json')}#{kind}", graph


def main():
    parser = suite.options_of(__doc__, limit=30)
    parser.add_argument("--files", type=int, default=3, help="of each family")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--judged", type=int, default=1, help="only every so manieth goes to the checker, which takes longer than egret")
    parser.add_argument("--keep", help="folder for the variants that something is said of")
    options = parser.parse_args()
    options.certificate = True
    checker = gym.load_checker(options.checker)
    names = {n: p for n, p in gym.files_of(options.data).items() if options.only in n}
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, graph in variants(options, checker, names):
            path = os.path.join(folder, "variant.json")
            with open(path, "w", encoding="utf-8") as f:
                json.dump(graph, f)
            if len(rows) % options.judged == 0:
                row = gym.judge(options, checker, path)
            else:
                row = suite.extract(options, path, os.path.join(folder, "choice.json"), os.path.join(folder, "proof.json"))
            rows[name] = row
            said = complaints(row)
            if said:
                print(name, ", ".join(said), json.dumps(row), flush=True)
                if options.keep:
                    with gzip.open(os.path.join(options.keep, name.replace("/", "_") + f".{options.seed}.json.gz"), "wt", encoding="utf-8") as f:
                        json.dump(graph, f)
    print(f"{len(rows)} variants; {sum(bool(r.get('optimal')) for r in rows.values())} proved")
    print(suite.certified_line(rows))
    suite.write(options, "variants", rows)
    return any("fault" in r for r in rows.values())


if __name__ == "__main__":
    raise SystemExit(main())
