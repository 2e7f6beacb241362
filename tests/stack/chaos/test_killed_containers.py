"""Containers are killed and started again at random while clients use the rest of the stack."""

import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from . import stack
from .clients import SHORT, Client, Warden
from .ledger import Clock, Ledger
from .stack import SECONDS

SEED = os.environ.get("CHAOS_SEED", "20")
CLIENTS = 8
# LocalStack loses all objects when it ends, so test_broken_parts.py has a test of its own for it.
KILLED = tuple(service for service in stack.SERVICES if service != "localstack")


@dataclass
class Outage:
    service: str
    began: float
    ended: float


def kill_at_random(seconds: float, table: stack.Ask, clock: Clock) -> list[Outage]:
    """Kill one container after another, sometimes two at once, and each of them at least once."""
    choose, end, outages = random.Random(SEED), time.monotonic() + seconds, []
    waiting = choose.sample(KILLED, len(KILLED))
    while waiting or time.monotonic() < end:
        services = {waiting.pop() if waiting else choose.choice(KILLED)}
        if choose.random() < 0.25:
            services.add(choose.choice(KILLED))
        began = clock.now()
        for service in services:
            stack.kill(service)
        time.sleep(choose.uniform(0.2, 4))
        stack.start(*services)
        time.sleep(choose.uniform(1, 5))
        table("SELECT 1")  # waits until Postgres answers
        outages += [Outage(service, began, clock.now()) for service in services]
    return outages


def test_every_ready_upload_survives_crashes_until_its_deadline(table, bucket, tmp_path, say):
    clock, start = Clock(table), time.monotonic()
    ledger = Ledger(clock)
    warden = Warden(ledger)
    clients = [Client(f"client{number}", SEED, ledger, tmp_path, warden.watch) for number in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS + 1) as pool:
        killing = pool.submit(kill_at_random, SECONDS, table, clock)
        used = [pool.submit(client.run, killing.done) for client in clients]
        outages = killing.result()
        for use in used:
            use.result()
    say(f"chaos: seed {SEED}, {CLIENTS} clients for {time.monotonic() - start:.0f} s")
    stack.healthy()

    # Wait until short uploads have expired; all others are there to the last byte.
    lasting = clock.now() + 2 * max(SHORT)
    brief = [upload.expires_at for upload in ledger.followed if upload.expires_at < lasting]
    time.sleep(max(0, max(brief) - clock.now() + 1))
    looked = warden.finish()
    kept = [upload for upload in ledger.followed if not upload.let_go and upload.expires_at > lasting]
    before = ledger.fetched
    for upload in kept:
        clients[0].fetch(upload)
    assert ledger.problems() == {}
    assert ledger.fetched - before == len(kept) > 0
    early = table("SELECT id FROM uploads_upload WHERE state = 'gone' AND removed_at < expires_at")
    assert not {upload.id for upload in ledger.followed if not upload.let_go} & {pk for (pk,) in early}

    # After a sweep and a reconcile table and bucket agree, and both have lost the expired uploads.
    stack.one_sweep(table)
    code, said = stack.reconcile()
    assert code == 0, said
    assert stack.differences(table, bucket) == {}
    assert table("SELECT id FROM uploads_upload WHERE state IN ('pending', 'ready') AND expires_at <= now()") == []
    over = {f"uploads/{upload.id}" for upload in ledger.followed if upload.over_at <= clock.now()}
    assert not over & bucket.keys("uploads/")
    latest = stack.latest_removal(table)

    # Let the rest expire: the uploads that were kept, and transfers whose client never got their id.
    stack.end_all(table)
    stack.one_sweep(table)
    code, said_at_the_end = stack.reconcile()
    assert code == 0, said_at_the_end
    assert bucket.keys("uploads/") == set()
    assert bucket.transfers() == set()
    assert table("SELECT id, state FROM uploads_upload WHERE state <> 'gone'") == []

    # The run met all services, and web answered 500 only while it had no database.
    assert {outage.service for outage in outages} == set(KILLED)
    assert len(ledger.followed) > SECONDS / 2
    assert looked > 0
    away = [outage for outage in outages if outage.service == "postgres"]
    assert [
        what
        for asked, answered, what in ledger.broken
        if not any(asked < outage.ended and answered > outage.began for outage in away)
    ] == []
    assert latest < 2 * stack.LATE
    kills = ", ".join(f"{service} {sum(o.service == service for o in outages)}" for service in KILLED)
    say(f"chaos: {len(ledger.followed)} uploads followed, fetched {ledger.fetched} times, {len(kept)} at the end")
    say(f"chaos: {len(outages)} kills survived ({kills}); {ledger.waited} answers came after an outage")
    say(f"chaos: 0 losses, 0 leaks, 0 served late in {looked} checks; the latest removal {latest:.1f} s after its time")
    say(f"chaos: reconcile found {', '.join(line for line in said.splitlines() if ' without ' in line)}")
