"""Load test of the web reader: many readers at once, the server killed in the middle.

Starts `ggngan vtt serve` on this computer only, lets simulated browsers read all cases over
loopback, kills the server with SIGKILL at half time, starts it again, and compares what the
database holds with what the browsers were told was saved.
"""

import argparse
import dataclasses
import http.client
import json
import pathlib
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import numpy as np

from ggngan_tf.data import nodules
from ggngan_tf.turing import pack, server, store


@dataclasses.dataclass
class Tally:
    """What all browsers have seen; list.append needs no lock."""

    loads: list[float] = dataclasses.field(default_factory=list)
    answers: list[float] = dataclasses.field(default_factory=list)
    saved: dict[str, list[int]] = dataclasses.field(default_factory=dict)
    retries: list[str] = dataclasses.field(default_factory=list)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=50)
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--size", type=int, default=512, help="Rows and columns of a slice.")
    parser.add_argument("--think", type=float, default=1.0, help="Mean seconds before an answer.")
    parser.add_argument("--no-kill", action="store_true")
    parser.add_argument("--limit", type=float, default=540, help="Give up after so many seconds.")
    parser.add_argument("--out", type=pathlib.Path, help="JSON.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(pathlib.Path(folder), options)
    print(f"{options.readers} readers x {options.cases} cases of {options.size} x {options.size}, "
          f"think time {options.think} s, {result['seconds']:.0f} s in all")  # fmt: skip
    print(f"{'':12} {'n':>6} {'median':>8} {'95%':>8} {'99%':>8} {'most':>8}   (ms)")
    for name in ("case load", "answer"):
        row = result[name]
        print(f"{name:12} {row['n']:6} " + " ".join(f"{row[k]:8.1f}" for k in
              ("median", "p95", "p99", "max")))  # fmt: skip
    print(f"killed: {result['killed']}, retries: {result['retries']}, "
          f"answers confirmed: {result['confirmed']}, in the database: {result['stored']}, "
          f"lost: {result['lost']}")  # fmt: skip
    if options.out:
        options.out.write_text(json.dumps(result, indent=1) + "\n")
    sys.exit(1 if result["lost"] or result["confirmed"] < options.readers * options.cases else 0)


def measure(folder, options):
    _, engine, links = prepare(folder, options)
    port = free_port()
    running = [start(folder / "study", port)]
    tally, began = Tally(), time.monotonic()
    stop = began + options.limit
    names = [name for name in links if name != "organiser"]
    threads = [
        threading.Thread(target=read, args=(name, links[name], port, tally, options, stop))
        for name in names
    ]
    try:
        for thread in threads:
            thread.start()
        if not options.no_kill:
            kill_at_half_time(running, folder, port, tally, options, stop)
        for thread in threads:
            thread.join(max(0.0, stop - time.monotonic()) + 10)
    finally:
        running[-1].kill()
        running[-1].wait()
    seconds = time.monotonic() - began
    return summary(tally, store.export(engine), seconds, not options.no_kill)


def prepare(folder, options):
    random_numbers = np.random.default_rng(0)
    half = options.cases // 2
    for kind, marks in (("real", {}), ("synthetic", {"synthetic": True})):
        nodules.write(draw(half, options.size, kind, random_numbers, marks), folder / f"{kind}.h5")
    design = pack.settings(
        real=half, synthetic=half, batches=1, readers=options.readers, layout="crossed"
    )
    pack.pack(
        folder / "real.h5", folder / "synthetic.h5", folder / "study", design, rule="none",
        seed=1, series=False,
    )  # fmt: skip
    return server.open_study(folder / "study", None)


def draw(rows, size, kind, random_numbers, attributes):
    image = random_numbers.normal(-850, 50, (rows, size, size)).astype(np.int16)
    mask = np.zeros((rows, size, size), np.uint8)
    mask[:, size // 2 - 5 : size // 2 + 5, size // 2 - 5 : size // 2 + 5] = 1
    ratings = np.ones((rows, 4), np.int8)
    names = np.array([f"{kind}-{i}" for i in range(rows)])
    return nodules.NoduleSet(
        image=image, mask=mask,
        roi_centre=np.full((rows, 2), size // 2, np.int32),
        pixel_spacing=np.full((rows, 2), 0.7, np.float32),
        texture=ratings, malignancy=ratings, subtlety=ratings,
        patient_id=names, series_uid=names, sop_uid=names, manufacturer=names,
        nodule_id=np.arange(rows, dtype=np.int32), attributes=attributes,
    )  # fmt: skip


def start(folder, port):
    program = "from ggngan_tf.cli.main import main; main()"
    arguments = ["vtt", "serve", str(folder), "--port", str(port)]
    command = [sys.executable, "-c", program, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return process
        except OSError:
            time.sleep(0.1)
    process.kill()
    raise SystemExit("the server did not start within 120 s")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def kill_at_half_time(running, folder, port, tally, options, stop):
    half = options.readers * options.cases // 2
    while sum(map(len, tally.saved.values())) < half and time.monotonic() < stop:
        time.sleep(0.05)
    running[-1].send_signal(signal.SIGKILL)
    running[-1].wait()
    running.append(start(folder / "study", port))


def read(name, token, port, tally, options, stop):
    """One browser: signs in, then loads and answers case after case, trying again on failure."""
    draws = random.Random(name)
    browser = Browser(port, tally, stop)
    browser.call("POST", "/api/session", {"token": token})
    slots = json.loads(browser.call("GET", "/api/session"))["slots"]
    saved = tally.saved.setdefault(name, [])
    for slot in (entry["slot"] for entry in slots):
        began = time.perf_counter()
        before = browser.retries
        browser.call("GET", f"/api/cases/{slot}")
        browser.call("GET", f"/api/images/{slot}")
        if browser.retries == before:  # a restart is waited for, and is no load time
            tally.loads.append(time.perf_counter() - began)
        if options.think:
            time.sleep(draws.expovariate(1 / options.think))
        rating, began, before = draws.randint(1, 4), time.perf_counter(), browser.retries
        browser.call("POST", f"/api/cases/{slot}/answer", {"rating": rating, "seconds": 1.0})
        saved.append(rating)
        if browser.retries == before:
            tally.answers.append(time.perf_counter() - began)


class Browser:
    """One kept-alive connection with a cookie; repeats a request until it is answered."""

    def __init__(self, port, tally, stop):
        self.port, self.tally, self.stop = port, tally, stop
        self.cookie, self.retries, self.connection = "", 0, None

    def call(self, method, path, body=None):
        while time.monotonic() < self.stop:
            try:
                return self._once(method, path, body)
            except (OSError, http.client.HTTPException) as error:
                self.retries += 1
                self.tally.retries.append(type(error).__name__)
                self.connection = None
                time.sleep(0.2)
        raise SystemExit("out of time")

    def _once(self, method, path, body):
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Cookie": self.cookie} if self.cookie else {}
        if body is not None:
            headers["Content-Type"] = "application/json"
        self.connection.request(method, path, None if body is None else json.dumps(body), headers)
        reply = self.connection.getresponse()
        content = reply.read()
        if reply.status in (429, 503):
            raise http.client.HTTPException(str(reply.status))
        if reply.status != 200:
            raise SystemExit(f"{method} {path}: {reply.status} {content[:200]!r}")
        self.cookie = (reply.getheader("Set-Cookie") or self.cookie).split(";")[0]
        return content


def summary(tally, rows, seconds, killed):
    stored = {}
    for row in rows:
        stored.setdefault(row["reader"], []).append(row["rating"])
    lost = sum(
        sum(a != b for a, b in zip(given, stored.get(name, []), strict=False))
        + max(0, len(given) - len(stored.get(name, [])))
        for name, given in tally.saved.items()
    )
    return {
        "seconds": seconds,
        "case load": quantiles(tally.loads),
        "answer": quantiles(tally.answers),
        "killed": killed,
        "retries": len(tally.retries),
        "confirmed": sum(map(len, tally.saved.values())),
        "stored": len(rows),
        "lost": lost,
    }


def quantiles(values):
    values = 1000 * np.array(values)
    median, p95, p99 = np.quantile(values, [0.5, 0.95, 0.99])
    return {"n": len(values), "median": median, "p95": p95, "p99": p99, "max": values.max()}


if __name__ == "__main__":
    main()
