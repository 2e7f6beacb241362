"""Links taken apart, and names that share a folder."""

import pytest

from mayfly_cli.values import Address, address_of, apart

ID = "4kQabcdeFghiJklmNopQr1"
SITE = "https://drop.example.org"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (f"{SITE}/u/{ID}/", Address(SITE, ID, may_be_bundle=False)),
        (f"{SITE}/u/{ID}/download?x=1", Address(SITE, ID, may_be_bundle=False)),
        (f"{SITE}/b/{ID}/", Address(SITE, ID, may_be_upload=False)),
        (f"/b/{ID}/zip", Address("", ID, may_be_upload=False)),
        (ID, Address("", ID)),
    ],
)
def test_a_link_says_what_it_leads_to(text, address):
    assert address_of(text) == address


@pytest.mark.parametrize("text", ["", "x", f"{ID}a", f"{SITE}/", f"{SITE}/u/{ID[1:]}/"])
def test_a_text_without_an_id_is_no_link(text):
    with pytest.raises(ValueError, match="neither a link"):
        address_of(text)


def test_names_of_one_folder_differ_on_every_system():
    names = ["a.txt", "A.TXT", "a.txt", ".env", ".env", "README", "readme", "a (2).txt"]
    chosen = apart(names)
    assert chosen[:2] == ["a.txt", "A (2).TXT"]
    assert len({name.casefold() for name in chosen}) == len(names)
    assert chosen[3:7] == [".env", ".env (2)", "README", "readme (2)"]
