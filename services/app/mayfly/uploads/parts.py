"""How an upload is cut into parts."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from .errors import NotAllowed

MiB = 1024 * 1024
# A weak connection loses little with a part of this size. S3 requires 5 MiB of every part but the last.
PART_SIZE = 8 * MiB
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
MAX_PARTS = 10_000


@dataclass(frozen=True, slots=True)
class Plan:
    """An upload of `size` bytes as `count` parts of `part_size` bytes, the last one shorter."""

    size: int
    part_size: int

    @property
    def count(self) -> int:
        """The number of parts."""
        return -(-self.size // self.part_size)

    def size_of(self, number: int) -> int:
        """The exact size of part `number`, counted from 1. Raises NotAllowed if there is no such part."""
        if not 1 <= number <= self.count:
            message = _("There is no part %(number)d: this upload has parts 1 to %(count)d.")
            raise NotAllowed("no_such_part", message % {"number": number, "count": self.count}, field="numbers")
        return min(self.part_size, self.size - (number - 1) * self.part_size)

    def sizes_of(self, numbers: Sequence[int]) -> list[tuple[int, int]]:
        """Each of these numbers with the size of its part. Raises NotAllowed if one comes twice or is not in the plan.

        A number that comes a thousand times would be signed as often, and a client needs each part's URL once.
        """
        seen: set[int] = set()
        for number in numbers:
            if number in seen:
                message = _("Part %(number)d is asked for twice. Name each part once.")
                raise NotAllowed("part_doubled", message % {"number": number}, field="numbers")
            seen.add(number)
        return [(number, self.size_of(number)) for number in numbers]


def part_size(size: int) -> int:
    """The part size for an upload of `size` bytes: PART_SIZE, or more if MAX_PARTS requires it, in whole MiB."""
    return max(PART_SIZE, -(-size // (MAX_PARTS * MiB)) * MiB)
