"""For a site that people reach by HTTPS: cookies for this host alone, and browsers that ask for nothing else."""

# With this prefix a browser takes a cookie from this host alone, by TLS, and for no part of the site only. So a
# neighbour on the same domain can give no visitor a cookie of its own choice.
COOKIE_PREFIX = "__Host-"
CSRF_COOKIE_NAME, SESSION_COOKIE_NAME = f"{COOKIE_PREFIX}csrftoken", f"{COOKIE_PREFIX}sessionid"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = True
# Reads the names without the prefix, for a while.
OLD_NAMES = "mayfly.visitors.cookies.OldNames"
SECURE_HSTS_SECONDS = 31_536_000  # a year, the least that browsers' preload lists accept
