"""The headers that bytes are given out with: content types and Content-Disposition."""

import re
from urllib.parse import quote

# The type of every preview, because we encode it ourselves.
PREVIEW_TYPE = "image/webp"
# The type of a text's first lines, which only web reads.
LINES_TYPE = "text/plain; charset=utf-8"
# The type of every file, and of an image until its first bytes are known.
OCTETS = "application/octet-stream"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# A slash, because some servers of S3 take a name with `../` for a path and refuse the link.
_UNSAFE_IN_QUOTES = re.compile(r'[^ -~]|["\\%/]')


def attachment(name: str) -> str:
    """The Content-Disposition (RFC 6266) that makes a browser save the body as `name`.

    Whatever the name, the value is ASCII and one line. If a name is not safe in a quoted string, it
    is in `filename*`, which browsers prefer, beside a plain one for other clients. Control characters become `_`.
    """
    name = _CONTROL.sub("_", name)
    plain = _UNSAFE_IN_QUOTES.sub("_", name)
    exact = f"; filename*=UTF-8''{quote(name, safe='', errors='replace')}" if plain != name else ""
    return f'attachment; filename="{plain}"{exact}'
