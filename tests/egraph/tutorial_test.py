#!/usr/bin/env python3
"""docs/tutorial_engine.md as it stands: its program through the tool, and its C++ in a project of its own, built from the
installed engine with the page's CMakeLists.txt.

  tutorial_test.py CMAKE BUILD_DIRECTORY path/to/egret"""
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

CMAKE, BUILD, EGRET = sys.argv[1:4]
del sys.argv[1:]
PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "tutorial_engine.md"


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


class TutorialTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="egret-tutorial-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def call(self, *command):
        done = subprocess.run([str(c) for c in command], cwd=self.folder, text=True, capture_output=True)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def test_program(self):
        (program,) = blocks("sexp")
        (self.folder / "first.sexp").write_text(program)
        said = next(b for b in blocks("text") if b.startswith("$ egret saturate"))
        out = self.call(EGRET, "saturate", "first.sexp")
        self.assertEqual("".join(out.splitlines(True)[1:]), "".join(said.splitlines(True)[1:]))

    def test_project_from_the_installed_engine(self):
        (source,), (lists,) = blocks("cpp"), blocks("cmake")
        (self.folder / "first.cpp").write_text(source)
        (self.folder / "CMakeLists.txt").write_text(lists)
        self.call(CMAKE, "--install", BUILD, "--component", "egraph", "--prefix", self.folder / "installed")
        self.call(CMAKE, "-S", ".", "-B", "build", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={self.folder / 'installed'}")
        self.call(CMAKE, "--build", "build")
        said = [b for b in blocks("text") if not b.startswith("$")]
        self.assertEqual([self.call(self.folder / "build" / "first")], said)
        needed = self.call("ldd", self.folder / "build" / "first")
        for name in ("LLVM", "libz3", "highs"):
            self.assertNotIn(name, needed)

    def test_an_unknown_component_is_told(self):
        self.call(CMAKE, "--install", BUILD, "--component", "egraph", "--prefix", self.folder / "installed")
        (self.folder / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.25)\nproject(x LANGUAGES CXX)\nfind_package(egret REQUIRED COMPONENTS tensors)\n")
        done = subprocess.run([CMAKE, "-S", ".", "-B", "build", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={self.folder / 'installed'}"],
                              cwd=self.folder, text=True, capture_output=True)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("egret has no component tensors", done.stderr)


if __name__ == "__main__":
    unittest.main()
