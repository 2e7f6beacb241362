"""Attacks and failures that have hurt services of this kind. docs/threats.md lists the cases by number."""
