"""Mail to the operator, and how people reach the operator."""

from urllib.parse import unquote, urlsplit

from . import variables

# Plain, with STARTTLS, and with TLS from the start; each with its usual port.
_PORTS = {"smtp": 25, "submission": 587, "smtps": 465}

# Reports of uploads go to this address, if there is a server to send them by.
ABUSE_MAIL = variables.mail("ABUSE_MAIL")
# Where people report a weakness, as a URI; security.txt names it.
SECURITY_CONTACT = variables.contact("SECURITY_CONTACT", default=ABUSE_MAIL)
EMAIL_URL = variables.url("EMAIL_URL", schemes=tuple(_PORTS), default="")
DEFAULT_FROM_EMAIL = variables.mail("MAIL_FROM", default=ABUSE_MAIL)
if EMAIL_URL:
    if not ABUSE_MAIL:
        variables.fail("ABUSE_MAIL", "is missing, although EMAIL_URL is set")
    _server = urlsplit(EMAIL_URL)
    EMAIL_HOST = _server.hostname or "localhost"
    EMAIL_PORT = _server.port or _PORTS[_server.scheme]
    EMAIL_HOST_USER = unquote(_server.username or "")
    EMAIL_HOST_PASSWORD = unquote(_server.password or "")
    EMAIL_USE_TLS = _server.scheme == "submission"
    EMAIL_USE_SSL = _server.scheme == "smtps"
    EMAIL_TIMEOUT = 5  # for each answer of the server; a task has 20 s in all
