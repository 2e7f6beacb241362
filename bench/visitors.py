"""The visitors of a modelled site: they come over the day, look at pages, upload, and open each other's links.

simulate.py lets a model of the site serve them, and replay.py a running stack.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

HOUR, DAY = 3600.0, 86_400.0


@dataclass(frozen=True)
class Mix:
    """The habits of visitors. These are assumptions, not measurements: put your own site's in their place."""

    visits: float = 20_000  # a day
    pages: float = 4.0  # a visit
    uploads: float = 1.5
    images: float = 0.6  # of uploads
    downloads: float = 2.0  # an upload
    image_mb: float = 3.0  # the median; sizes are lognormal
    file_mb: float = 4.0
    sigma: float = 1.2
    largest_mb: float = 4096.0  # MAX_FILE_MB
    megapixels: float = 12.0
    # Lifetimes in seconds, and their shares: most keep the default of a quarter of an hour.
    lifetimes: tuple[tuple[float, float], ...] = ((900, 0.85), (3600, 0.10), (43_200, 0.05))
    # The weight of each hour of the day: a site of one time zone, quiet at night, and busiest in the evening.
    hours: tuple[float, ...] = (2, 1, 1, 1, 1, 1, 2, 3, 4, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7, 8, 8, 7, 5, 3)


@dataclass(frozen=True)
class Sent:
    """An upload that a visitor sends."""

    number: int
    is_image: bool
    size: float
    megapixels: float
    lifetime: float


@dataclass(frozen=True, order=True)
class Action:
    """Something that a visitor does: a page, an upload, or the download of an upload."""

    at: float
    number: int
    kind: str
    sent: Sent | None = field(default=None, compare=False)


def actions(mix: Mix, seed: int, begin: float = 0.0, end: float = DAY) -> list[Action]:
    """All that visitors do between two times of the day, in order. The same seed gives the same actions."""
    chance = random.Random(seed)
    happens: list[Action] = []
    uploads = 0
    for arrival in _arrivals(mix, chance, begin, end):
        for _ in range(_poisson(chance, mix.pages)):
            happens.append(Action(arrival + chance.uniform(0, 120), len(happens), "page"))
        for _ in range(_poisson(chance, mix.uploads)):
            sent = _upload(mix, chance, uploads)
            uploads += 1
            at = arrival + chance.uniform(0, 120)
            happens.append(Action(at, len(happens), "upload", sent))
            for _ in range(_poisson(chance, mix.downloads)):
                # Links are opened soon, so early in the lifetime. A minute is left for the upload itself.
                later = at + 60 + chance.random() ** 2 * max(0.0, sent.lifetime - 120)
                happens.append(Action(later, len(happens), "download", sent))
    return sorted(happens)


def compressed(happens: Sequence[Action], by: float, begin: float = 0.0) -> list[Action]:
    """The same actions in a shorter time, which begins at 0. Lifetimes are as much shorter, at least two seconds."""

    def shorter(sent: Sent | None) -> Sent | None:
        return sent and Sent(
            sent.number, sent.is_image, sent.size, sent.megapixels, max(2.0, round(sent.lifetime / by))
        )

    return [Action((action.at - begin) / by, action.number, action.kind, shorter(action.sent)) for action in happens]


def _arrivals(mix: Mix, chance: random.Random, begin: float, end: float) -> Iterator[float]:
    """The times at which visitors come: a Poisson process whose rate follows the hours, by thinning."""
    each = mix.visits / sum(mix.hours) / HOUR
    most, now = each * max(mix.hours), begin
    while (now := now + chance.expovariate(most)) < end:
        if chance.random() * max(mix.hours) < mix.hours[int(now % DAY // HOUR)]:
            yield now


def _upload(mix: Mix, chance: random.Random, number: int) -> Sent:
    is_image = chance.random() < mix.images
    size = chance.lognormvariate(0, mix.sigma) * (mix.image_mb if is_image else mix.file_mb)
    values, shares = zip(*mix.lifetimes, strict=True)
    [lifetime] = chance.choices(values, shares)
    return Sent(number, is_image, min(size, mix.largest_mb) * 1e6, mix.megapixels * is_image, lifetime)


def _poisson(chance: random.Random, mean: float) -> int:
    count, left = 0, chance.expovariate(1)
    while left < mean:
        count, left = count + 1, left + chance.expovariate(1)
    return count
