"""The lists of both pages in each engine: every upload that turns ready is in them, in every tab."""

import pytest

from tests.support.samples import PNG

ROUNDS = 5
DISPATCH = "window.shown = a; document.dispatchEvent(new Event('visibilitychange'))"


@pytest.mark.parametrize(("kind", "count"), [("image", 2), ("file", 4)])
def test_uploads_that_end_close_together_are_all_listed(surfer, make, kind, count):
    for number in range(ROUNDS):
        surfer.open(f"/{kind}s/")
        surfer.separate_links()
        names = [f"{number}-{letter}.png" for letter in "abcd"[:count]]
        surfer.upload(*(make(name, PNG + name.encode()) for name in names))
        for name in names:
            surfer.see(name)


def test_a_second_tab_shows_what_comes_and_goes_in_the_first(surfer, make):
    surfer.open("/files/")
    first = surfer.engine.tab
    second = surfer.engine.new_tab()
    surfer.open("/files/")
    surfer.upload(make("a.txt", 10))
    surfer.see("a.txt")
    surfer.engine.switch(first)
    surfer.see("a.txt")
    surfer.engine.switch(second)
    surfer.delete("a.txt")
    surfer.until(lambda: surfer.listed() == [])
    surfer.engine.switch(first)
    surfer.until(lambda: surfer.listed() == [])


def test_a_hidden_tab_that_comes_to_the_front_reads_the_list(surfer):
    surfer.open("/files/")
    surfer.engine.run(
        "Object.defineProperty(document, 'visibilityState', {get: () => window.shown, configurable: true})"
    )
    surfer.engine.run(DISPATCH, "hidden")
    surfer.send_elsewhere("elsewhere.txt")
    surfer.engine.run(DISPATCH, "visible")
    surfer.see("elsewhere.txt")


def test_the_form_forgets_an_upload_that_was_deleted(surfer, make):
    surfer.open("/files/")
    surfer.upload(make("a.txt", 10))
    surfer.see("a.txt")
    surfer.says("a.txt")
    surfer.delete("a.txt")
    surfer.until(lambda: "a.txt deleted." in surfer.engine.text("#messages"))
    surfer.until(lambda: "a.txt" not in surfer.status())
