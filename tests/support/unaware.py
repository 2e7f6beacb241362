#!/usr/bin/env python3
"""Chromium that does not learn of changes of the machine's networks: unaware.py ARGUMENT...

Chromium ends what it is loading with ERR_NETWORK_CHANGED when a network interface comes or goes, those of Docker's
containers included, and suites start and stop containers beside each other. Here the kernel refuses it the sockets that
tell of interfaces, so Chromium takes the network as always there.
"""

import ctypes
import errno
import os
import shutil
import socket
import struct
import sys

# The number of socket(2) on each machine, from asm/unistd.h.
SOCKET = {"x86_64": 41, "aarch64": 198}


def refuse_netlink() -> None:
    """Let no netlink socket be opened by this process or by what it becomes; Linux on a machine that we know."""
    number = SOCKET.get(os.uname().machine)
    if not sys.platform.startswith("linux") or number is None:
        return
    load, equal, answer = 0x20, 0x15, 0x06  # linux/bpf_common.h
    instructions = [
        (load, 0, 0, 0),  # the number of the call
        (equal, 0, 3, number),
        (load, 0, 0, 16),  # its first argument
        (equal, 0, 1, socket.AF_NETLINK),
        (answer, 0, 0, 0x00050000 | errno.EAFNOSUPPORT),  # SECCOMP_RET_ERRNO
        (answer, 0, 0, 0x7FFF0000),  # SECCOMP_RET_ALLOW
    ]
    rules = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *instruction) for instruction in instructions))
    program = struct.pack("HP", len(instructions), ctypes.addressof(rules))
    libc = ctypes.CDLL(None)
    one, zero = ctypes.c_ulong(1), ctypes.c_ulong(0)
    libc.prctl(38, one, zero, zero, zero)  # PR_SET_NO_NEW_PRIVS, without which the kernel takes no filter
    libc.prctl(22, ctypes.c_ulong(2), program, zero, zero)  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER


if __name__ == "__main__":
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    assert chromium, "These tests need a browser: apt-get install chromium"
    refuse_netlink()
    os.execv(chromium, [chromium, *sys.argv[1:]])  # noqa: S606  (it needs no shell)
