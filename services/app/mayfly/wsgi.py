"""The application that gunicorn serves."""

from mayfly import settings

settings.choose()

from django.core.wsgi import get_wsgi_application  # noqa: E402  (Django reads the settings at import)

application = get_wsgi_application()
