"""`mayfly`: hand files over from a terminal, through any Mayfly server."""

__version__ = "0.1.0"
