"""A bundle as a visitor sees it: its uploads, and their sum."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, Exists, Max, OuterRef, Q, Sum
from django.utils.translation import gettext as _

from ..uploads.bundle import Bundle, BundleQuerySet
from ..uploads.choices import Kind
from ..uploads.errors import NotAllowed
from ..uploads.ids import is_id
from ..uploads.limits import PAGE, limits
from ..uploads.listing import Listed
from ..uploads.models import Upload


@dataclass(slots=True)
class Content:
    """A bundle and its uploads in the order in which they were begun: the ready ones, and those on their way."""

    bundle: Bundle
    ready: list[Upload] = field(default_factory=list)
    pending: list[Upload] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many uploads are ready."""
        return len(self.ready)

    @property
    def images(self) -> int:
        """How many of those are images."""
        return sum(upload.kind == Kind.IMAGE for upload in self.ready)

    @property
    def lifetime(self) -> timedelta:
        """How long it is kept."""
        return self.bundle.lifetime

    @property
    def is_taken(self) -> bool:
        """Whether others have taken all its downloads."""
        return self.bundle.is_taken

    @property
    def expires_at(self) -> datetime:
        """When the last of its uploads expires; while nothing is in it, until when it takes any."""
        return max((upload.expires_at for upload in self.ready), default=self.bundle.expires_at)

    @property
    def time_left(self) -> timedelta:
        """How long that is from now. Only for a bundle that was read `with_time_left`."""
        return max((upload.time_left for upload in self.ready), default=self.bundle.time_left)

    @property
    def has_zip(self) -> bool:
        """Whether there is a ZIP of all of them, which together are within its limit."""
        return bool(self.ready) and self.size <= limits.zip_size

    @property
    def size(self) -> int:
        """The sum of the ready ones, in bytes."""
        return sum(upload.size for upload in self.ready)


@dataclass(frozen=True, slots=True)
class Together:
    """A bundle in its owner's list, by the values that the list has for an upload."""

    bundle: Bundle
    newest: Upload | Listed
    count: int
    images: int
    size: int
    time_left: timedelta
    expires_at: datetime

    @property
    def title(self) -> str:
        return self.bundle.title

    @property
    def name(self) -> str:
        """For the order by name of a list: that of its newest upload."""
        return self.newest.name

    @property
    def lifetime(self) -> timedelta:
        return self.bundle.lifetime

    @property
    def is_taken(self) -> bool:
        return self.bundle.is_taken

    def of_kind(self, kind: Kind) -> int:
        """How many of its uploads are of this kind."""
        return self.images if kind == Kind.IMAGE else self.count - self.images


@dataclass(slots=True)
class BundlePage:
    """Some bundles of a box, newest first, and the cursor of the next page."""

    contents: list[Content]
    older: str | None = None


def contents(bundles: Sequence[Bundle]) -> list[Content]:
    """These bundles with their uploads, in one query."""
    found: dict[str | None, list[Upload]] = defaultdict(list)
    in_time = Upload.objects.live() | Upload.objects.pending()
    uploads = in_time.filter(bundle__in=[bundle.pk for bundle in bundles]).with_time_left()
    by_id = {bundle.pk: bundle for bundle in bundles}
    for upload in uploads.order_by("created_at", "pk"):
        upload.guard = by_id[upload.bundle or ""]
        found[upload.bundle].append(upload)
    return [
        Content(
            bundle,
            ready=[upload for upload in found[bundle.pk] if upload.completed_at is not None],
            pending=[upload for upload in found[bundle.pk] if upload.completed_at is None],
        )
        for bundle in bundles
    ]


def know_guards(uploads: Sequence[Upload]) -> None:
    """Read the bundles of these uploads in one query, so that each knows what protects it."""
    bundles = Bundle.objects.in_bulk({upload.bundle for upload in uploads if upload.bundle})
    for upload in uploads:
        if upload.bundle in bundles:
            upload.guard = bundles[upload.bundle]


def gathered(uploads: Sequence[Upload | Listed]) -> list[Upload | Listed | Together]:
    """These uploads of a list, with the whole bundle in place of the one that stands for it. No query if none does."""
    ids = [upload.bundle for upload in uploads if upload.bundle]
    if not ids:
        return list(uploads)
    bundles = Bundle.objects.in_bulk(ids)
    live = Upload.objects.live().with_time_left().filter(bundle__in=ids).order_by().values("bundle")
    sums = live.annotate(
        count=Count("pk"),
        images=Count("pk", filter=Q(kind=Kind.IMAGE)),
        total=Sum("size"),
        until=Max("expires_at"),
        left=Max("time_left"),
    )
    found = {one["bundle"]: one for one in sums}
    return [
        Together(
            bundle=bundles[upload.bundle],
            newest=upload,
            count=found[upload.bundle]["count"],
            images=found[upload.bundle]["images"],
            size=found[upload.bundle]["total"],
            time_left=found[upload.bundle]["left"],
            expires_at=found[upload.bundle]["until"],
        )
        if upload.bundle in bundles and upload.bundle in found
        else upload
        for upload in uploads
    ]


def content_of(bundle: Bundle) -> Content:
    """One bundle with its uploads."""
    return contents([bundle])[0]


def offered(box: str) -> BundleQuerySet:
    """A box's bundles that are open or have a live upload, newest first."""
    live = Upload.objects.live().filter(bundle=OuterRef("pk")).order_by()
    standing = Bundle.objects.of(box).standing()
    return standing.filter(Q(completed_at__isnull=True) | Exists(live)).order_by("-created_at", "-pk")


def page_after(box: str, cursor: str = "", *, limit: int = PAGE) -> BundlePage:
    """The `limit` newest bundles of a box, or the newest of those older than the cursor's. Raises NotAllowed."""
    bundles = offered(box)
    if cursor:
        place = Bundle.objects.of(box).filter(pk=cursor)
        if not is_id(cursor) or not place.exists():
            text = _("This page of the list is no longer there. Begin with the first.")
            raise NotAllowed("cursor", text, field="cursor")
        time = place.values("created_at")
        bundles = bundles.filter(Q(created_at__lte=time) & (Q(created_at__lt=time) | Q(pk__lt=cursor)))
    found = list(bundles[: limit + 1])
    page = BundlePage(contents(found[:limit]))
    if len(found) > limit:
        page.older = found[limit - 1].pk
    return page
