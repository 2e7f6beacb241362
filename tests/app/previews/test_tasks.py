"""The sentences of the preview tasks, which Flower shows."""

import re

import pytest
from django.core.files.storage import default_storage as storage

from mayfly.previews.tasks import preview, waiting_previews

from ...support.images import image
from ...support.pictures import gradient, jpeg

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_task_says_which_image_how_large_and_how_long(owner):
    upload = image(owner, jpeg(gradient(2000, 1000)))
    assert re.fullmatch(rf"preview of {upload.pk[:8]}, 2 MP, \d+\.\d s", preview(upload.pk))
    assert storage.length(upload.preview_key)


def test_the_task_says_that_an_image_has_no_preview(owner):
    upload = image(owner, jpeg()[:1000])
    assert re.fullmatch(rf"no preview of {upload.pk[:8]}, \d+\.\d s", preview(upload.pk))


def test_a_repeated_task_makes_nothing(owner):
    upload = image(owner)
    preview(upload.pk)
    assert preview(upload.pk) == f"{upload.pk[:8]} does not wait for a preview"
    assert waiting_previews() == "0 previews made"


def test_the_poll_says_how_many_it_made(owner):
    image(owner)
    image(owner)
    assert waiting_previews() == "2 previews made"
