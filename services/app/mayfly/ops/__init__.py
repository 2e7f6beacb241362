"""For operators: health, preflight, release, and the periodic work without a broker."""
