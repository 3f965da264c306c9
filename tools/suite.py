#!/usr/bin/env python3
"""Runs the test suite; started by script/test, which documents the options.

Counts are those of the tests themselves: each cmocka case, each replayed corpus, each unittest
method, each lint check. A test program that dies counts as one failure more.

Scenario programs (test/scenario/test_*.py) find in their environment
    BEARLINE_BUILD     the build folder with the programs to start
    BEARLINE_VARIANT   gcc, asan or tsan
    BEARLINE_PATIENCE  by how much to stretch time limits under this variant (1, 3, 6)
A scenario with a line "# suite: threads" also runs under the thread sanitizer.
"""
import argparse
import concurrent.futures
import glob
import json
import os
import re
import signal
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SUPPRESSIONS = os.path.join(ROOT, "test", "suppressions")
SCENARIO_LIMIT_S = 180
SCENARIOS_AT_ONCE = 2
PATIENCE = {"gcc": 1, "asan": 3, "tsan": 6}
BUILD_OPTION = {"gcc": [], "asan": ["--asan"], "tsan": ["--tsan"]}


def sanitizer_environment(log_path=None):
    """Every finding ends the program; with log_path findings also lie in files of that name."""
    log = f":log_path={log_path}" if log_path else ""
    options = {
        "ASAN_OPTIONS": "halt_on_error=1:detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1" + log,
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1" + log,
        "LSAN_OPTIONS": "print_suppressions=0",
        "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1" + log,
    }
    for name in ("lsan", "tsan"):
        path = os.path.join(SUPPRESSIONS, name)
        if os.path.exists(path):
            options[f"{name.upper()}_OPTIONS"] += f":suppressions={path}"
    return options


class Tally:
    """What passed, and what failed with where to read about it."""

    def __init__(self):
        self.passed = 0
        self.failures = []

    def fail(self, name, log):
        self.failures.append((name, log))


class Step:
    """Prints what is done, then how it went and how long it took."""

    def __init__(self, title, tally):
        self.title, self.tally = title, tally

    def __enter__(self):
        self.start, self.passed, self.failed = time.monotonic(), self.tally.passed, len(self.tally.failures)
        return self

    def __exit__(self, *_):
        passed, failed = self.tally.passed - self.passed, len(self.tally.failures) - self.failed
        print(f"{self.title}: {passed} passed, {failed} failed, {time.monotonic() - self.start:.1f} s", flush=True)


def run_logged(command, log, **options):
    os.makedirs(os.path.dirname(log), exist_ok=True)
    with open(log, "wb") as f:
        return subprocess.run(command, stdout=f, stderr=subprocess.STDOUT, cwd=ROOT, **options).returncode


def build(variant, tally):
    """The build folder, or None when it failed."""
    folder = os.path.join(ROOT, "build" if variant == "gcc" else f"build-{variant}")
    log = os.path.join(ROOT, "build-logs", f"build-{variant}.log")
    start = time.monotonic()
    code = run_logged([os.path.join(ROOT, "script", "build"), *BUILD_OPTION[variant]], log)
    if code != 0:
        with open(log, encoding="utf-8", errors="replace") as f:
            print("".join(f.readlines()[-40:]))
        tally.fail(f"build {variant}", log)
    print(f"build {variant}: {'ok' if code == 0 else 'FAILED'}, {time.monotonic() - start:.1f} s", flush=True)
    return folder if code == 0 else None


# --- unit tests and replayed corpora --------------------------------------------------------------


def meson_tests(folder, suites, only):
    listed = json.loads(subprocess.check_output(["meson", "introspect", folder, "--tests"]))
    names = []
    for test in listed:
        if any(s.split(":")[-1] in suites for s in test["suite"]) and only.search(test["name"]):
            names.append(test["name"])
    return names


def tally_program(record, variant, log, tally):
    """One test program's record in meson's log: its cases, or itself where it has none."""
    passed, failed = 0, []
    for line in record["stdout"].splitlines():
        case = re.match(r"(not )?ok \d+ - (\S+)", line)
        if case and case[1]:
            failed.append(case[2])
        elif case:
            passed += 1
    is_ok = record["result"] in ("OK", "EXPECTEDFAIL")
    if is_ok and passed == 0:
        passed = 1
    if not is_ok and not failed:
        failed.append(f"({record['result'].lower()})")
    tally.passed += passed
    for case in failed:
        tally.fail(f"{variant} {record['name']} {case}", log)


def address_layout_fixed(folder):
    """A prefix for programs that the thread sanitizer's memory map needs on some kernels."""
    probe = os.path.join(folder, "src", "base", "base_list_test")
    for prefix in ([], ["setarch", os.uname().machine, "-R"]):
        runs = [subprocess.run(prefix + [probe], capture_output=True, check=False).returncode for _ in range(5)]
        if not any(runs):
            return prefix
    return []


def run_meson(variant, folder, suites, only, prefix, tally):
    names = meson_tests(folder, suites, only)
    if not names:
        return
    log = os.path.join(folder, "meson-logs", "testlog.json")
    if os.path.exists(log):
        os.remove(log)
    environment = os.environ | sanitizer_environment() | {
        "CMOCKA_MESSAGE_OUTPUT": "tap", "KIT_DATA": os.path.join(ROOT, "data")}
    command = [*prefix, "meson", "test", "-C", folder, "--no-rebuild", "--num-processes", str(os.cpu_count() or 2),
               "--timeout-multiplier", str(PATIENCE[variant] * 2), *names]
    with Step(f"unit and replay {variant}", tally):
        run_logged(command, os.path.join(ROOT, "build-logs", f"meson-test-{variant}.log"), env=environment)
        records = []
        if os.path.exists(log):
            with open(log, encoding="utf-8") as f:
                records = [json.loads(line) for line in f]
        for record in records:
            record["name"] = record["name"].split(" / ")[-1]  # without project and suite
            tally_program(record, variant, os.path.join(folder, "meson-logs", "testlog.txt"), tally)
        ran = {record["name"] for record in records}
        for name in names:
            if name not in ran:
                tally.fail(f"{variant} {name} (did not run)", os.path.join(ROOT, "build-logs"))


# --- scenarios ------------------------------------------------------------------------------------


def run_limited(command, log, environment, limit_s, cwd):
    """Exit status, or None after the limit; the whole process group goes then."""
    with open(log, "wb") as f:
        process = subprocess.Popen(command, stdout=f, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                   env=environment, cwd=cwd, start_new_session=True)
        try:
            return process.wait(limit_s)
        except subprocess.TimeoutExpired:
            f.write(f"\ntime limit of {limit_s} s reached\n".encode())
            return None
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()


def read_scenario(log, code):
    """(passed, skipped, failed names) from what unittest -v printed."""
    with open(log, encoding="utf-8", errors="replace") as f:
        text = f.read()
    failed = re.findall(r"^(?:FAIL|ERROR): (\S+)", text, re.M)
    failed += re.findall(r"^(\S+) \(.*\) \.\.\. unexpected success$", text, re.M)
    ran = re.search(r"^Ran (\d+) tests? in", text, re.M)
    skipped = re.search(r"skipped=(\d+)", text)
    skipped = int(skipped[1]) if skipped else 0
    is_clean = code == 0 and ran is not None
    if not is_clean and not failed:
        failed = ["(time limit)" if code is None else f"(exit status {code})"]
    named = len({name for name in failed if name.startswith("test")})  # sub-tests fail more than once
    return max(0, int(ran[1]) - skipped - named) if ran else 0, skipped, failed


def run_scenario(path, chosen, variant, folder, prefix):
    name = os.path.basename(path)[:-3]
    logs = os.path.join(folder, "scenario-logs")
    log, findings = os.path.join(logs, name + ".log"), os.path.join(logs, name + ".sanitizer")
    for old in glob.glob(findings + ".*"):
        os.remove(old)
    environment = os.environ | sanitizer_environment(findings) | {
        "BEARLINE_BUILD": folder, "BEARLINE_VARIANT": variant, "BEARLINE_PATIENCE": str(PATIENCE[variant]),
        "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
    command = [*prefix, sys.executable, "-m", "unittest", "-v"]
    for test in chosen:
        command += ["-k", f"*.{test}"]
    start = time.monotonic()
    code = run_limited(command + [name], log, environment, SCENARIO_LIMIT_S * PATIENCE[variant], os.path.dirname(path))
    passed, skipped, failed = read_scenario(log, code)
    found = sorted(glob.glob(findings + ".*"))
    return name, log, passed, skipped, failed, found, time.monotonic() - start


def scenario_paths(only, threads_only):
    """(file, tests chosen in it) of each scenario that matches; no tests: all of the file."""
    for path in sorted(glob.glob(os.path.join(ROOT, "test", "scenario", "test_*.py"))):
        with open(path, encoding="utf-8") as f:
            text = f.read()
        if threads_only and not re.search(r"^# suite: threads\b", text, re.M):
            continue
        tests = [test for test in re.findall(r"def (test\w*)\(", text) if only.search(test)]
        if only.search(os.path.basename(path)[:-3]):
            yield path, []
        elif tests:
            yield path, tests


def run_scenarios(variant, folder, only, prefix, tally):
    scenarios = list(scenario_paths(only, variant == "tsan"))
    if not scenarios:
        return
    os.makedirs(os.path.join(folder, "scenario-logs"), exist_ok=True)
    with Step(f"scenarios {variant}", tally), concurrent.futures.ThreadPoolExecutor(SCENARIOS_AT_ONCE) as pool:
        jobs = [pool.submit(run_scenario, path, chosen, variant, folder, prefix) for path, chosen in scenarios]
        for job in concurrent.futures.as_completed(jobs):
            name, log, passed, skipped, failed, found, took_s = job.result()
            tally.passed += passed
            for case in failed:
                tally.fail(f"{variant} {name} {case}", log)
            for path in found:
                tally.fail(f"{variant} {name} (sanitizer)", path)
            note = f", {skipped} skipped" if skipped else ""
            print(f"  {name}: {passed} passed, {len(failed) + len(found)} failed{note}, {took_s:.1f} s", flush=True)


# --- lint and the whole ---------------------------------------------------------------------------


def run_lint(tally):
    log = os.path.join(ROOT, "build-logs", "lint.log")
    with Step("lint", tally):
        code = run_logged([os.path.join(ROOT, "script", "lint")], log)
        with open(log, encoding="utf-8", errors="replace") as f:
            text = f.read()
        failed = re.findall(r"^lint: (\S+) FAILED$", text, re.M)
        tally.passed += len(re.findall(r"^lint: \S+ ok$", text, re.M))
        for name in failed or (["(did not run)"] if code else []):
            tally.fail(f"lint {name}", log)
        if code:
            print(text)


def run_variant(variant, arguments, tally):
    folder = build(variant, tally)
    if not folder:
        return
    suites = {"unit"} if variant == "tsan" else {"unit", "replay", "sim"}
    prefix = address_layout_fixed(folder) if variant == "tsan" else []
    run_meson(variant, folder, suites, arguments.only, prefix, tally)
    if not arguments.unit:
        run_scenarios(variant, folder, arguments.only, prefix, tally)


def main():
    parser = argparse.ArgumentParser(prog="script/test")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--unit", action="store_true")
    parser.add_argument("--only", type=re.compile, default=re.compile(""), metavar="REGEX")
    parser.add_argument("--lint", action="store_true")
    arguments = parser.parse_args()
    tally, start = Tally(), time.monotonic()
    if arguments.lint:
        run_lint(tally)
    for variant in ["gcc"] if arguments.quick else ["gcc", "asan", "tsan"]:
        run_variant(variant, arguments, tally)
    if tally.passed == 0 and not tally.failures:
        tally.fail("no test matches", "-")
    for name, log in tally.failures:
        print(f"FAILED {name}\n    {log}")
    print(f"all: {time.monotonic() - start:.1f} s")
    print(f"{tally.passed} passed, {len(tally.failures)} failed", flush=True)
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
