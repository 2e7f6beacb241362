"""Visitors: the box and the address of a request."""
