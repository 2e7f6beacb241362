"""bench/simulate.py: the model of a busy site agrees with the theory of queues, where there is one."""

from statistics import mean

import pytest
from simulate import SWEEP_EVERY, Cost, Costs, Formation, Site
from visitors import HOUR, Action, Mix, Sent, actions, compressed

EVEN = (1,) * 24
NOTHING = Costs(idle=Cost())
SLOW = Costs(begin=Cost(), complete=Cost(), removal=Cost(worker=0.1), idle=Cost())  # 25 s for a share


def pages(a_second: float, seconds: float) -> list[Action]:
    """Visitors who each ask for one page, at random times."""
    mix = Mix(visits=a_second * 86_400, pages=1, uploads=0, hours=EVEN)
    return actions(mix, seed=3, end=seconds)


def uploads(count: int, lifetime: float, *, is_image: bool = False) -> list[Action]:
    """Uploads that all begin in the same moment."""
    return [Action(0, number, "upload", Sent(number, is_image, 1e6, 1, lifetime)) for number in range(count)]


def test_the_same_seed_gives_the_same_day():
    first, second = (Site().run(actions(Mix(), seed=7, end=HOUR), HOUR) for _ in range(2))
    assert first.answered == second.answered
    assert first.removed == second.removed
    assert first.processor == second.processor


def test_another_seed_gives_another_day():
    assert actions(Mix(), seed=1, end=HOUR) != actions(Mix(), seed=2, end=HOUR)


def test_arrivals_follow_the_hours_of_the_day():
    mix = Mix(visits=50_000, pages=1, uploads=0, hours=(1,) * 12 + (3,) * 12)
    at = [action.at for action in actions(mix, seed=1)]
    night = sum(time < 12 * HOUR for time in at)
    assert len(at) == pytest.approx(50_000, rel=0.02)
    assert (len(at) - night) / night == pytest.approx(3, rel=0.05)


def test_live_uploads_follow_littles_law():
    """Their mean number is the rate at which they come, times how long each stays."""
    mix = Mix(visits=40_000, uploads=1, downloads=0, lifetimes=((900, 1.0),), hours=EVEN)
    site = Site(costs=NOTHING).run(actions(mix, seed=5, end=4 * HOUR), 4 * HOUR)
    live = site.live([HOUR + 10 * step for step in range(1000)])
    assert mean(live) == pytest.approx(site.counts["upload"] / (4 * HOUR) * 900, rel=0.05)


@pytest.mark.parametrize("busy", [0.5, 0.8])
def test_a_queue_at_a_core_waits_as_the_theory_says(busy):
    """One server with a constant time of service: Pollaczek and Khinchine's formula."""
    seconds, takes = 8_000, 0.1
    site = Site(costs=Costs(page=Cost(web=takes), idle=Cost()))
    site.run(pages(busy / takes, seconds), seconds)
    assert site.busy("web", seconds) == pytest.approx(busy, rel=0.02)
    waits = mean(took for _, took in site.answered) - takes
    assert waits == pytest.approx(busy * takes / (2 * (1 - busy)), rel=0.1)


def test_a_share_of_a_core_makes_each_request_slower():
    costs = Costs(page=Cost(web=0.1), idle=Cost())
    site = Site(Formation(cores=0.25), costs).run([Action(0, 0, "page")], 10)
    assert site.answered == [(pytest.approx(0.4), pytest.approx(0.4))]
    assert site.busy("web", 10) == pytest.approx(0.01)  # of a whole core


def test_requests_wait_for_a_thread_while_storage_answers():
    costs = Costs(page=Cost(away=1), idle=Cost())
    site = Site(costs=costs).run([Action(0, number, "page") for number in range(7)], 10)
    assert site.threads.places == 6
    assert [took for _, took in site.answered] == [1] * 6 + [2]


def test_a_process_of_three_threads_completes_one_upload_at_a_time():
    costs = Costs(begin=Cost(), complete=Cost(away=1), idle=Cost())
    site = Site(costs=costs).run(uploads(4, 900), 10)
    assert sorted(ready for ready, _ in site.lives.values()) == [1, 1, 2, 2]


def test_a_second_web_dyno_brings_its_own_threads():
    costs = Costs(page=Cost(away=1), idle=Cost())
    site = Site(Formation(web=2), costs).run([Action(0, number, "page") for number in range(12)], 10)
    assert [took for _, took in site.answered] == [1] * 12


def test_nothing_is_removed_early_or_later_than_the_next_sweep():
    mix = Mix(lifetimes=((60, 1.0),))
    site = Site().run(actions(mix, seed=2, end=HOUR), HOUR)
    late = [seconds for _, seconds in site.removed]
    assert len(late) > 100
    assert min(late) >= 0
    assert max(late) < SWEEP_EVERY + 0.5
    assert mean(late) == pytest.approx(SWEEP_EVERY / 2, rel=0.1)


def test_every_upload_is_removed_once():
    site = Site().run(uploads(600, 30), 100)
    assert len(site.removed) == 600


def test_a_sweep_ends_after_its_time_and_the_next_goes_on():
    site = Site(costs=SLOW).run(uploads(750, 1), 200)
    assert len(site.removed) == 750
    assert max(at for at, _ in site.removed) == pytest.approx(SWEEP_EVERY + 75, abs=5)


def test_two_workers_share_a_backlog():
    ends = [
        max(at for at, _ in Site(Formation(worker=count), SLOW).run(uploads(1000, 1), 300).removed) for count in (1, 2)
    ]
    assert ends[0] - ends[1] > 30


def test_previews_are_made_two_at_a_time():
    costs = Costs(begin=Cost(), complete=Cost(), preview=Cost(away=1), megapixel=0, idle=Cost())
    site = Site(costs=costs).run(uploads(4, 900, is_image=True), 60)
    assert [wait for _, wait in site.previewed] == [1, 1, 2, 2]


def test_expired_uploads_are_not_hashed():
    costs = Costs(digest=Cost(worker=1.0), removal=Cost(), begin=Cost(), complete=Cost(), idle=Cost())
    assert Site(costs=costs).run(uploads(2, 20), 60).busy("worker", 60) == pytest.approx(2 / 60)
    assert Site(costs=costs).run(uploads(2, 10), 60).busy("worker", 60) == 0


def test_a_compressed_hour_has_the_same_actions_in_the_same_order():
    hour = actions(Mix(), seed=4, begin=20 * HOUR, end=21 * HOUR)
    short = compressed(hour, by=60, begin=20 * HOUR)
    assert [action.number for action in short] == [action.number for action in hour]
    assert short[-1].at == pytest.approx((hour[-1].at - 20 * HOUR) / 60)
    assert {action.sent.lifetime for action in short if action.sent} == {15, 60, 720}
