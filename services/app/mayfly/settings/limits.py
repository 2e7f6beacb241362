"""Limits on uploads and on their lifetime. uploads/limits.py reads them."""

from datetime import timedelta

from . import variables
from .scanning import CLAMD_MAX_MB, CLAMD_URL

UPLOAD_LIFETIME = timedelta(minutes=variables.number("UPLOAD_LIFETIME_MINUTES", default=15, least=1, most=720))
# 12 h of life and 6 h of transfer stay below the bucket's own lifecycle rule of one day.
MAX_LIFETIME = timedelta(minutes=variables.number("MAX_LIFETIME_MINUTES", default=720, least=1, most=720))
TRANSFER_TIME = timedelta(minutes=variables.number("TRANSFER_MINUTES", default=360, least=1, most=360))
IMAGES_KEPT = variables.number("IMAGES_KEPT", default=3, least=0, most=1000)
# S3 accepts objects up to 5 TiB. Our part size of 8 MiB grows from 80 GB on, to stay within 10,000 parts.
MAX_IMAGE_MB = variables.number("MAX_IMAGE_MB", default=64, least=1, most=5_000_000)
# A hundred take a second; ten times as many would take all of the decoder's time (previews/decoder.py).
MAX_IMAGE_MEGAPIXELS = variables.number("MAX_IMAGE_MEGAPIXELS", default=100, least=1, most=1000)
MAX_FILE_MB = variables.number("MAX_FILE_MB", default=4096, least=1, most=5_000_000)
if CLAMD_URL:  # a larger one could not be checked, and would never be offered
    MAX_IMAGE_MB, MAX_FILE_MB = min(MAX_IMAGE_MB, CLAMD_MAX_MB), min(MAX_FILE_MB, CLAMD_MAX_MB)
MAX_FORM_MB = variables.number("MAX_FORM_MB", default=100, least=1, most=5_000_000)
MAX_ZIP_MB = variables.number("MAX_ZIP_MB", default=4096, least=0, most=5_000_000)
BOX_QUOTA_MB = variables.number("BOX_QUOTA_MB", default=8192, least=1, most=1_000_000_000)
ADDRESS_QUOTA_MB = variables.number("ADDRESS_QUOTA_MB", default=32_768, least=1, most=1_000_000_000)
SITE_QUOTA_MB = variables.number("SITE_QUOTA_MB", default=0, least=0, most=1_000_000_000_000)
# uploads/limits.py leaves out all but the first 100 files of a form. A form with more than this is not read to its end.
DATA_UPLOAD_MAX_NUMBER_FILES = 1000
FILE_UPLOAD_HANDLERS = ["mayfly.pages.forms.NoFiles"]
# A begin reads up to so many rows, to count them.
BOX_UPLOADS_MAX = variables.number("BOX_UPLOADS_MAX", default=200, least=1, most=100_000)
ADDRESS_UPLOADS_MAX = variables.number("ADDRESS_UPLOADS_MAX", default=4000, least=1, most=100_000)
# Requests a minute: of one address, and of one box; 0 is no limit. visitors/rates.py has what each covers.
RATES = {
    "uploads": (
        variables.number("RATE_UPLOADS_ADDRESS", default=100, least=0, most=1_000_000),
        variables.number("RATE_UPLOADS_BOX", default=30, least=0, most=1_000_000),
    ),
    "changes": (variables.number("RATE_CHANGES", default=60, least=0, most=1_000_000), 0),
    "downloads": (variables.number("RATE_DOWNLOADS", default=120, least=0, most=1_000_000), 0),
    "qr-codes": (variables.number("RATE_QR_CODES", default=30, least=0, most=1_000_000), 0),
    "languages": (variables.number("RATE_LANGUAGES", default=10, least=0, most=1_000_000), 0),
    "logins": (variables.number("RATE_LOGINS", default=3, least=0, most=1_000_000), 0),
    "tokens": (variables.number("RATE_TOKENS", default=2, least=0, most=1_000_000), 0),
    "codes": (variables.number("RATE_CODES", default=6, least=0, most=1_000_000), 0),
    "reports": (variables.number("RATE_REPORTS", default=3, least=0, most=1_000_000), 0),
}
# The same for all clients together, where many addresses must not help to guess, or to bury the operator.
SITE_RATES = {
    "codes": variables.number("RATE_CODES_SITE", default=30, least=0, most=1_000_000),
    "reports": variables.number("RATE_REPORTS_SITE", default=30, least=0, most=1_000_000),
}
SHARED_BOX = variables.flag("SHARED_BOX", default=False)
RECEIPT_TIME = timedelta(hours=variables.number("RECEIPT_HOURS", default=24, least=0, most=8760))
RECONCILE_MAX = variables.number("RECONCILE_MAX", default=10, least=0, most=1_000_000)
if UPLOAD_LIFETIME > MAX_LIFETIME:
    variables.fail("UPLOAD_LIFETIME_MINUTES", "is more than MAX_LIFETIME_MINUTES")
