from django.apps import AppConfig


class AbuseConfig(AppConfig):
    """The label names the tables and the migrations."""

    name = "mayfly.abuse"
    label = "abuse"
