"""Reconcile: compare table and storage in both directions, and remove what is on one side only.

It is a net below `lifecycle`, whose steps leave nothing behind by themselves. It finds objects that storage has lost,
that a restored database does not know, or that a process had not recorded when it died.

* A ready row is removed if storage is certain that it has no object.
* An object is removed if its row says `gone`, or if it has no row and is older than any upload gets. That is the
  longest transfer, the longest lifetime and a grace. A preview is removed with its upload.
* An open transfer is removed if its row is not pending, or if it has no row and is as old.

Storage that does not answer proves nothing. A round stops and removes nothing if storage has none of the live uploads,
or if a removal would concern more than a tenth of all, and more than `reconcile_most`.
"""

from .latest import Overtaken, go_on, status
from .whole import Braked, Report, reconcile

__all__ = ["Braked", "Overtaken", "Report", "go_on", "reconcile", "status"]
