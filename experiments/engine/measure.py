"""One process measured: its time, its memory, and what the rest of the machine did meanwhile."""
import os
import platform
import subprocess
import sys
import time

CPUS = os.cpu_count() or 1
TICK = os.sysconf("SC_CLK_TCK")
TOUCH = "n=int(float({})*2**30);b=bytearray(n);b[::4096]=bytes([1])*len(range(0,n,4096))"


def busy():
    """Seconds of processor time spent so far on this machine by anyone, stolen time included."""
    with open("/proc/stat") as f:
        values = [int(x) for x in f.readline().split()[1:9]]
    return (sum(values) - values[3] - values[4]) / TICK


class Quiet:
    """Waits until others use less than a tenth of the machine, at most so many seconds in all."""

    def __init__(self, seconds):
        self.left = seconds

    def wait(self):
        while self.left > 0:
            before = busy()
            time.sleep(0.5)
            if busy() - before < 0.05 * CPUS:
                return
            self.left -= 0.5


def run(command, touch_gib, quiet):
    """Runs it with that much memory touched before: memory that the host has not backed costs seconds per GiB."""
    quiet.wait()
    if touch_gib:
        subprocess.run([sys.executable, "-c", TOUCH.format(touch_gib)], check=True)
    before, start = busy(), time.perf_counter()
    child = subprocess.Popen([str(c) for c in command], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out = child.stdout.read()
    err = child.stderr.read()
    _, status, use = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - start
    if child.returncode not in (0, 2):
        raise RuntimeError(f"{' '.join(map(str, command))}: status {child.returncode}\n{err[-2000:]}")
    return {"out": out, "wall": wall, "user": use.ru_utime, "sys": use.ru_stime, "peak": use.ru_maxrss * 1024,
            "others": max(0.0, (busy() - before - use.ru_utime - use.ru_stime) / (wall * CPUS))}


def machine():
    model = "unknown processor"
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {CPUS} processors, {memory:.0f} GiB, {platform.system()} {platform.release().split('-')[0]}"
