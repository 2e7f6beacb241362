"""An operator looks at the tasks with a browser: Flower behind its login."""

import os
import re
from concurrent.futures import ThreadPoolExecutor

import pyvips
from playwright.sync_api import expect

from ..conftest import Visitor, compose, flower, tasks, until
from .conftest import visit

FLOWER = os.environ["FLOWER_URL"]


def with_login() -> dict[str, dict[str, str]]:
    name, _, password = os.environ["FLOWER_BASIC_AUTH"].partition(":")
    return {"http_credentials": {"username": name, "password": password}}


def with_a_preview() -> dict:
    """An image whose preview Flower has seen."""
    content = (pyvips.Image.black(600, 400, bands=3) + [200, 100, 50]).cast("uchar").pngsave_buffer()
    upload = Visitor().upload(content, kind="image", name="cat.png")
    until(lambda: [task["state"] for task in tasks(upload)] == ["SUCCESS"], seconds=20)
    return upload


def test_an_operator_logs_in_to_flower_and_reads_a_previews_row(browser):
    upload = with_a_preview()
    with visit(browser, **with_login()) as operator:
        page = operator.tab()
        page.goto(f"{FLOWER}/tasks")
        search = page.get_by_role("searchbox")
        search.fill(upload["id"])
        row = page.locator("#tasks-table tbody tr").filter(has_text=f"preview of {upload['id'][:8]}")
        expect(row).to_have_count(1)
        expect(row).to_contain_text("previews.preview")
        expect(row).to_contain_text(re.compile(r"0\.24 MP, \d+\.\d s"))
        search.fill("uploads.tasks.sweep")
        expect(page.get_by_text("uploads.tasks.sweep").first).to_be_visible()
        expect(page.locator("#tasks-table tbody tr").first).to_contain_text(re.compile("nothing was due|removed"))


def test_the_broker_page_of_flower_names_both_queues(browser):
    with visit(browser, **with_login()) as operator:
        page = operator.tab()
        page.goto(f"{FLOWER}/broker")
        for queue in ("previews", "removal"):
            expect(page.locator("#queue-table").get_by_text(queue, exact=True)).to_be_visible()


def test_many_questions_to_the_workers_at_once_are_all_answered():
    """Eight about each worker. Each takes two connections to Redis, and Flower has six."""
    workers = list(flower("workers", refresh="1"))
    assert sorted(name.partition("@")[0] for name in workers) == ["previews", "removal"]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda name: flower("workers", refresh="1", workername=name), 10 * workers))
    assert [list(answer) for answer in answers] == [[name] for name in 10 * workers]


def test_the_pages_of_flower_offer_no_control(browser):
    """Case 94."""
    with visit(browser, **with_login()) as operator:
        page = operator.tab()
        page.goto(f"{FLOWER}/workers")
        page.locator("#workers-table a.worker-name-link").filter(has_text="removal").click()
        expect(page.locator("#workername")).to_contain_text("removal@")
        for control in ("#worker-shutdown", "#worker-pool-restart", "#worker-pool-grow"):
            expect(page.locator(control)).to_have_count(0)


def test_flower_keeps_its_rows_over_a_restart():
    upload = with_a_preview()
    before = tasks(upload)
    compose("restart", "flower")
    compose("up", "--no-build", "--detach", "--wait", "flower")
    until(lambda: tasks(upload), seconds=20)
    assert [task["uuid"] for task in tasks(upload)] == [task["uuid"] for task in before]
    assert tasks(upload)[0]["result"] == before[0]["result"]
