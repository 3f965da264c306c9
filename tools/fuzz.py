#!/usr/bin/env python3
"""Runs the fuzz targets of build-fuzz; started by script/fuzz, which documents the options."""
import glob
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, "build-fuzz")
CORPUS = os.path.join(ROOT, "data", "corpus")
WORK = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "bearline-fuzz")
LEN_MIN, LEN_MAX, MERGE_LEN_MAX = 4096, 65536, 2048  # bytes of one input
MEMORY_MAX_MB = 1024
INPUT_LIMIT_S = 10


def target_names(pattern):
    for path in sorted(glob.glob(os.path.join(BUILD, "fuzz_*"))):
        name = os.path.basename(path)[len("fuzz_"):]
        if os.path.isfile(path) and os.access(path, os.X_OK) and re.search(pattern, name):
            yield name


def folders(name):
    """(seeds, work corpus, crashes); the last two are made."""
    seeds, work, crashes = os.path.join(CORPUS, name), os.path.join(WORK, name), os.path.join(WORK, name + ".crash")
    for folder in (work, crashes):
        os.makedirs(folder, exist_ok=True)
    return seeds, work, crashes


def max_len(seeds):
    """Twice the largest seed, within bounds."""
    sizes = [entry.stat().st_size for entry in os.scandir(seeds)] if os.path.isdir(seeds) else []
    return min(LEN_MAX, max(LEN_MIN, 2 * max(sizes, default=0)))


def run_once(name, wall_s):
    """(exit status, CPU seconds, libFuzzer's text) of one run."""
    seeds, work, crashes = folders(name)
    log = os.path.join(WORK, name + ".log")
    command = [os.path.join(BUILD, "fuzz_" + name), work, *([seeds] if os.path.isdir(seeds) else []),
               f"-max_total_time={wall_s}", f"-max_len={max_len(seeds)}", f"-rss_limit_mb={MEMORY_MAX_MB}",
               f"-timeout={INPUT_LIMIT_S}", f"-artifact_prefix={crashes}/", "-print_final_stats=1", "-verbosity=1"]
    with open(log, "wb") as f:
        process = subprocess.Popen(command, stdout=f, stderr=subprocess.STDOUT, cwd=WORK)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    with open(log, encoding="utf-8", errors="replace") as f:
        return process.returncode, usage.ru_utime + usage.ru_stime, f.read()


def last_number(pattern, text):
    found = re.findall(pattern, text)
    return int(found[-1]) if found else 0


def fuzz(name, seconds):
    """Runs until the target has had its CPU seconds; libFuzzer itself counts the clock on the wall."""
    cpu_s, execs, cov = 0.0, 0, 0
    while cpu_s < seconds - 0.5:
        code, used_s, text = run_once(name, max(1, round(seconds - cpu_s)))
        cpu_s += used_s
        execs += last_number(r"stat::number_of_executed_units:\s*(\d+)", text)
        cov = max(cov, last_number(r"\bcov: (\d+)", text))
        if code != 0:
            saved = re.findall(r"Test unit written to (\S+)", text)
            print(f"{name:24} {cpu_s:8.0f} {execs:12} {cov:7}  FAILED {saved[-1] if saved else ''}")
            print(f"  log: {os.path.join(WORK, name + '.log')}", flush=True)
            return False
    print(f"{name:24} {cpu_s:8.0f} {execs:12} {cov:7}  ok", flush=True)
    return True


def merge(name):
    """Adds to the seeds only what reaches code they do not: a small set, counting edges, not how often."""
    seeds, work, _ = folders(name)
    os.makedirs(seeds, exist_ok=True)
    before = len(os.listdir(seeds))
    command = [os.path.join(BUILD, "fuzz_" + name), "-set_cover_merge=1", "-use_counters=0",
               f"-max_len={MERGE_LEN_MAX}", f"-rss_limit_mb={MEMORY_MAX_MB}", seeds, work]
    done = subprocess.run(command, capture_output=True, cwd=WORK, check=False)
    print(f"{name:24} {before} seeds, {len(os.listdir(seeds)) - before} added"
          f"{'' if done.returncode == 0 else ', FAILED'}", flush=True)
    return done.returncode == 0


def main(arguments):
    is_merge = arguments[:1] == ["--merge"]
    rest = arguments[1:] if is_merge else arguments
    seconds = 60 if is_merge or not rest else int(rest.pop(0))
    names = list(target_names(rest[0] if rest else ""))
    if not names or len(rest) > 1:
        print("fuzz: no such target", file=sys.stderr)
        return 2
    os.makedirs(WORK, exist_ok=True)
    if is_merge:
        return 0 if all([merge(name) for name in names]) else 1
    print(f"{'target':24} {'CPU s':>8} {'execs':>12} {'cov':>7}  result", flush=True)
    return 0 if all([fuzz(name, seconds) for name in names]) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
