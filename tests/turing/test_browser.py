"""Two people read a whole study in a real browser; the server is killed under one of them."""

import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from click import testing

from ggngan_tf.cli import main
from ggngan_tf.data import nodules
from ggngan_tf.synthesis import repaint, saved
from ggngan_tf.turing import documents, pack

playwright = pytest.importorskip(
    "playwright.sync_api", reason="the browser test needs playwright (extra `test`)"
)
pytest.importorskip("fastapi", reason="the web reader needs the extra `vtt`")

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
CASES = 8
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium here: install it, or name it in CHROMIUM"
)


@pytest.fixture(scope="module")
def study(lidc, tmp_path_factory):
    """A pack of real nodules and of ones painted anew, 4 of each and one of each to learn."""
    folder = tmp_path_factory.mktemp("browser")
    parts = lidc.select("mean").split(seed=1, fractions=(0.5, 0.0, 0.5))
    nodules.write(parts["train"], folder / "real.h5")
    painted = repaint.repaint(parts["test"], saved.load(), seed=3)
    nodules.write(painted, folder / "synthetic.h5")
    design = pack.settings(
        real=4, synthetic=4, batches=1, readers=2, layout="crossed", training=1, marker=True
    )
    pack.pack(folder / "real.h5", folder / "synthetic.h5", folder / "study", design, seed=3)
    return folder / "study"


class Served:
    """`ggngan vtt serve` on a free port of this computer, to be killed and started again."""

    def __init__(self, folder: pathlib.Path):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.folder, self.url = folder, f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self):
        program = "from ggngan_tf.cli.main import main; main()"
        arguments = ["vtt", "serve", str(self.folder), "--port", str(self.port)]
        self.process = subprocess.Popen([sys.executable, "-c", program, *arguments])
        until = time.monotonic() + 120
        while time.monotonic() < until and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.1)
        self.kill()
        pytest.fail("the server did not start")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def link(self, name):
        table = pd.read_csv(self.folder.with_name("study.links.csv"), index_col="name")
        return table["link"][name]


@pytest.fixture(scope="module")
def served(study):
    server = Served(study)
    yield server
    server.kill()


@pytest.fixture(scope="module")
def chromium():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


def open_page(chromium, served, name, **context):
    """Signs in and returns a page that fails its test on any script error or foreign request."""
    page = chromium.new_context(**context).new_page()
    page.set_default_timeout(60_000)
    page.faults = []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on(
        "console",
        lambda m: page.faults.append(m.text) if "Content Security Policy" in m.text else None,
    )
    page.on(
        "request",
        lambda r: None if r.url.startswith(served.url) else page.faults.append(r.url),
    )
    page.goto(served.link(name))
    assert "#" not in page.url  # the secret does not stay in the address
    (page.tap if context.get("has_touch") else page.click)("#begin")
    return page


def wait_for_case(page, text):
    """Waits until a case's image and controls are there."""
    page.wait_for_function(
        """text => document.getElementById("count")?.textContent === text
               && document.getElementById("status").textContent === "" """,
        arg=text,
    )


def count(number):
    """Returns what the page says of a case: two for practice come first."""
    return f"Practice case {number + 1} of 2" if number < 2 else f"Case {number - 1} of {CASES}"


def test_two_readers_a_restart_export_score_and_report(chromium, served, study, tmp_path):
    by_keyboard(chromium, served)
    by_touch_with_a_crash(chromium, served)
    export = organise(chromium, served, tmp_path)
    score(study, export, tmp_path / "results")


def by_keyboard(chromium, served):
    page = open_page(chromium, served, "reader-1", viewport={"width": 1280, "height": 800})
    for number in range(2 + CASES):
        wait_for_case(page, count(number))
        check_picture(page)
        if number == 3:
            change_the_view(page)
        page.keyboard.press(str(1 + number % 4))
        if number < 2:  # the truth is told, and the reader goes on by key
            page.wait_for_selector("#feedback:not([hidden])")
            assert re.fullmatch("This nodule is (real|synthetic).", page.text_content("#feedback"))
            page.keyboard.press("ArrowRight")
        if number == 4:
            go_back_and_forth(page, number)
    page.wait_for_selector("#done:not([hidden])")
    assert page.faults == []
    page.context.close()


def check_picture(page):
    """The canvas shows an image of many greys, not a blank."""
    greys = page.evaluate(
        """() => new Promise(done => requestAnimationFrame(() => {
            const canvas = document.getElementById("image");
            const data = canvas.getContext("2d")
                .getImageData(0, 0, canvas.width, canvas.height).data;
            const seen = new Set();
            for (let i = 0; i < data.length; i += 4) seen.add(data[i]);
            done(seen.size);
        }))"""
    )
    assert greys > 20


def change_the_view(page):
    before = page.text_content("#values")
    box = page.locator("#image").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.wheel(0, -300)
    page.mouse.down()
    page.mouse.move(x + 60, y - 40, steps=4)
    page.mouse.up()
    page.wait_for_function(
        "text => document.getElementById('values').textContent !== text", arg=before
    )
    assert page.text_content("#place").startswith("Click or tap")  # a drag is no click
    assert "100%" not in page.text_content("#values")
    page.mouse.click(x, y)
    assert page.text_content("#place") == "Place marked"
    page.fill("#remark", "too smooth 1234")  # digits in a remark are no answers
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    page.wait_for_function("() => document.getElementById('values').textContent.includes('100%')")


def go_back_and_forth(page, number):
    wait_for_case(page, count(number + 1))
    page.keyboard.press("ArrowLeft")
    wait_for_case(page, count(number))
    chosen = page.locator("#choices [aria-pressed=true]")
    assert chosen.get_attribute("data-rating") == str(1 + number % 4)
    page.keyboard.press("p")
    assert page.is_visible("#paused")
    page.keyboard.press("2")  # nothing happens while it is paused
    page.keyboard.press("p")
    page.keyboard.press("ArrowRight")


def by_touch_with_a_crash(chromium, served):
    tablet = {"viewport": {"width": 820, "height": 1180}, "has_touch": True, "is_mobile": True}
    page = open_page(chromium, served, "reader-2", **tablet)
    for number in range(2 + CASES):
        wait_for_case(page, count(number))
        button = f"#choices [data-rating='{4 - number % 4}']"
        if number == 5:
            served.kill()
            page.tap(button)
            page.wait_for_selector("#status.error")
            assert page.text_content("#status").startswith("Not saved")
            assert page.text_content("#count") == count(number)
            served.start()
        page.tap(button)
        if number < 2:
            page.wait_for_selector("#feedback:not([hidden])")
            page.tap("#next")
        if number == 6:  # as on another device: the place in the study is the server's
            wait_for_case(page, count(number + 1))
            page.reload()
    page.wait_for_selector("#done:not([hidden])")
    assert page.faults == []
    page.context.close()


def organise(chromium, served, folder):
    page = open_page(chromium, served, "organiser", accept_downloads=True)
    page.wait_for_function(
        """() => [...document.querySelectorAll("#readers .done")]
                   .map(cell => cell.textContent).join() === "10 / 10,10 / 10" """
    )
    with page.expect_download() as download:
        page.click("text=Export the readings")
    download.value.save_as(folder / "readings.csv")
    page.on("dialog", lambda dialog: dialog.accept())
    page.click("#close")
    page.wait_for_selector("#state.closed")
    assert page.faults == []
    page.context.close()
    return folder / "readings.csv"


def score(study, export, out):
    table = pd.read_csv(export)
    rows = {name: group.sort_values("position") for name, group in table.groupby("reader")}
    numbers = np.arange(2, 2 + CASES)
    assert list(rows["reader-1"]["rating"]) == list(1 + numbers % 4)
    assert list(rows["reader-2"]["rating"]) == list(4 - numbers % 4)
    assert (table["seconds"] > 0).all() and (table["seconds"] < 120).all()
    marked = rows["reader-1"][rows["reader-1"]["comment"] == "too smooth 1234"].iloc[0]
    assert abs(marked["row"] - 35.5) < 15 and abs(marked["column"] - 35.5) < 15
    command = ["vtt", "score", str(study), "--key", f"{study}.key.json", "--out", str(out)]
    found = testing.CliRunner().invoke(main.main, command)
    assert found.exit_code == 0, found.output
    assert "16 readings of 8 cases" in found.output
    assert "Agreement" in (out / "report.html").read_text()
    expected = documents.read_study(study).study_id
    assert expected in (out / "report.html").read_text()
