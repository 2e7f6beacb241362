"""Webhooks: an endpoint of a box hears of its uploads, by a signed request that the worker sends."""
