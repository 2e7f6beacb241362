"""Events in the life of uploads, for observers. The rules of the domain call each other directly."""

from django.dispatch import Signal

# Sent with `upload`, after the transaction that made it ready has been committed.
ready = Signal()
