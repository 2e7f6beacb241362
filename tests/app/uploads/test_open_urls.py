"""Download URLs: no longer than their upload."""

from datetime import timedelta

import pytest
from django.core.files.storage import default_storage as storage

from mayfly.uploads import opening
from mayfly.uploads.choices import State
from mayfly.uploads.errors import Gone
from mayfly.uploads.opening import Visitor

from ...support.broken import Wrapped
from ...support.making import expire, ready, state

pytestmark = pytest.mark.django_db


def test_a_download_url_never_outlives_its_upload():
    lifetimes = []

    def sign_download(key, *, lifetime, **more):
        lifetimes.append(lifetime)
        return storage.sign_download(key, lifetime=lifetime, **more)

    wrapped = Wrapped(sign_download=sign_download)
    opening.download_url(ready(lifetime=timedelta(minutes=15)).pk, Visitor(), storage=wrapped)
    opening.download_url(ready(lifetime=timedelta(seconds=20)).pk, Visitor(), storage=wrapped)
    assert lifetimes[0] == timedelta(seconds=60)
    assert timedelta(seconds=15) < lifetimes[1] <= timedelta(seconds=20)


def test_a_slow_answer_of_storage_carries_no_url_past_the_end():
    """The time left counts from the moment in which the row was read, and so does a URL that is signed right then."""
    order = []

    def sign_download(key, **more):
        order.append("signed")
        return storage.sign_download(key, **more)

    def length(key):
        order.append("asked")
        return storage.length(key)

    opening.download_url(ready().pk, Visitor(), storage=Wrapped(sign_download=sign_download, length=length))
    assert order == ["signed", "asked"]


def test_an_expired_upload_gets_no_download_url_before_the_sweep():
    upload = expire(ready())
    assert state(upload) == State.READY
    with pytest.raises(Gone):
        opening.download_url(upload.pk, Visitor(), storage=storage)
