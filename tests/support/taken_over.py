"""A decoder that its input has taken over, as a program of its own: taken_over.py FOLDER WALLS PORT FILE

It runs where the first byte of the input would be read, with all that the input could do there. WALLS is `walled` or
`open` for an image, `page` for a PDF, and `lines` for a text. It prints as JSON what became of each act: `done`, or the
name of the error.
"""

import codecs
import ctypes
import errno
import json
import mmap
import os
import resource
import socket
import sys
import threading
from collections.abc import Callable

FOLDER, WALLS, PORT, FILE = sys.argv[1:]
PARENT = os.getppid()
libc = ctypes.CDLL(None, use_errno=True)


def call(function: Callable[..., int], *arguments: object) -> None:
    """Call a function of the C library."""
    if function(*arguments) == -1:
        raise OSError(ctypes.get_errno(), "")


def connect() -> None:
    with socket.socket() as found:
        found.connect(("127.0.0.1", int(PORT)))


def become_another() -> None:
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)


def work() -> None:
    """Use memory, a thread and the standard output, as decoding does."""
    mmap.mmap(-1, 10_000_000).close()
    thread = threading.Thread(target=os.sched_yield)
    thread.start()
    thread.join()
    os.write(1, b"")


ACTS: dict[str, Callable[[], object]] = {
    "its own work": work,
    "its own environment": lambda: open("/proc/self/environ").close(),
    "the first process's environment": lambda: open("/proc/1/environ").close(),
    "the parent's environment": lambda: open(f"/proc/{PARENT}/environ").close(),
    "a file of the system": lambda: open("/etc/passwd").close(),
    "a folder": lambda: os.listdir("/"),
    "a connection": connect,
    "a local socket": lambda: socket.socket(socket.AF_UNIX).close(),
    "a pipe": os.pipe,
    "a copy of a descriptor": lambda: os.dup(0),
    "a file in memory": lambda: os.memfd_create("x"),
    "another process": become_another,
    "more open files": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (9, 9)),
    "the parent's signals": lambda: os.kill(PARENT, 0),
    "a thread's signals": lambda: call(libc.tgkill, PARENT, PARENT, 0),
    "the parent's limits": lambda: resource.prlimit(PARENT, resource.RLIMIT_NOFILE),
    "the parent's memory": lambda: call(libc.process_vm_readv, PARENT, 0, 0, 0, 0, 0),
    "the parent's place": lambda: os.sched_setaffinity(PARENT, os.sched_getaffinity(0)),
    "a file's mode": lambda: os.chmod(FILE, 0o600),
    "a file's name": lambda: os.rename(FILE, FILE),
    "a file's end": lambda: os.truncate(FILE, 0),
    "a file's removal": lambda: os.unlink(FILE),
    "another folder": lambda: os.chdir("/"),
    "another program": lambda: os.execv("/bin/true", ["true"]),  # noqa: S606  (last, since it would end this one)
}


def take_over(*_: object, **__: object) -> None:
    results = {}
    for name, act in ACTS.items():
        try:
            act()
            results[name] = "done"
        except OSError as error:
            results[name] = errno.errorcode[error.errno]
        except ValueError:  # as setrlimit shows it
            results[name] = "EPERM"
        if name == "a file's removal":
            os.write(1, json.dumps(results).encode())  # before the last two, which could end it
    os._exit(7)


sys.path.insert(0, FOLDER)
import decoder  # noqa: E402
import pyvips  # noqa: E402
import reader  # noqa: E402

if WALLS == "open":
    decoder.walls.only_compute = lambda: None
pyvips.Image.new_from_source = reader.page_of = codecs.utf_8_decode = take_over
if WALLS in ("page", "lines"):
    sys.argv = ["reader.py", reader.PDF if WALLS == "page" else reader.TEXT]
    reader.main()
sys.argv = ["decoder.py", "image/jpeg", "100"]
decoder.main()
