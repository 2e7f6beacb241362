"""Every change of an upload's state. No other code writes to the table or decides which objects storage keeps.

    pending → ready → removing → gone → (row purged)
    pending → removing → (row deleted), when abandoned      pending → removing → gone, when refused

Each change is one conditional UPDATE. If the update hits no row, another process won the race, and the loser does
nothing. Every step may be cut off anywhere and run again; `sweep` runs it again.
"""

from .begin import FIRST_PARTS, PART_URL_LIFETIME, arrived, begin, sign_first, sign_parts
from .clean import clean
from .complete import complete, forbid, refuse
from .deadline import keep_receiving
from .joined import WAIT, end_bundles
from .keep import STEP, change, keep, more
from .offered import tell_if_offered
from .remove import (
    BATCH,
    Cleared,
    clear,
    discard,
    erase_now,
    keep_newest,
    mark,
    remove,
    remove_all,
    remove_whole_bundles,
)
from .repeat import begun_before
from .sweep import Swept, sweep
from .take import take

__all__ = [
    "BATCH",
    "Cleared",
    "FIRST_PARTS",
    "PART_URL_LIFETIME",
    "STEP",
    "Swept",
    "WAIT",
    "arrived",
    "begin",
    "begun_before",
    "change",
    "clean",
    "clear",
    "complete",
    "discard",
    "end_bundles",
    "erase_now",
    "forbid",
    "keep",
    "keep_newest",
    "keep_receiving",
    "mark",
    "more",
    "refuse",
    "remove",
    "remove_all",
    "remove_whole_bundles",
    "sign_first",
    "sign_parts",
    "sweep",
    "take",
    "tell_if_offered",
]
