#!/usr/bin/env python3
"""The layout of the tree, checked: no include against the table of docs/architecture.md, no source over 600 lines
(800 for tests) without a written reason, every source in a CMake list, every file of a "Reading order" there, the
proof checker free of the engine.  An argument names another tree (its own test uses that)."""
import pathlib
import re
import sys

# What a folder may include, by path prefix; the longest prefix of a file decides, and a folder may include itself.
ALLOWED = {
    "support": [],
    "ir": ["support"],
    "egraph": ["support"],
    "rules": ["support", "ir", "egraph"],
    "rules/discover": ["support", "ir", "egraph", "costmodel", "rules"],
    "costmodel": ["support", "ir"],
    "extract": ["support", "ir", "egraph", "rules/lang", "rules/rules.h", "costmodel"],
    "extract/solve": ["support"],
    "extract/certify": ["support"],
    "extract/schedule": ["support", "extract/solve"],
    "extract/fusion": ["support", "ir", "egraph", "rules/lang", "rules/rules.h", "costmodel", "extract/solve", "extract/schedule"],
    "lower": ["support", "ir", "costmodel"],
    "lower/runtime": ["support", "ir"],
    "frontends": ["support", "ir", "egraph", "rules", "costmodel", "extract", "lower"],
    "tests": ["support", "ir", "egraph", "rules", "costmodel", "extract", "lower", "frontends"],
}
FOLDERS = [p for p in ALLOWED if "/" not in p]
# What else a file may not include: the proof checker shares no code with the engine (design decision 10), and the
# engine's core stands without its two hosts, each stage of it without the later ones.
APART = {r"frontends/proof/(check\w*|file|statement|terms|proof)\.(h|cpp)": ["egraph", "extract"],
         r"egraph/((store|plan|search|apply)/)?\w+\.(h|cpp)": ["egraph/lang", "egraph/interchange"],
         r"egraph/store/\w+\.(h|cpp)": ["egraph/plan", "egraph/search", "egraph/apply"],
         r"egraph/plan/\w+\.(h|cpp)": ["egraph/search", "egraph/apply"],
         r"egraph/search/\w+\.(h|cpp)": ["egraph/apply"],
         r"egraph/interchange/\w+\.(h|cpp)": ["egraph/lang"],
         r"egraph/lang/\w+\.(h|cpp)": ["egraph/interchange"]}
# Files over the cap, each with its reason.
LONG = {}
SUFFIXES = {".h", ".cpp", ".cu", ".c"}


def sources(root):
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in SUFFIXES and path.is_file():
                yield path


def listed_sources(root):
    """Every .cpp that a CMakeLists.txt names, as it is found from that file's folder."""
    found = set()
    for folder in FOLDERS:
        for lists in (root / folder).rglob("CMakeLists.txt"):
            text = re.sub(r"#.*", "", lists.read_text(encoding="utf-8"))
            for word in re.findall(r"[\w./-]+\.cpp\b", text):
                found.add((lists.parent / word).resolve())
            # egret_fuzz_test(NAME ...) names its source by the target.
            for name in re.findall(r"\begret_fuzz_test\((\w+)", text):
                found.add((lists.parent / f"fuzz_{name}.cpp").resolve())
    return found


def rule_of(relative):
    best = max((p for p in ALLOWED if relative.startswith(p + "/")), key=len)
    return best, ALLOWED[best]


def under(target, folder):
    return target == folder or target.startswith(folder + "/")


def check_includes(root, text, relative, faults):
    prefix, allowed = rule_of(relative)
    apart = [f for pattern, folders in APART.items() if re.fullmatch(pattern, relative) for f in folders]
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if not match or not (root / match.group(1)).exists():
            continue
        target = match.group(1)
        if not any(under(target, a) for a in [prefix, *allowed]):
            faults.append(f"{relative}:{number}: {prefix}/ may not include {target}")
        elif any(under(target, a) for a in apart):
            faults.append(f"{relative}:{number}: it stands apart from {target} and may not include it")


def check_reading_order(root, path, text, relative, faults):
    order = re.search(r"Reading order:((?:.|\n)*?)\.\n", text)
    for name in re.findall(r"[\w/]+\.(?:h|cpp|md)\b", order.group(1)) if order else []:
        if not any((base / name).exists() for base in [root, path.parent]):
            faults.append(f"{relative}: its reading order names {name}, which does not exist")


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2]).resolve()
    faults = []
    listed = listed_sources(root)
    count = 0
    for path in sources(root):
        count += 1
        relative = path.relative_to(root).as_posix()
        text = path.read_text(encoding="utf-8")
        check_includes(root, text, relative, faults)
        lines = text.count("\n")
        cap = 800 if relative.startswith("tests/") else 600
        if lines > cap and relative not in LONG:
            faults.append(f"{relative}: {lines} lines, at most {cap}; find the seam, or give a reason in LONG")
        if path.suffix == ".cpp" and path not in listed:
            faults.append(f"{relative}: in no CMake list")
        if path.suffix == ".h":
            check_reading_order(root, path, text, relative, faults)
    for fault in faults:
        print(fault)
    print(f"{count} sources checked, {len(faults)} faults")
    return 1 if faults or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
