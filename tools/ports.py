"""Ports of this machine."""

import socket
import sys


def number(text: str, name: str) -> int:
    """The port that a variable names. Ends the program with a sentence if it cannot be one."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        sys.exit(f"{name} is {text!r}, and has to be a number from 1 to 65535.")
    return int(text)


def obstacle(port: int, host: str = "127.0.0.1") -> str:
    """Why no server can listen on this port of an address, in the system's words; empty if one can."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((host, port))
        except OSError as error:
            return error.strerror or str(error)
    return ""
