"""The last step of an upload, when storage takes its time to put the parts together."""

from ..conftest import URL

COMPLETE = f"{URL}/api/uploads/*/complete"
PUTTING_TOGETHER = "Putting the parts together."


def test_the_page_says_that_the_parts_are_put_together(surfer, make):
    held = []
    page = surfer.open("/files/")
    page.route(COMPLETE, lambda route: held.append(route))
    surfer.upload(make("film.mp4", 1000))
    surfer.says(PUTTING_TOGETHER)
    held[0].continue_()
    surfer.see("film.mp4")


def test_the_page_asks_again_soon_if_completing_takes_longer(surfer, make):
    """Case 88."""
    asked = []

    def answer(route) -> None:
        asked.append(route)
        if len(asked) > 1:
            return route.continue_()
        error = {"error": {"code": "busy", "message": "This upload is just being completed."}}
        return route.fulfill(status=503, json=error, headers={"Retry-After": "2"})

    page = surfer.open("/files/")
    page.route(COMPLETE, answer)
    surfer.upload(make("film.mp4", 1000))
    surfer.says(f"{PUTTING_TOGETHER} Trying again in")
    surfer.see("film.mp4")
    assert len(asked) == 2
