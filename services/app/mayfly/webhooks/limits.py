"""The limits on webhooks: what one client can make this site keep, and send."""

from datetime import timedelta

BOX_WEBHOOKS = 3
ADDRESS_WEBHOOKS = 20
URL_LENGTH = 500
# Rows of one webhook that wait. While it is full, further events of it are lost.
WAITING = 300
# A webhook whose box had no event for so long is forgotten, as the box's token is.
IDLE = timedelta(days=30)

# Seconds for a whole request, from the connection to the status of the answer.
REQUEST_SECONDS = 5.0
# Bytes of an answer that are read, to find its status.
ANSWER_BYTES = 8192
# The pauses of a webhook after its first failure in a row, after its second, and so on; the last one repeats.
PAUSES = (5, 30, 120, 600, 1800, 3600)
# A delivery is given up after so many failures of its own, or at this age. The pauses alone take five hours.
ATTEMPTS = 9
AGE = timedelta(hours=6)


def pause(failures: int) -> timedelta:
    """How long a webhook rests after so many failures in a row; none after a success."""
    return timedelta(seconds=PAUSES[min(failures, len(PAUSES)) - 1] if failures else 0)
