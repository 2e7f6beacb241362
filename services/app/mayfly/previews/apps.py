from django.apps import AppConfig


class PreviewsConfig(AppConfig):
    name = "mayfly.previews"

    def ready(self) -> None:
        from ..uploads import events
        from .announce import announce

        events.ready.connect(announce)
        events.cleared.connect(announce)
