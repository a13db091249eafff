"""The peers, built by cargo at pinned versions into a cache folder: egg 0.11.0 through peers/, and egglog 3.0.0."""
import json
import os
import pathlib
import re
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
EGGLOG = "3.0.0"


class Peers:
    def __init__(self, work):
        self.work = pathlib.Path(work)
        self.eggbench = self.work / "target-eggbench" / "release" / "eggbench"
        self.egglog = self.work / "egglog" / "bin" / "egglog"

    def build(self):
        self.work.mkdir(parents=True, exist_ok=True)
        manifest = HERE / "peers" / "Cargo.toml"
        cargo = ["cargo", "--quiet"]
        subprocess.run(cargo + ["fetch", "--locked", "--manifest-path", manifest], check=True)
        metadata = subprocess.run(cargo + ["metadata", "--locked", "--format-version", "1", "--manifest-path", manifest],
                                  check=True, capture_output=True, text=True).stdout
        egg = next(p for p in json.loads(metadata)["packages"] if p["name"] == "egg")
        tests = pathlib.Path(egg["manifest_path"]).parent / "tests"
        subprocess.run(cargo + ["build", "--release", "--locked", "--manifest-path", manifest, "--target-dir",
                                self.work / "target-eggbench"], check=True, env={**os.environ, "EGG_TESTS": str(tests)})
        if not self.egglog.exists():
            subprocess.run(cargo + ["install", "egglog", "--version", EGGLOG, "--locked", "--root", self.work / "egglog",
                                    "--target-dir", self.work / "target-egglog"], check=True)

    def egglog_command(self, program, threads, decomposition, report):
        return ([self.egglog, "-j", threads] + ([] if decomposition else ["--no-decomp"]) + ["--save-report", report, program])

    @staticmethod
    def egg_result(out):
        fields = dict(x.split("=", 1) for x in out.split())
        return float(fields["seconds"]), int(fields["enodes"]), int(fields["iterations"])

    @staticmethod
    def egglog_result(out, report):
        """Seconds of search, apply, merge and rebuild (parsing and planning left out), and rows."""
        with open(report) as f:
            fields = json.load(f)
        seconds = 0.0
        for part in ("search_and_apply", "merge", "rebuild"):
            for t in fields[part + "_time_per_ruleset"].values():
                seconds += t["secs"] + t["nanos"] * 1e-9
        return seconds, sum(int(n) for n in re.findall(r"\(\S+ (\d+)\)", out)), None
