"""What browsers may do with our pages, and which headers we believe."""

from . import variables
from .storages import STATIC_ORIGINS, UPLOAD_ORIGINS

X_FRAME_OPTIONS = "DENY"
# Never beyond our own pages, because a link is the secret. Django's check of a form's origin needs it there. The
# opener policy is Django's default, same-origin.
SECURE_REFERRER_POLICY = "same-origin"
CSRF_FAILURE_VIEW = "mayfly.pages.errors.csrf_failure"
# Nothing is inline, so there is neither a nonce nor a hash. Scripts send parts to the uploads' storage, and previews
# are images from there.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'", *STATIC_ORIGINS],
        "style-src": ["'self'", *STATIC_ORIGINS],
        "img-src": ["'self'", "blob:", *STATIC_ORIGINS, *UPLOAD_ORIGINS],  # blob: thumbnails of what will be sent
        "connect-src": ["'self'", *UPLOAD_ORIGINS],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
# Pages read nothing from the device; a phone's camera comes through the file input, which asks by itself.
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
AUTH_PASSWORD_VALIDATORS = [{"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"}]

# Whether the release step runs Django's deployment check on the settings.
DEPLOY_CHECK = False

# Whether to believe the last address in X-Forwarded-For, because a router of ours has added it.
TRUST_PROXY = variables.flag("TRUST_PROXY", default=False)
