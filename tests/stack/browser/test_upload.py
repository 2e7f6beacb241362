"""Sending, the ways that people have for it, in a browser."""

from .conftest import MiB, digest


def test_a_file_chosen_by_the_button_arrives_byte_for_byte(surfer, make):
    film = make("film.mp4", 20 * MiB + 17)
    surfer.open("/files/")
    surfer.upload(film)
    surfer.see("film.mp4")
    [upload] = surfer.uploads("file")
    assert digest(surfer.download(upload)) == digest(film.read_bytes())
