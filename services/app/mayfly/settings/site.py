"""The address of the site as people see it, and what follows from it alone."""

import re

from . import variables

# Scheme, host and port, without a slash at the end; empty if each request may name its own.
SITE_URL = variables.origin("SITE_URL", default="")
BY_HTTPS = SITE_URL.startswith("https://")
# The site's name without the port. Probes from inside, and proxies on this machine, use the other two.
SITE_HOSTS = [re.sub(r"^https?://|:[0-9]+$", "", SITE_URL), "127.0.0.1", "localhost"] if SITE_URL else []
# A proxy in front may pass on another Host than the one in the address bar, but the browser's Origin stays.
CSRF_TRUSTED_ORIGINS = [SITE_URL] if SITE_URL else []
