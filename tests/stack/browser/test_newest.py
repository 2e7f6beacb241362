"""Which images stay: those chosen last, in the order in which they were chosen, and the page says so beforehand."""

from playwright.sync_api import expect

from tests.support.samples import PNG

from .conftest import MiB

PLACES = ("hills", "night", "portrait", "panorama", "beach")


def pictures(make, *names: str, size: int = 0) -> list:
    return [make(f"{name}.png", PNG + name.encode() + bytes(size)) for name in names]


def names(surfer) -> list[str]:
    return [upload["name"] for upload in surfer.uploads("image")]


def test_of_four_images_the_first_is_named_and_not_sent(surfer, make):
    begun = []
    page = surfer.open("/images/")
    surfer.separate_links()
    page.on("request", lambda request: begun.append(request.post_data_json["name"]) if begins(request) else None)
    surfer.upload(*pictures(make, *PLACES[:4]))
    surfer.says("3 images fit. Left out: hills.png.")
    expect(page.locator(".card")).to_have_count(3)
    assert begun == ["night.png", "portrait.png", "panorama.png"]
    assert names(surfer) == ["panorama.png", "portrait.png", "night.png"]


def begins(request) -> bool:
    return request.method == "POST" and request.url.endswith("/api/uploads")


def test_the_page_names_the_image_that_will_be_deleted_before_it_is(surfer, make):
    page = surfer.open("/images/")
    surfer.separate_links()
    surfer.upload(*pictures(make, *PLACES[:3]))
    expect(page.locator(".card")).to_have_count(3)
    held = []
    page.route("**/complete", lambda route: held.append(route))
    surfer.upload(*pictures(make, "beach"))
    surfer.says("Deleted once the upload is complete: hills.png.")
    surfer.until(lambda: held)
    assert "hills.png" in names(surfer)
    held[0].continue_()
    surfer.see("beach.png")
    expect(page.locator(".upload-faults li")).to_have_count(0)
    assert names(surfer) == ["beach.png", "portrait.png", "night.png"]


def test_a_slow_first_image_is_still_completed_first(surfer, make, line):
    held = []

    def meddle(number, route):
        if held:
            return False
        held.append(route)
        return True

    line.meddle = meddle
    completed = []
    page = surfer.open("/images/")
    surfer.separate_links()
    page.on("request", lambda request: completed.append(request.url) if request.url.endswith("/complete") else None)
    first, *others = pictures(make, "hills", "night", "portrait", size=1 * MiB)
    surfer.upload(first)
    surfer.until(lambda: held)
    surfer.upload(*others)
    surfer.until(lambda: len(line.sent) == 3)
    page.wait_for_timeout(1000)
    assert not completed
    held[0].continue_()
    expect(page.locator(".card")).to_have_count(3)
    assert names(surfer) == ["portrait.png", "night.png", "hills.png"]


def test_an_image_under_way_that_no_longer_fits_is_stopped_and_named(surfer, make, line):
    line.meddle = lambda number, route: len(line.sent) <= 2
    page = surfer.open("/images/")
    surfer.separate_links()
    surfer.upload(*pictures(make, "hills", "night"))
    surfer.until(lambda: len(line.sent) == 2)
    surfer.upload(*pictures(make, "portrait", "panorama", "beach"))
    surfer.says("3 images fit. Left out: hills.png and night.png.")
    expect(page.locator(".card")).to_have_count(3)
    assert names(surfer) == ["beach.png", "panorama.png", "portrait.png"]
