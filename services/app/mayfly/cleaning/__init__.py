"""Images without what cameras and editors add to them: where and when they were taken, by what, and smaller copies.

Each format has a walk through its container, which decodes no pixel and names the bytes to change. It is Python alone
and reads what strangers sent, so it takes no length on trust, and its work and memory are bounded. It knows nothing
else of ours.
"""

from .edits import Edit, applied, size_after
from .plan import plan
from .source import NotAtHand, Source, Unreadable

__all__ = ["Edit", "NotAtHand", "Source", "Unreadable", "applied", "plan", "size_after"]
