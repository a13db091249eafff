#!/usr/bin/env python3
"""check_tree.py finds each fault that it promises to find, in a small tree that has them all, and nothing else."""
import pathlib
import subprocess
import sys
import tempfile

FILES = {
    "support/CMakeLists.txt": "egret_library(s SOURCES good.cpp long.cpp # gone.cpp\n)\n",
    "support/good.h": "// Reading order: good.h, absent.h.\n",
    "support/good.cpp": '#include "support/good.h"\n#include "fmt/format.h"\n',
    "support/long.cpp": "\n" * 601,
    "support/gone.cpp": "",
    "ir/CMakeLists.txt": "egret_library(i SOURCES good.cpp)\n",
    "ir/good.h": "",
    "ir/good.cpp": '#include "support/good.h"\n  #  include "frontends/face.h"\n',
    "lower/runtime/CMakeLists.txt": "egret_library(r SOURCES run.cpp)\n",
    "lower/lower.h": "",
    "lower/runtime/run.cpp": '#include "lower/lower.h"\n',
    "egraph/egraph.h": "",
    "frontends/face.h": '#include "egraph/egraph.h"\n',
    "frontends/proof/CMakeLists.txt": "egret_library(p SOURCES check_steps.cpp writer.cpp)\n",
    "frontends/proof/check_steps.cpp": '#include "egraph/egraph.h"\n',
    "frontends/proof/writer.cpp": '#include "egraph/egraph.h"\n',
    "tests/ir/CMakeLists.txt": "egret_test(t SOURCES ../ir/long_test.cpp)\n",
    "tests/ir/long_test.cpp": '#include "frontends/face.h"\n' + "\n" * 700,
}
EXPECTED = [
    "support/good.h: its reading order names absent.h, which does not exist",
    "support/gone.cpp: in no CMake list",
    "support/long.cpp: 601 lines, at most 600; find the seam, or give a reason in LONG",
    "ir/good.cpp:2: ir/ may not include frontends/face.h",
    "lower/runtime/run.cpp:1: lower/runtime/ may not include lower/lower.h",
    "frontends/proof/check_steps.cpp:1: it stands apart from egraph/egraph.h and may not include it",
    "13 sources checked, 6 faults",
]


def main():
    script = pathlib.Path(__file__).with_name("check_tree.py")
    with tempfile.TemporaryDirectory() as folder:
        for name, text in FILES.items():
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        done = subprocess.run([sys.executable, script, folder], capture_output=True, text=True, check=False)
    got = done.stdout.splitlines()
    if sorted(got) != sorted(EXPECTED) or done.returncode != 1:
        print("expected:", *EXPECTED, f"got (exit {done.returncode}):", *got, done.stderr, sep="\n")
        return 1
    print("every planted fault was found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
