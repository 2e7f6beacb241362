"""Static files in a bucket: sent once, public and cacheable for ever. The bucket still lists nothing."""

from pathlib import Path

import httpx
import pytest
from whitenoise.storage import CompressedManifestStaticFilesStorage

from mayfly.storage.protocol import StorageError
from mayfly.storage.s3 import statics
from mayfly.storage.s3.storage import S3UploadStorage

from ...support.storages import new_key

pytest_plugins = ["tests.support.storages"]


@pytest.fixture
def tree(static_root) -> CompressedManifestStaticFilesStorage:
    """The static files as the build of an image leaves them."""
    return CompressedManifestStaticFilesStorage(location=str(static_root), base_url="/static/")


@pytest.fixture
def small_tree(tree) -> CompressedManifestStaticFilesStorage:
    """Our own static files and one that is compressed, because all of them take a while to send."""
    names = [name for name in tree.hashed_files if name.startswith("mayfly/")]
    tree.hashed_files = {name: tree.hashed_files[name] for name in [*names, "admin/css/base.css"]}
    return tree


@pytest.fixture
def storage(s3_options):
    name = new_key().replace("uploads/", "statics-")
    storage = S3UploadStorage(**s3_options | {"bucket_name": name})
    yield storage
    storage.remove([found.key for found in storage.objects("")])
    storage.client.delete_bucket(Bucket=name)


def test_every_file_is_sent_and_counted(storage, tree):
    created, *opened, sent = statics.publish(storage, tree)
    assert created.startswith(f"Created the bucket {storage.bucket_name}")
    assert f"Let everyone read the objects under static/ in the bucket {storage.bucket_name}." in opened
    names = set(tree.hashed_files.values())
    assert names
    assert sent == f"Sent {len(names)} of {len(names)} static files."
    assert {found.key for found in storage.objects("")} == {f"static/{name}" for name in names}


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("mayfly/mayfly.css", "text/css; charset=utf-8"), ("mayfly/mayfly.svg", "image/svg+xml")],
)
def test_a_file_is_public_and_cacheable_for_ever(storage, small_tree, s3_options, name, media_type):
    statics.publish(storage, small_tree)
    hashed = small_tree.hashed_files[name]
    answer = httpx.get(f"{s3_options['endpoint_url']}/{storage.bucket_name}/static/{hashed}")
    assert answer.status_code == 200
    assert answer.content == Path(small_tree.path(hashed)).read_bytes()
    assert answer.headers["Content-Type"] == media_type
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_a_file_is_sent_compressed_if_that_makes_it_smaller(storage, small_tree, s3_options):
    statics.publish(storage, small_tree)
    url = f"{s3_options['endpoint_url']}/{storage.bucket_name}/static/{small_tree.hashed_files['admin/css/base.css']}"
    answer = httpx.get(url)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert int(answer.headers["Content-Length"]) < len(answer.content) / 2


def test_a_present_file_is_not_sent_again(storage, small_tree):
    statics.publish(storage, small_tree)
    assert statics.publish(storage, small_tree) == []
    gone = f"static/{small_tree.hashed_files['mayfly/mayfly.css']}"
    storage.remove([gone])
    [sent] = statics.publish(storage, small_tree)
    assert sent.startswith("Sent 1 of ")


def test_a_changed_policy_is_restored(storage, small_tree):
    statics.publish(storage, small_tree)
    storage.client.delete_bucket_policy(Bucket=storage.bucket_name)
    assert len(statics.publish(storage, small_tree)) == 1
    assert "s3:GetObject" in storage.client.get_bucket_policy(Bucket=storage.bucket_name)["Policy"]


def test_files_of_the_previous_version_stay_for_open_pages(storage, small_tree):
    statics.publish(storage, small_tree)
    storage.client.put_object(Bucket=storage.bucket_name, Key="static/old.0123.css", Body=b"a {}")
    assert statics.publish(storage, small_tree) == []
    assert storage.length("static/old.0123.css") == 4


def test_an_empty_collection_is_an_error_with_a_way_out(storage, tmp_path):
    storage.client.create_bucket(Bucket=storage.bucket_name)
    empty = CompressedManifestStaticFilesStorage(location=str(tmp_path), base_url="/static/")
    with pytest.raises(StorageError, match="collectstatic"):
        statics.publish(storage, empty)
