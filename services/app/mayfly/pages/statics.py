"""Which static files are collected: all that a page may load, and no others."""

from django.contrib.staticfiles.apps import StaticFilesConfig


class StaticFiles(StaticFilesConfig):
    """Leaves out what django-ninja has for its other page of the API, and the source map of Swagger UI's script.

    They are three quarters of all static files, and most of the time that it takes to hash and compress them.
    """

    ignore_patterns = [*StaticFilesConfig.ignore_patterns, "redoc*", "*.js.map"]
