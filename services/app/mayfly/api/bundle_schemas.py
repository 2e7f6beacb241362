"""The types of what the API accepts and answers about bundles."""

from datetime import datetime
from typing import Annotated, Literal

from ninja import Schema
from pydantic import Field, StrictInt

from .schemas import DownloadsOut, Strict, UploadOut


class BeginBundleIn(Strict):
    title: str = Field("", description="Up to 80 characters.")
    lifetime: Annotated[StrictInt, Field(ge=1, le=10**9)] | None = Field(
        None, description="In seconds, from its completion on; 15 minutes unless the site says otherwise."
    )
    downloads: Annotated[StrictInt, Field(ge=1, le=10**9)] | None = Field(
        None, description="From 1 to 100. It ends with so many downloads by others, of the ZIP or of one upload."
    )
    password: str = Field("", description="Up to 200 characters. Others have to type it; empty sets none.")


class BundleOut(Schema):
    id: str
    title: str
    state: Literal["open", "ready"]
    created_at: datetime
    expires_at: datetime = Field(description="While it is open: until when it takes uploads.")
    link: str
    zip: str | None = Field(description="Null as long as it is empty, and if it is too large for a ZIP.")
    size: int = Field(description="The sum of its ready uploads, in bytes.")
    uploads: list[UploadOut]
    password: bool = Field(description="Whether others have to type one.")
    downloads: DownloadsOut | None = Field(description="How often others may download; null if there is no limit.")


class BegunBundleOut(BundleOut):
    box: str | None = Field(
        None, description="The token of the box, if this call made one, or a new one for a token of more than a day."
    )


class BundlesOut(Schema):
    bundles: list[BundleOut]
    next: str | None = Field(description="The cursor of the next page, or null if this is the last.")
