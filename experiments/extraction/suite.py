"""What gym.py and pools.py share: options, a run of `egret extract` with its processor time, the file of results."""
import argparse
import json
import os
import resource
import subprocess
import threading
import time


def options_of(description, limit):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--egret", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--checker", required=True)
    parser.add_argument("--method", default="portfolio")
    parser.add_argument("--limit", type=float, default=limit, help="seconds of wall time for egret")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", default="", help="files whose name has this in it")
    parser.add_argument("--certificate", action="store_true", help="also write, check and time a certificate")
    parser.add_argument("--out", help="write the results there, as JSON")
    return parser


_LOCK = threading.Lock()  # processor seconds are those of all children: one at a time


def _run(command):
    """(exit status, stdout, stderr, processor seconds)"""
    with _LOCK:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done.returncode, done.stdout, done.stderr, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def gap_after(stream, seconds):
    """Relative, where a run stood after so many seconds; none before the first answer and bound."""
    gap = None
    for step in stream:
        if step["seconds"] <= seconds and step["bound"] is not None and step["best"] is not None:
            gap = (step["best"] - step["bound"]) / max(abs(step["best"]), 1e-12)
    return gap


def extract(options, path, solution, certificate):
    """A row of the results: cost, bound, processor seconds of the search, of certifying and of checking; or a fault."""
    command = [options.egret, "extract", str(path), "--method", options.method, "--time-limit", str(options.limit),
               "--threads", str(options.threads), "--solution", solution, "--json"]
    status, out, err, seconds = _run(command)
    row = {"processor_s": seconds, "exit": status}
    if status != 0:
        return {**row, "fault": (err or out).strip()[-300:]}
    answer = json.loads(out)
    row.update({k: answer[k] for k in ("dag_cost", "bound", "optimal", "seconds")})
    row["gap_1s"] = gap_after(answer["stream"], max(1, answer["seconds"] / max(seconds, 1e-3)))  # on one thread: of processor time
    if not options.certificate:
        return row
    status, out, err, seconds = _run(command + ["--certificate", certificate])
    if status != 0:
        return {**row, "fault": (err or out).strip()[-300:]}
    row["certified"] = json.loads(out)["certified"]
    row["certify_s"] = max(0.0, seconds - row["processor_s"])
    status, out, err, row["check_s"] = _run([options.egret, "extract", str(path), "--check-certificate", certificate, "--json"])
    if status != 0:
        row["fault"] = "the certificate: " + (err or out).strip()[-300:]
    else:
        row["certified_bound"] = json.loads(out)["bound"]
    return row


def certified_line(rows):
    """How many of the proved are certified, and how long checking takes beside solving."""
    proved = [r for r in rows.values() if r.get("optimal")]
    certified = [r for r in proved if r.get("certified")]
    slow = sum(r["check_s"] > 10 * r["processor_s"] for r in certified)
    return f"{len(certified)} of {len(proved)} proved are certified; {slow} of them take more than ten times as long to check as to solve"


def write(options, key, rows):
    if not options.out:
        return
    machine = {"cores": os.cpu_count(), "date": time.strftime("%Y-%m-%d"), "load": os.getloadavg()[0]}
    with open(options.out, "w", encoding="utf-8") as f:
        json.dump({"machine": machine, "method": options.method, "limit_s": options.limit, key: rows}, f, indent=1, sort_keys=True)
        f.write("\n")
