"""Every key and prefix in storage. No other module spells one."""

UPLOADS = "uploads/"
PREVIEWS = "previews/"
# Reconcile and the bucket's lifecycle rules cover these alone; whatever else is in the bucket stays as it is.
PREFIXES = (UPLOADS, PREVIEWS)
# Static files, in a bucket of their own.
STATIC = "static/"


def upload_key(upload_id: str) -> str:
    """The key of an upload's bytes."""
    return f"{UPLOADS}{upload_id}"


def preview_key(upload_id: str) -> str:
    """The key of an image's preview."""
    return f"{PREVIEWS}{upload_id}.webp"


def id_in(key: str) -> str:
    """The id of the upload that a key under one of PREFIXES belongs to."""
    return key.partition("/")[2].partition(".")[0]
