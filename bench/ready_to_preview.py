"""How soon an image has its preview, at 1 and at 20 images a second, in the stack that tests/stack/with starts.

tests/stack/with .venv/bin/python bench/ready_to_preview.py

The images are photographs of 1600 x 1200 pixels, as phones send them. They come at an even rate from as many boxes as
that takes; clients, web, storage and decoders share the machine. The time is from the answer that an image is ready to
the answer of My Images that shows its preview. The client looks as soon as the page says that a browser looks again. If
it takes too long at 20 a second, lower rates follow, so that the table names the highest that holds. About 55 s.
"""

import argparse
import subprocess
import sys
import threading
import time
from pathlib import Path
from statistics import median, quantiles

from containers import processor
from figures import ROOT, Row, record
from sending import Sender

MOST = 0.7  # seconds, for 95 of 100
MOST_AT_ONCE = 60  # senders
LOWER = (8, 6, 4)
SERVICES = ("web", "worker", "postgres", "localstack")


class Run:
    """Images at an even rate, and the seconds after which the page of each shows its preview."""

    def __init__(self, content: bytes, rate: float, seconds: float):
        self._content, self._rate, self._count = content, rate, int(rate * seconds)
        self._next, self._lock = 0, threading.Lock()
        self._waited: list[float] = []
        self._failures: list[BaseException] = []
        self.turned_away = 0  # a 503 in place of an answer, because all places were taken
        self.late = 0.0  # by how much the latest image began too late, which shows whether the rate was kept

    def seconds(self) -> list[float]:
        self._began = time.monotonic() + 0.2
        senders = [threading.Thread(target=self._send) for _ in range(min(MOST_AT_ONCE, 2 + int(2 * self._rate)))]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        if self._failures:
            raise self._failures[0]
        return sorted(self._waited)

    def _send(self) -> None:
        sender = Sender()
        try:
            while (number := self._take()) < self._count:
                due = self._began + number / self._rate
                time.sleep(max(0.0, due - time.monotonic()))
                self.late = max(self.late, time.monotonic() - due)
                upload_id = sender.send(self._content, kind="image", name="photo.jpg")
                self._waited.append(sender.seconds_until_shown(upload_id))
        except (Exception, SystemExit) as error:
            self._failures.append(error)
        self.turned_away += sender.turned_away

    def _take(self) -> int:
        with self._lock:
            self._next += 1
            return self._next - 1


def photograph() -> bytes:
    """1600 x 1200 pixels with a photograph's noise. Made by another process, as libvips takes memory."""
    code = (
        "import sys, pyvips; from pictures import gradient, jpeg;"
        "noise = pyvips.Image.gaussnoise(1600, 1200, sigma=12);"
        "photo = (gradient(1600, 1200) + noise).cast('uchar').copy(interpretation='srgb');"
        "sys.stdout.buffer.write(jpeg(photo, Q=80))"
    )
    folder = Path(ROOT, "tests", "support")
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, check=True).stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=8, help="of images at each high rate")
    parser.add_argument("--rates", type=float, nargs="*", default=LOWER, help="lower rates to try")
    chosen = parser.parse_args()
    content = photograph()
    Run(content, 2, 2).seconds()  # the first starts the decoders
    slow = Run(content, 1, 20).seconds()
    size = f"1600 x 1200 JPEG of {len(content) / 1000:.0f} kB"
    reach = f"p95 ≤ {MOST} s"
    record(Row("9", f"ready to preview shown, 1 a second, {size}", "the limit", told(slow), reach, p95(slow) <= MOST))
    run = Run(content, 20, chosen.seconds)
    before = {service: processor(service) for service in SERVICES}
    fast = run.seconds()
    costs = ", ".join(
        f"{service} {(processor(service) - used) / len(fast) * 1000:.0f}" for service, used in before.items()
    )
    figure = f"{told(fast)}, sent up to {run.late:.0f} s late. Processor, in ms an image: {costs}"
    print(figure, flush=True)
    for rate in chosen.rates if p95(fast) > MOST else ():
        lower = Run(content, rate, chosen.seconds)
        seconds = lower.seconds()
        print(f"{rate:g} a second: {told(seconds)}; sent up to {lower.late:.1f} s late", flush=True)
        if p95(seconds) <= MOST and lower.late <= 1:
            figure += f". At {rate:g} a second: {told(seconds)}"
            break
    record(Row("9b", "the same, 20 images a second", "the limit", figure, reach, p95(fast) <= MOST))


def p95(seconds: list[float]) -> float:
    return quantiles(seconds, n=20)[-1]


def told(seconds: list[float]) -> str:
    return f"median {median(seconds):.2f} s, p95 {p95(seconds):.2f} s"


if __name__ == "__main__":
    main()
