#!/usr/bin/env python3
"""Reads every #include of src/ and test/kit/ and refuses an arrow that tools/rooms.json does not allow.

    tools/rooms.py              check this tree
    tools/rooms.py --self-test  check this program on made-up trees

Prints each wrong arrow as file:line with the reason and exits 1; closes with
"rooms: N files, M includes, ok".
"""
import fnmatch
import json
import os
import re
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:<([^>]+)>|"([^"]+)")')


def load_table():
    with open(os.path.join(HERE, "rooms.json"), encoding="utf-8") as f:
        return json.load(f)


def table_faults(table):
    """What is wrong with the table itself."""
    order = table["order"]
    if sorted(order) != sorted(table["uses"]):
        yield "rooms.json: order and uses do not name the same rooms"
        return
    for room, uses in table["uses"].items():
        for other in uses if uses != "*" else []:
            if other not in order or order.index(other) >= order.index(room):
                yield f"rooms.json: {room} uses {other}, which does not stand before it"


def library_of(table, header):
    for library, rule in table["headers"].items():
        for name in rule["names"]:
            if header == name or (name.endswith("/") and header.startswith(name)):
                return library, rule
    return None, None


def system_fault(table, room, is_test, header):
    """Why <header> may not stand in this file, or None."""
    library, rule = library_of(table, header)
    if rule is None:
        return f"<{header}> is in no list of rooms.json"
    if rule["rooms"] == "*" or room in rule["rooms"] or (is_test and rule.get("tests")):
        return None
    return f"{room} may not use {library} (<{header}>); {', '.join(rule['rooms']) or 'tests'} may"


def own_fault(table, root, room, is_test, header):
    """Why "header" may not stand in this file, or None."""
    if "/" not in header:
        return f'"{header}" does not name its room: write "{room}/{header}"'
    target = header.split("/")[0]
    uses = table["kit_uses"] if room == "kit" else table["uses"][room]
    is_allowed = uses == "*" and target != "kit" or target == room or target in uses
    if not is_allowed and not (is_test and target in table["test_uses"]):
        return f"{room} may not include {target} (\"{header}\"); it may include {', '.join(uses) or 'no room'}"
    if header.endswith("_int.h") and target != room:
        return f'"{header}" is private to {target}'
    folder = "test" if target == "kit" else "src"
    if not os.path.exists(os.path.join(root, folder, header)):
        return f'"{header}" does not exist'
    return None


def sources(root, table):
    """(path, room) of each C file; an unknown room gives None."""
    folders = [(os.path.join("test", "kit"), "kit")]
    src = os.path.join(root, "src")
    folders += [(os.path.join("src", name), name) for name in sorted(os.listdir(src))]
    for folder, room in folders:
        for where, _, names in os.walk(os.path.join(root, folder)):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    path = os.path.relpath(os.path.join(where, name), root)
                    yield path, room if room == "kit" or room in table["uses"] else None


def is_test_file(table, path):
    return any(fnmatch.fnmatchcase(os.path.basename(path), pattern) for pattern in table["test_files"])


def check(root, table):
    """(files, includes, faults) of a tree."""
    file_count, include_count, faults = 0, 0, list(table_faults(table))
    for path, room in sources(root, table):
        file_count += 1
        if room is None:
            faults.append(f"{path}:1: this folder is no room of rooms.json")
            continue
        is_test = room == "kit" or is_test_file(table, path)
        with open(os.path.join(root, path), encoding="utf-8") as f:
            for number, line in enumerate(f, 1):
                found = INCLUDE.match(line)
                if not found:
                    continue
                include_count += 1
                if found[1]:
                    fault = system_fault(table, room, is_test, found[1])
                else:
                    fault = own_fault(table, root, room, is_test, found[2])
                if fault:
                    faults.append(f"{path}:{number}: {fault}")
    return file_count, include_count, faults


SELF_TESTS = [  # file, its one line, part of the complaint or None
    ("src/sip/uri.c", '#include "base/str.h"', None),
    ("src/sip/uri.c", '#include "sip/uri_int.h"', None),
    ("src/sip/uri.c", '#  include <string.h>', None),
    ("src/sip/uri.c", '/* #include "net/loop.h" */', None),
    ("src/sip/uri.c", '#include "net/loop.h"', "sip may not include net"),
    ("src/base/str.c", '#include "sip/uri.h"', "base may not include sip"),
    ("src/sip/uri.c", '#include "uri.h"', 'write "sip/uri.h"'),
    ("src/sip/uri.c", '#include "base/gone.h"', "does not exist"),
    ("src/siptx/stack.c", '#include "sip/uri_int.h"', "private to sip"),
    ("src/app/main.c", '#include "net/loop.h"', None),
    ("src/app/main.c", '#include "kit/kit.h"', "app may not include kit"),
    ("src/app/main.c", '#include "sip/uri_int.h"', "private to sip"),
    ("src/sip/uri.c", '#include "kit/kit.h"', "sip may not include kit"),
    ("src/sip/uri_test.c", '#include "kit/kit.h"', None),
    ("src/store/contract.c", '#include "kit/kit.h"', None),
    ("src/sip/uri_fuzz.c", '#include "net/loop.h"', "sip may not include net"),
    ("src/sip/uri.c", "#include <event2/event.h>", "may not use libevent"),
    ("src/net/loop.c", "#include <event2/event.h>", None),
    ("src/call/call.c", "#include <openssl/ssl.h>", "may not use OpenSSL"),
    ("src/admin/api.c", "#include <sqlite3.h>", "may not use SQLite"),
    ("src/store/sqlite.c", "#include <sqlite3.h>", None),
    ("src/jose/jws.c", "#include <sys/socket.h>", "may not use sockets"),
    ("src/jose/jws_test.c", "#include <cjose/cjose.h>", None),
    ("src/jose/jws.c", "#include <cjose/cjose.h>", "tests may"),
    ("src/jose/jws.c", "#include <zlib.h>", "in no list"),
    ("src/cellar/wine.c", "#include <string.h>", "no room"),
    ("test/kit/fake.c", '#include "base/log.h"', None),
    ("test/kit/fake.c", "#include <dirent.h>", None),
    ("test/kit/fake.c", '#include "sip/uri.h"', "kit may not include sip"),
]


def check_one(table, path, line):
    with tempfile.TemporaryDirectory() as root:
        for name in ["src/base/str.h", "src/base/log.h", "src/sip/uri.h", "src/sip/uri_int.h", "src/net/loop.h",
                     "test/kit/kit.h", path]:
            os.makedirs(os.path.dirname(os.path.join(root, name)), exist_ok=True)
            with open(os.path.join(root, name), "w", encoding="utf-8") as f:
                f.write("\n" + line + "\n" if name == path else "")
        return check(root, table)[2]


def self_test(table):
    failures = 0
    for path, line, want in SELF_TESTS:
        faults = check_one(table, path, line)
        right = not faults if want is None else len(faults) == 1 and want in faults[0]
        if want and right and "no room" not in want:
            right = faults[0].startswith(f"{path}:2: ")
        if not right:
            failures += 1
            print(f"self-test: {path}: {line}: wanted {want!r}, got {faults}")
    backwards = json.loads(json.dumps(table))
    backwards["uses"]["base"] = ["sip"]
    if not list(table_faults(backwards)):
        failures += 1
        print("self-test: an arrow backwards in the table went unnoticed")
    print(f"rooms self-test: {len(SELF_TESTS) + 1} cases, {'ok' if failures == 0 else f'{failures} failed'}")
    return 1 if failures else 0


def main(arguments):
    table = load_table()
    if arguments == ["--self-test"]:
        return self_test(table)
    if arguments:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    file_count, include_count, faults = check(os.path.dirname(HERE), table)
    for fault in faults:
        print(fault)
    result = "ok" if not faults else f"{len(faults)} wrong"
    print(f"rooms: {file_count} files, {include_count} includes, {result}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
