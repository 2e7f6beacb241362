"""The walls around a decoder: limits on its time, memory and output, and a list of the system calls that it may make.

`decoder.py` and `reader.py` load it by its path. It imports nothing of ours.
"""

import ctypes
import errno
import os
import resource
import signal
import struct
import sys
from contextlib import suppress

# The slowest image within the limits takes 3 s of processor time; a slow machine gets three times that.
PROCESSOR_SECONDS = 10
# A preview has some 50 KB, and the image itself is never written out.
MOST_OUTPUT = 2_000_000

LINUX = sys.platform.startswith("linux")
# The machines whose system calls we know: the place of their numbers in CALLS, and their name in linux/audit.h.
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
# The system calls of a decoder at work: memory, threads, time, and what it does with its open files. The
# numbers are those of asm/unistd.h.
CALLS = {
    "brk": (12, 214),
    "clock_gettime": (228, 113),
    "clock_nanosleep": (230, 115),
    "close": (3, 57),
    "exit": (60, 93),
    "exit_group": (231, 94),
    "flock": (73, 32),
    "fstat": (5, 80),
    "futex": (202, 98),
    "getpid": (39, 172),
    "getrandom": (318, 278),
    "gettid": (186, 178),
    "gettimeofday": (96, 169),
    "lseek": (8, 62),
    "madvise": (28, 233),
    "membarrier": (324, 283),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "mremap": (25, 216),
    "munmap": (11, 215),
    "nanosleep": (35, 101),
    "read": (0, 63),
    "restart_syscall": (219, 128),
    "rseq": (334, 293),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sched_getaffinity": (204, 123),
    "sched_yield": (24, 124),
    "set_robust_list": (273, 99),
    "sigaltstack": (131, 132),
    "write": (1, 64),
}
# These are allowed or not by their first argument.
CLONE, PRLIMIT, TGKILL = (56, 220), (302, 261), (234, 131)
CLONE3 = (435, 435)
SECCOMP = (317, 277)


def restrict() -> None:
    """Limit this process to what one image needs."""
    # A worker restart signals every process. Ignore it: we finish in seconds, and being killed would count as a
    # failed attempt.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(10)  # removals come first
    limit("RLIMIT_CPU", PROCESSOR_SECONDS, PROCESSOR_SECONDS + 1)
    limit("RLIMIT_FSIZE", MOST_OUTPUT, MOST_OUTPUT)
    limit("RLIMIT_CORE", 0, 0)
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("1000")  # if the container runs out of memory all the same, this dies and not the worker


def limit(name: str, soft: int, hard: int) -> None:
    """Set a limit of the kernel's. Raises ValueError, OSError where Linux refuses it.

    Another system may lack one, or refuse to lower it. There is no container around this process there either: on such
    a machine Mayfly is for its owner alone.
    """
    try:
        resource.setrlimit(getattr(resource, name), (soft, hard))
    except (AttributeError, OSError, ValueError):
        if LINUX:
            raise


def limit_memory(size: int) -> None:
    """Let this process have at most `size` bytes of private memory."""
    limit("RLIMIT_DATA", size, size)


def only_compute() -> None:
    """Give up all but computing and the open files, for good and in every thread.

    No file, socket or pipe can be opened, and no program started that has more rights. On the machines that we know,
    the kernel refuses every system call but CALLS, if it lets a process without privileges ask for that; a container's
    or Heroku's does.
    """
    limit("RLIMIT_NOFILE", 0, 0)
    if not LINUX:
        return
    libc = ctypes.CDLL(None)
    one, zero = ctypes.c_ulong(1), ctypes.c_ulong(0)
    libc.prctl(38, one, zero, zero, zero)  # PR_SET_NO_NEW_PRIVS, without which the kernel takes no filter
    machine = os.uname().machine
    if machine in MACHINES and sys.maxsize > 2**32:
        rules = filter_for(machine, os.getpid())
        memory = ctypes.create_string_buffer(rules)
        program = struct.pack("HP", len(rules) // 8, ctypes.addressof(memory))
        # SECCOMP_SET_MODE_FILTER, for every thread (SECCOMP_FILTER_FLAG_TSYNC)
        libc.syscall(ctypes.c_long(SECCOMP[MACHINES[machine][0]]), one, one, program)


def filter_for(machine: str, pid: int) -> bytes:
    """A program for seccomp(2) that refuses all but CALLS: instructions of 8 bytes each, as linux/filter.h has them."""
    place, architecture = MACHINES[machine]
    load, equal, any_bit, answer = 0x20, 0x15, 0x45, 0x06
    number, its_machine, argument = 0, 4, 16  # where struct seccomp_data has them, on a little-endian machine
    allow, refuse, kill = 0x7FFF0000, 0x00050000, 0x80000000
    refused, unknown = refuse | errno.EPERM, refuse | errno.ENOSYS

    def instruction(code: int, value: int, skip_if: int = 0, skip_else: int = 0) -> bytes:
        return struct.pack("HBBI", code, skip_if, skip_else, value)

    def if_called(call: tuple[int, int], *then: bytes) -> list[bytes]:
        return [instruction(equal, call[place], skip_else=len(then)), *then]

    def if_argument(code: int, value: int) -> list[bytes]:
        return [
            instruction(load, argument),
            instruction(code, value, skip_else=1),
            instruction(answer, allow),
            instruction(answer, refused),
        ]

    program = [
        instruction(load, its_machine),
        instruction(equal, architecture, skip_if=1),
        instruction(answer, kill),
        instruction(load, number),
    ]
    for call in CALLS.values():
        program += if_called(call, instruction(answer, allow))
    program += if_called(CLONE, *if_argument(any_bit, 0x10000))  # CLONE_THREAD: a thread, and no process
    program += if_called(PRLIMIT, *if_argument(equal, 0))  # our own limits
    program += if_called(TGKILL, *if_argument(equal, pid))  # abort() signals itself
    # Its flags are in memory, where a filter cannot look. The C library takes `clone` instead.
    program += if_called(CLONE3, instruction(answer, unknown))
    program.append(instruction(answer, refused))
    return b"".join(program)
