"""The storage of bytes. This package imports nothing else of Mayfly."""
