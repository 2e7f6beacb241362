"""Visitors: which box a request belongs to, and which address it comes from."""
