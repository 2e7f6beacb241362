"""Events in the life of uploads, for observers. The rules of the domain call each other directly."""

from django.dispatch import Signal

# Sent with `upload`, after the transaction that made it ready has been committed.
ready = Signal()
# Sent with `uploads`, within the transaction of the change, so that an observer's rows are committed with it or not at
# all: they are offered from now on; another person fetched them for the first time; storage has nothing of them any
# more.
turned_ready = Signal()
first_fetched = Signal()
turned_gone = Signal()
# Sent with `upload`, once the virus check has found nothing in it.
cleared = Signal()
