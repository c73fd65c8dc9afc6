#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""stats.py VITRINECTL KERNEL ENDLESS-KERNEL: what `vitrinectl run --stats` writes about a guest that does always the same, as TAP."""
import json
import re
import select
import subprocess
import sys
import tempfile
from pathlib import Path

SECONDS = 60
COUNTS = ["blocks_decoded", "blocks_translated", "code_bytes", "helper_calls", "tlb_fills", "tlb_flushes", "interrupts",
          "exceptions", "io_accesses", "halts", "peak_rss_bytes"]
TIMES = ["guest_seconds", "host_seconds", "host_cpu_seconds", "translation_seconds"]
EXITS = ["lookup", "link", "interpret", "dead", "poll", "fault"]
points = failures = 0


def check(good, text, detail=""):
    global points, failures
    points += 1
    failures += not good
    print(f"{'ok' if good else 'not ok'} {points} - {text}" + (f" # {detail}" if detail and not good else ""), flush=True)


def run(vitrinectl, kernel, folder, *options):
    """The statistics, and the process's number."""
    path = Path(folder, "stats.json")
    with subprocess.Popen([vitrinectl, "run", "--kernel", kernel, "--memory", "64M", "--video", "none", "--debug-exit",
                           "--stats", path, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        output, _ = process.communicate(timeout=SECONDS)
    if process.returncode != 1:
        raise SystemExit(f"Bail out! exit status {process.returncode}: {output}")
    return json.loads(path.read_text()), process.pid


def check_trace(vitrinectl, socket):
    """Twice: a trace ends with the one who reads it."""
    for text in ("trace prints what a device does", "and again once the first is gone"):
        with subprocess.Popen([vitrinectl, "trace", socket, "pc.ps2_kbd_*", "pc.i8042_*"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as trace:
            first = ""
            while not first and trace.poll() is None:
                subprocess.run([vitrinectl, "send-keys", socket, "a"], check=False, timeout=SECONDS)
                if select.select([trace.stdout], [], [], 0.2)[0]:
                    first = trace.stdout.readline()
            trace.terminate()
            _, errors = trace.communicate(timeout=SECONDS)
        check(re.fullmatch(r"\d+\.\d{6} pc\.(ps2_kbd|i8042)_\w+ .*\n", first), text, first + errors)
    wrong = subprocess.run([vitrinectl, "trace", socket, "nothing.*"], stderr=subprocess.PIPE, text=True, check=False, timeout=SECONDS)
    check(wrong.returncode == 1 and "nothing.*" in wrong.stderr, "a name that no event has is refused", wrong.stderr)


def check_stat(vitrinectl, kernel, folder):
    """A machine that runs, asked from outside."""
    socket = Path(folder, "control")
    with subprocess.Popen([vitrinectl, "run", "--kernel", kernel, "--memory", "64M", "--video", "none", "--accel", "jit",
                           "--control", socket], stderr=subprocess.PIPE, text=True) as process:
        try:
            process.stderr.readline()
            once = subprocess.run([vitrinectl, "stat", socket], stdout=subprocess.PIPE, text=True, check=False, timeout=SECONDS)
            figures = dict(line.split(":", 1) for line in once.stdout.splitlines() if ":" in line)
            check(once.returncode == 0 and "jit" in figures.get("Accelerator", "") and "TLB fills" in figures
                  and "not counted" in figures.get("Instructions", ""), "stat says what the machine did", once.stdout)
            check_trace(vitrinectl, socket)
            with subprocess.Popen([vitrinectl, "stat", "--follow", "--count", socket], stdout=subprocess.PIPE, text=True) as follow:
                follow.stdout.readline()
                follow.stdout.readline()   # translations are made anew in this second
                rates = follow.stdout.readline().split()
                process.terminate()
                follow.communicate(timeout=SECONDS)
            check(len(rates) == 8 and float(rates[0]) > 1 and float(rates[1]) > 50, "stat --follow --count says how fast it is",
                  str(rates))
            check(follow.returncode == 0, "and ends with the machine", str(follow.returncode))
        finally:
            process.kill()


def check_perf_map(pid):
    path = Path(f"/tmp/perf-{pid}.map")
    names = [line.split(maxsplit=2) for line in path.read_text().splitlines()] if path.exists() else []
    path.unlink(missing_ok=True)
    check(any(len(row) == 3 and row[2].startswith("guest_system_1000") and int(row[0], 16) and int(row[1], 16) for row in names),
          "--perf-map names the guest's code", str(names[:3]))


def main():
    vitrinectl, kernel, endless = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="vitrine-stats-") as folder:
        interp, _ = run(vitrinectl, kernel, folder, "--accel", "interp")
        if "AVX2" in subprocess.run([vitrinectl, "run", "--accel", "jit", "--kernel", "/dev/null"], stderr=subprocess.PIPE, text=True,
                                    check=False).stderr:
            print("1..0 # SKIP the translator cannot run here")
            return
        jit, _ = run(vitrinectl, kernel, folder, "--accel", "jit")
        counted, pid = run(vitrinectl, kernel, folder, "--accel", "jit", "--count", "--perf-map")
    for name, stats in (("interp", interp), ("jit", jit), ("jit --count", counted)):
        missing = [key for key in COUNTS if not isinstance(stats.get(key), int)]
        missing += [key for key in TIMES if not isinstance(stats.get(key), float)]
        missing += [key for key in EXITS if not isinstance(stats.get("exits", {}).get(key), int)]
        check(not missing and stats["accelerator"] == name.split()[0], f"{name}: all figures are there", str(missing))
    check(interp["instructions"] > 1000000 and interp["translated_instructions"] == 0 and "instructions_reason" not in interp,
          "the interpreter counts instructions", str(interp))
    check(interp["blocks_translated"] == 0 and interp["code_bytes"] == 0 and sum(interp["exits"].values()) == 0,
          "and translates nothing", str(interp))
    check(jit["instructions"] is None and "--count" in jit["instructions_reason"],
          "the translator says that it does not count instructions unasked", str(jit))
    check(jit["blocks_translated"] > 0 and jit["translation_seconds"] > 0 and jit["code_bytes"] > 0
          and sum(jit["exits"].values()) > 0, "but what it translated, in what time, and how its code was left", str(jit))
    # The two after the one that ends the run may or may not come to their turn.
    check(abs(counted["instructions"] - interp["instructions"]) <= 2, "with --count it counts exactly what the interpreter counts",
          f"{counted['instructions']} against {interp['instructions']}")
    check(counted["translated_instructions"] > 0.99 * counted["instructions"], "nearly all of it in translated code", str(counted))
    check_perf_map(pid)
    with tempfile.TemporaryDirectory(prefix="vitrine-stats-") as folder:
        check_stat(vitrinectl, endless, folder)
    print(f"1..{points}")
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
