"""Guesses at passwords, and boxes with new tokens: all processes of web share them, and a restart forgets none."""

from django.db import models

from ..uploads.ids import ID_LENGTH

GENERATION_LENGTH = 8  # letters and digits; it is in every token of the box, and no secret


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


class Renewal(models.Model):
    """A box whose tokens were replaced: only tokens of this generation open it. `renewals` writes it."""

    box = models.CharField(primary_key=True, max_length=ID_LENGTH)
    generation = models.CharField(max_length=GENERATION_LENGTH)
    ends_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(name="renewals_end", fields=["ends_at"])]

    def __str__(self) -> str:
        return self.box
