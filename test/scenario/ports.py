"""Free loopback ports: blocks of 16 between 10000 and 32767, below what the system gives out by itself
and inside what a node takes (1024-49151). A block belongs to one process at a time: it holds a lock
on a file named after it, so that test programs running side by side never get the same port twice."""
import fcntl
import os
import random
import socket
import tempfile

FIRST, LAST, BLOCK = 10000, 32752, 16
_held = []  # descriptors of lock files; the locks go with the process
_spare = []


def _is_free(port):
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(family, kind) as s:
                if kind == socket.SOCK_STREAM:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    s.bind((address, port))
                except OSError as e:
                    if family == socket.AF_INET6 and e.errno in (97, 99):
                        continue  # no IPv6 here
                    return False
    return True


def _claim_block():
    folder = os.path.join(tempfile.gettempdir(), f"bearline-test-ports-{os.getuid()}")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    starts = list(range(FIRST, LAST, BLOCK))
    random.shuffle(starts)
    for start in starts:
        lock = os.open(os.path.join(folder, str(start)), os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            continue
        _held.append(lock)
        _spare.extend(p for p in range(start, start + BLOCK) if _is_free(p))
        return
    raise RuntimeError("no free ports")


def take(count=1):
    """That many ports nobody else has; a number alone when it is one."""
    while len(_spare) < count:
        _claim_block()
    taken = [_spare.pop() for _ in range(count)]
    return taken[0] if count == 1 else taken
