"""Rules for browsers on our pages, and the request headers that we trust."""

from . import platform, variables
from .storages import STATIC_SOURCES, UPLOAD_ORIGINS

X_FRAME_OPTIONS = "DENY"
# No other site may see the address, because a link is the secret. Django's check of a form's origin needs it on our
# own pages. The opener policy is Django's default, same-origin.
SECURE_REFERRER_POLICY = "same-origin"
# Before the names of the cookies that identify a visitor; https.py has more.
COOKIE_PREFIX = ""
CSRF_FAILURE_VIEW = "mayfly.pages.errors.csrf_failure"
# Nothing is inline, so there is neither a nonce nor a hash. Scripts send parts to the uploads' storage, and previews
# are images from there.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'", *STATIC_SOURCES],
        "style-src": ["'self'", *STATIC_SOURCES],
        "img-src": ["'self'", "blob:", *STATIC_SOURCES, *UPLOAD_ORIGINS],  # blob: thumbnails of chosen files
        "connect-src": ["'self'", *UPLOAD_ORIGINS],
        "manifest-src": ["'self'"],
        "worker-src": ["'self'"],
        # A download that has to be confirmed is a form, whose answer leads to the bytes.
        "form-action": ["'self'", *UPLOAD_ORIGINS],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
# Pages read nothing from the device. The file input of a phone offers the camera without any of these.
PERMISSIONS_POLICY: dict[str, list[str]] = {
    feature: []
    for feature in (
        "accelerometer",
        "camera",
        "display-capture",
        "geolocation",
        "gyroscope",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "usb",
    )
}
# An operator sees the name of every upload and may remove it.
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
SESSION_COOKIE_AGE = 8 * 3600  # seconds after the login: a working day

# Whether the release step runs Django's deployment check on the settings.
DEPLOY_CHECK = False

# Whether to trust the last address in X-Forwarded-For, because our router has added it.
TRUST_PROXY = variables.flag("TRUST_PROXY", default=False)
# That router also names the client's protocol, and is the only one who can.
SECURE_PROXY_SSL_HEADER = platform.PROXY_SSL_HEADER if TRUST_PROXY else None
