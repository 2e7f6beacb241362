"""The virus check: the address of clamd, and how much it is given."""

from . import variables

# Empty: there is no virus check.
CLAMD_URL = variables.url("CLAMD_URL", schemes=("tcp", "unix"), default="")
# services/clamav/clamd.conf has the same limit. Beyond its limits clamd would let content pass unread.
CLAMD_MAX_MB = variables.number("CLAMD_MAX_MB", default=100, least=1, most=2000)
