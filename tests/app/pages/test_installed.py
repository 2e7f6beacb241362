"""Mayfly on the home screen of a phone: its manifest and its icons."""

import re

import pytest
import pyvips
from django.conf import settings
from django.test import Client
from django.utils.translation import gettext, override

from ...support.people import body_of
from .helpers import page

pytestmark = pytest.mark.django_db(transaction=True)

MANIFEST = "/app/manifest.webmanifest"


def picture(path: str) -> pyvips.Image:
    """The picture that this address answers with."""
    response = Client().get(path)
    assert (response.status_code, response["Content-Type"]) == (200, "image/png")
    return pyvips.Image.new_from_buffer(body_of(response), "")


def icons() -> dict[str, dict]:
    found = Client().get(MANIFEST).json()["icons"]
    return {f"{icon['sizes']} {icon.get('purpose', 'any')}": icon for icon in found}


@pytest.mark.parametrize("path", ["/images/", "/files/", "/u/nothing/", "/forget/"])
def test_every_page_names_the_manifest_and_both_theme_colours(path):
    text = page(Client().get(path))
    assert f'<link rel="manifest" href="{MANIFEST}" crossorigin="use-credentials">' in text
    assert re.findall(r'name="theme-color" content="(#\w+)" media="\(prefers-color-scheme: (\w+)\)"', text) == [
        ("#fbf7ef", "light"),
        ("#15171c", "dark"),
    ]


def test_a_browser_can_install_the_manifest():
    response = Client().get(MANIFEST)
    assert response["Content-Type"] == "application/manifest+json"
    manifest = response.json()
    assert (manifest["name"], manifest["display"], manifest["scope"]) == ("Mayfly", "standalone", "/")
    assert Client().get(manifest["start_url"]).status_code == 200
    assert all(Client().get(shortcut["url"]).status_code == 200 for shortcut in manifest["shortcuts"])
    assert {"192x192 any", "512x512 any", "512x512 maskable"} <= set(icons())


@pytest.mark.parametrize("language", [code for code, _ in settings.LANGUAGES])
@pytest.mark.parametrize("by", ["header", "cookie"])
def test_the_manifest_speaks_the_visitors_language(language, by):
    client = Client()
    if by == "cookie":
        client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    response = client.get(MANIFEST, headers={"Accept-Language": language} if by == "header" else {})
    manifest = response.json()
    with override(language):
        assert [shortcut["name"] for shortcut in manifest["shortcuts"]] == [
            gettext("My Images"),
            gettext("My Files"),
            gettext("Type a code"),
        ]
    assert manifest["lang"] == language
    assert {"Accept-Language", "Cookie"} <= set(response["Vary"].split(", "))


def test_each_icon_has_its_size():
    for icon in icons().values():
        drawn = picture(icon["src"])
        assert f"{drawn.width}x{drawn.height}" == icon["sizes"]
    apple = re.search(r'rel="apple-touch-icon" href="([^"]+)"', page(Client().get("/images/")))[1]
    drawn = picture(apple)
    assert (drawn.width, drawn.height, drawn.hasalpha()) == (180, 180, False)


def test_a_mask_cuts_off_nothing_of_the_icon():
    drawn = picture(icons()["512x512 maskable"]["src"])
    assert not drawn.hasalpha()
    x, y = pyvips.Image.xyz(512, 512)[0] - 256, pyvips.Image.xyz(512, 512)[1] - 256
    outside = (x * x + y * y) > (0.4 * 512) ** 2  # what a mask may take
    is_drawing = (drawn != drawn.getpoint(0, 0)).bandor()
    assert (outside & is_drawing).max() == 0
    assert is_drawing.max() == 255


@pytest.mark.parametrize("path", ["/admin/login/", "/api/docs", "/images/"])
def test_a_page_that_names_no_icon_gets_the_favicon(path):
    assert Client().get(path).status_code == 200
    response = Client().get("/favicon.ico")
    assert response.status_code == 302
    assert picture(response["Location"]).width == 32


def test_a_file_may_be_called_favicon():
    assert Client().put("/favicon.ico", b"hello").status_code == 201
