"""Pages of other sites that may use the API (CORS): none, unless API_ORIGINS names some."""

from . import variables

# They use it with a token in a header, as a program does: `api.auth` ignores the cookie of their requests, and the
# answers do not allow credentials.
API_ORIGINS = variables.origins("API_ORIGINS")
CORS_ALLOWED_ORIGINS = API_ORIGINS
# The API, and the addresses of parts where web itself is the storage. A bucket has a CORS rule of its own.
CORS_URLS_REGEX = "^/(api|storage)/"
CORS_ALLOW_METHODS = ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"]
CORS_ALLOW_HEADERS = ["accept-language", "authorization", "content-type", "idempotency-key"]
CORS_EXPOSE_HEADERS = ["ETag", "Retry-After", "X-Being-Deleted"]
CORS_PREFLIGHT_MAX_AGE = 3600  # seconds, as the bucket's rule has them
# Before all that answers by itself, so that a page can read every error.
CORS_MIDDLEWARE = ["corsheaders.middleware.CorsMiddleware"] if API_ORIGINS else []
