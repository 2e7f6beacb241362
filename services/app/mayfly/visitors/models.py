"""The table of guesses at passwords: all processes of web share it, and a restart forgets none."""

from django.db import models

from ..uploads.ids import ID_LENGTH


class Guesses(models.Model):
    """How many passwords were tried for one name, or from one address, and when the count ends."""

    # A keyed hash, since people type a password into the field for the name by mistake.
    key = models.CharField(primary_key=True, max_length=ID_LENGTH)
    count = models.PositiveIntegerField()
    ends_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(name="guesses_end", fields=["ends_at"])]

    def __str__(self) -> str:
        return self.key
