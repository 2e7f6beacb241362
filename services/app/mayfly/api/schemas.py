"""The types of all that the API accepts and answers. Its document is made from them."""

from datetime import datetime
from typing import Annotated, Literal

from ninja import Schema
from pydantic import ConfigDict, Field, StrictInt

from ..problems import MOST_NUMBERS
from ..uploads.choices import Kind, State
from ..uploads.ids import UploadId
from ..webhooks.models import Event


class Strict(Schema):
    """The base of all that a client sends: an unknown field is an error."""

    model_config = ConfigDict(extra="forbid")


class BeginIn(Strict):
    kind: Kind
    name: str = Field(description="As people see it, and as a download is called.")
    size: StrictInt = Field(description="In bytes, exactly.")
    type: str = Field("", max_length=255, description="Accepted, but the first bytes decide.")
    title: str = Field("", description="Up to 80 characters.")
    lifetime: Annotated[StrictInt, Field(ge=1, le=10**9)] | None = Field(
        None, description="In seconds, from the moment it is ready; 15 minutes unless the site says otherwise."
    )
    bundle: str | None = Field(
        None,
        pattern=f"^{UploadId.regex}$",
        description="The id of an open bundle of the same box, whose lifetime it gets.",
    )
    downloads: Annotated[StrictInt, Field(ge=1, le=10**9)] | None = Field(
        None, description="From 1 to 100. It ends with so many downloads by others; null sets no limit."
    )
    password: str = Field("", description="Up to 200 characters. Others have to type it; empty sets none.")
    metadata: Literal["clean", "keep"] = Field(
        "clean", description="`keep` leaves camera data and location in an image. A file always stays as it is."
    )


class ChangeIn(Strict):
    title: str | None = Field(None, description="At most 80 characters; empty removes it, and null leaves it as it is.")
    lifetime: Annotated[StrictInt, Field(ge=1, le=10**9)] | None = Field(
        None, description="Seconds from its completion on; null leaves it as it is."
    )
    downloads: Annotated[StrictInt, Field(ge=0, le=10**9)] | None = Field(
        None, description="More than were taken; 0 removes the limit, and null leaves it as it is."
    )
    password: str | None = Field(None, description="Empty removes it, and null leaves it as it is.")


Scope = Literal["all", "upload"]


class TokenIn(Strict):
    scope: Scope = Field("all", description="`all`, or to send only.")


class TokenOut(Schema):
    token: str | None = Field(description="Null if it was set as the cookie.")
    scope: Scope


class NumbersIn(Strict):
    numbers: list[StrictInt] = Field(
        min_length=1, max_length=MOST_NUMBERS, description="The numbers of parts, counted from 1."
    )


class CompleteIn(Schema):  # an unknown field is no error, because a complete took any body before it had this one
    etag: str = Field(
        "",
        max_length=200,
        description="The `ETag` that storage answered to the PUT of the only part. It saves a request to storage.",
    )


class FetchedOut(Schema):
    count: int = Field(description="How often others fetched it. Link previews and prefetches do not count.")
    last_at: datetime | None


class DownloadsOut(Schema):
    most: int
    taken: int


class UploadOut(Schema):
    id: str
    kind: Kind
    name: str
    title: str
    size: int
    type: str | None
    state: State
    created_at: datetime
    expires_at: datetime
    link: str
    download: str = Field(description="GET. With a password or a limit: POST, with the field `password` of a form.")
    preview: str | None
    fetched: FetchedOut
    password: bool = Field(description="Whether others have to type one.")
    downloads: DownloadsOut | None = Field(description="How often others may download it; null if there is no limit.")
    metadata: Literal["cleaned", "kept", "cleaning"] | None = Field(
        description="Whether camera data and location were removed from an image. The bytes of one that is `cleaning` "
        "are not offered yet; the download answers 503 with `Retry-After`."
    )
    code: str | None = Field(description="Four words that lead to it from `/code/` while it is live.")
    bundle: str | None = Field(description="The id of the bundle that it is in.")


class PartOut(Schema):
    number: int
    size: int


class PartsOut(Schema):
    parts: list[PartOut]


class SignedPartOut(PartOut):
    url: str
    headers: dict[str, str]


class TransferOut(Schema):
    part_size: int
    parts: int
    first: list[SignedPartOut] = Field(description="The signed URLs of its first parts.")


class BegunOut(UploadOut):
    transfer: TransferOut
    box: str | None = Field(
        None, description="The token of the box, if this call made one, or a new one for a token of more than a day."
    )


class SignedPartsOut(Schema):
    parts: list[SignedPartOut]


class UploadsOut(Schema):
    uploads: list[UploadOut]
    next: str | None = Field(description="The cursor of the next page, or null if this is the last.")


class WebhookIn(Strict):
    url: str = Field(description="https:// and a public address.")
    events: list[Event] = Field(list(Event), min_length=1, max_length=len(Event), description="All, unless you choose.")


class WebhookOut(Schema):
    id: str
    url: str
    events: list[Event]
    created_at: datetime
    failures: int = Field(description="Failed attempts since the last success.")
    last_status: int | None = Field(description="The status of its last answer; null if none came.")


class RegisteredOut(WebhookOut):
    secret: str = Field(description="Verifies what it hears, as https://www.standardwebhooks.com describes.")


class WebhooksOut(Schema):
    webhooks: list[WebhookOut]


class ErrorOut(Schema):
    code: str
    message: str
    field: str | None = None
    missing: list[int] | None = Field(None, description="With 409: the numbers that storage does not have.")


class ProblemOut(Schema):
    error: ErrorOut


PROBLEMS = {frozenset({400, 401, 403, 404, 408, 409, 410, 413, 415, 422, 429, 503}): ProblemOut}
