"""The ways to send from a terminal and from ShareX that My Files offers."""

import re
import shutil
import subprocess
from html import unescape
from urllib.parse import urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from mayfly.uploads.models import Upload

from ...support.served import served
from .helpers import page

pytestmark = pytest.mark.django_db(transaction=True)


def function(site: str = "http://testserver") -> str:
    """The shell function of the page, for this site."""
    text = page(Client().get("/files/"))
    return unescape(re.search(r"<code>(drop\(\).*)</code>", text)[1]).replace("http://testserver", site)


def test_only_my_files_shows_how_to_send_from_a_terminal():
    text = page(Client().get("/files/"))
    assert "<pre><code>curl -T notes.txt http://testserver/</code></pre>" in text
    assert '<a href="/app/sharex.sxcu">' in text
    assert 'class="shell"' not in page(Client().get("/images/"))


@pytest.mark.slow
def test_the_shell_function_sends_files_and_pipes(tmp_path, static_root):
    names = ["a b.txt", "[1]{2}.txt", "é.txt"]
    for name in names:
        (tmp_path / name).write_text(name)
    with served(tmp_path, statics=static_root) as port:
        for shell in filter(shutil.which, ("sh", "bash", "zsh")):
            drop = function(f"http://127.0.0.1:{port}")
            script = f'{drop}; drop "$@"; echo piped | drop'
            command = [shell, "-c", script, shell, *names]
            sent = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True, timeout=60)
            assert len(re.findall(rf"(?m)^http://127.0.0.1:{port}/u/\w+/$", sent.stdout)) == 4, sent


def test_sharex_reads_the_answer_to_what_its_file_describes():
    response = Client().get("/app/sharex.sxcu")
    uploader = response.json()
    assert response["Content-Disposition"] == 'attachment; filename="mayfly.sxcu"'
    assert (uploader["RequestURL"], uploader["Body"]) == ("http://testserver/", "MultipartFormData")
    form = {uploader["FileFormName"]: SimpleUploadedFile("shot.png", b"a")}
    assert uploader["RequestMethod"] == "POST"
    answer = Client().post(urlsplit(uploader["RequestURL"]).path, form)
    read = {name: answer[re.fullmatch(r"{header:(.*)}", uploader[name])[1]] for name in ("URL", "DeletionURL")}
    assert Client().get(urlsplit(read["URL"]).path).status_code == 200
    assert Client().post(urlsplit(read["DeletionURL"]).path).status_code == 200
    assert not Upload.objects.live().exists()
