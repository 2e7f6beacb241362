"""Where bytes are kept. This package imports nothing else of Mayfly."""
