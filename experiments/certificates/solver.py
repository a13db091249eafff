"""A solver process that is asked in SMT-LIB: cvc5 or z3, whichever is there.  Answers are `unsat`, `sat` or `unknown`."""

import shutil
import subprocess
import sys
from pathlib import Path

COMMANDS = {"cvc5": ["--lang", "smt2", "--incremental", "--quiet", "--fp-exp", "--tlimit-per={ms}", "-"], "z3": ["-in", "-smt2", "-t:{ms}"]}


def find(name):
    """The program of that name: beside this Python, or on the path."""
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.exists() else shutil.which(name)


class Solver:
    def __init__(self, name="", ms=2000, logic="ALL"):
        self.name = name or ("cvc5" if find("cvc5") else "z3")
        self.program = find(self.name)
        if not self.program:
            raise FileNotFoundError(f"{self.name} is not installed")
        self.ms, self.logic, self.process, self.asked = ms, logic, None, 0

    def start(self):
        self.process = subprocess.Popen([self.program, *(o.format(ms=self.ms) for o in COMMANDS[self.name])], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        self.say(f"(set-logic {self.logic})\n")

    def say(self, text):
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def check(self, text):
        """Declarations and assertions, without (check-sat).  What the solver can't read is `unknown`."""
        self.asked += 1
        try:
            if self.process is None:
                self.start()
            self.say(f"(push 1)\n{text}\n(check-sat)\n(pop 1)\n")
            answer = self.process.stdout.readline().strip()
        except BrokenPipeError:
            answer = ""
        if answer in ("unsat", "sat", "unknown"):
            return answer
        self.close()  # an error message, or the end: the next question meets a fresh one
        return "unknown"

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
