"""The pair of workers: how it begins and ends. Their work is tested against the stack."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

PAIR = """
import os, signal, sys
from mayfly import workers

def say(*words):  # in one piece, because both write
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

def run(queue, arguments):
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM]) & workers.SIGNALS
    say(queue, *arguments, os.getpid())
    signal.sigwait([signal.SIGTERM])
    say(queue, "told to end")
    sys.exit(int(os.environ.get(queue, "0")))

workers.run = run
workers.main(sys.argv[1:])
"""


@contextmanager
def started(settings, tmp_path, *arguments, **results):
    """A pair whose workers only wait, and the process ids of both by queue."""
    environment = os.environ | {"CELERY_SKIP_CHECKS": "true", "DATA_DIR": str(tmp_path)} | results
    process = subprocess.Popen(
        [sys.executable, "-c", PAIR, *arguments],
        env=environment,
        cwd=settings.BASE_DIR,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        said = [process.stdout.readline().split() for _ in range(3)]
        yield process, said[0], {line[0]: line[1:] for line in said[1:]}
    finally:
        process.terminate()
        process.communicate(timeout=20)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_both_and_then_the_pair(settings, tmp_path, number):
    with started(settings, tmp_path) as (process, _, _):
        process.send_signal(number)
        said = process.communicate(timeout=20)[0].splitlines()
        assert sorted(said) == ["previews told to end", "removal told to end"]
        assert process.returncode == 0


@pytest.mark.parametrize(("queue", "other"), [("removal", "previews"), ("previews", "removal")])
def test_if_one_dies_the_other_is_ended_and_the_pair_fails(settings, tmp_path, queue, other):
    with started(settings, tmp_path) as (process, _, workers):
        os.kill(int(workers[queue][-1]), signal.SIGKILL)
        assert process.communicate(timeout=20)[0].splitlines() == [f"{other} told to end"]
        assert process.returncode == 1


@pytest.mark.parametrize("queue", ["removal", "previews"])
def test_an_error_at_the_end_fails_the_pair(settings, tmp_path, queue):
    with started(settings, tmp_path, **{queue: "3"}) as (process, _, _):
        process.terminate()
        process.communicate(timeout=20)
        assert process.returncode == 1


def test_beat_runs_in_removal_and_both_get_the_other_arguments(settings, tmp_path):
    with started(settings, tmp_path, "--beat", "--include", "slow") as (_, said, workers):
        assert " ".join(said) == "starting the workers of removal and previews, with beat"
        assert workers["removal"][:-1] == ["--concurrency", "1", "--beat", "--include", "slow"]
        assert workers["previews"][:-1] == ["--include", "slow"]
