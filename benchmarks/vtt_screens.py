"""Takes the pictures of docs/turing.md, in a headless Chromium, of phantoms that nobody owns.

The "synthetic" nodules are drawn ones whose surroundings were smoothed: enough to look at pages.
"""

import argparse
import dataclasses
import pathlib
import shutil
import tempfile
import threading
import time

import numpy as np
import uvicorn
from playwright import sync_api
from scipy import ndimage

from ggngan_tf.cli import vtt_report
from ggngan_tf.data import nodules, phantom
from ggngan_tf.turing import documents, pack, readings, scoring, server, simulate

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
PORT = 8771


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("docs/turing"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        make_study(folder)
        report(folder)
        study, engine, links = server.open_study(folder / "study", None)
        app = server.application(folder / "study", study, engine, f"http://127.0.0.1:{PORT}")
        running = uvicorn.Server(uvicorn.Config(app, port=PORT, log_level="warning"))
        thread = threading.Thread(target=running.run, daemon=True)
        thread.start()
        while not running.started:
            time.sleep(0.05)
        try:
            take(folder, links, options.out)
        finally:
            running.should_exit = True
            thread.join(10)


def make_study(folder):
    sets = [phantom.nodule_set(phantom.make(seed, slices=12, nodules=3)) for seed in range(8)]
    for kind, chosen in (("real", sets[:4]), ("synthetic", sets[4:])):
        merged = merge(chosen, kind)
        if kind == "synthetic":
            merged = smooth(merged)
        nodules.write(merged, folder / f"{kind}.h5")
    design = pack.settings(
        real=10, synthetic=10, batches=1, readers=3, layout="crossed", training=1, marker=True
    )
    title = "Ground glass nodules: real or synthetic?"
    pack.pack(
        folder / "real.h5", folder / "synthetic.h5", folder / "study", design, rule="none",
        seed=2, title=title, series=False,
    )  # fmt: skip


def merge(sets, kind):
    joined = {
        field.name: np.concatenate([getattr(s, field.name) for s in sets])
        for field in dataclasses.fields(sets[0])
        if isinstance(getattr(sets[0], field.name), np.ndarray)
    }
    rows = len(joined["image"])
    joined["patient_id"] = np.array([f"{kind}-{i}" for i in range(rows)])
    return dataclasses.replace(sets[0], **joined, attributes={})


def smooth(real):
    image = real.image.copy()
    for row, (r, c) in zip(image, real.roi_centre, strict=True):
        part = slice(r - 16, r + 16), slice(c - 16, c + 16)
        row[part] = ndimage.gaussian_filter(row, 1.2)[part]
    return dataclasses.replace(real, image=image, attributes={"synthetic": True})


def report(folder):
    study = documents.read_study(folder / "study")
    key = folder / "study.key.json"
    secret = documents.read_key(key, study.study_id, study.commitment)
    table = simulate.read_study(study, secret, simulate.Skill(auc=0.75), seed=4)
    readings.write(table, folder / "answers.csv")
    results = scoring.score_study(
        folder / "study", key, folder / "results", answers=folder / "answers.csv"
    )
    vtt_report.write(folder / "results", results)


def take(folder, links, out):
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=ARGUMENTS, timeout=120_000
        )
        desk = open_page(browser, links["reader-1"], viewport={"width": 1280, "height": 800})
        desk.screenshot(path=out / "sign-in.png")
        begin(desk)
        desk.keyboard.press("3")
        desk.wait_for_selector("#feedback:not([hidden])")
        desk.wait_for_timeout(500)
        desk.screenshot(path=out / "practice.png")
        for key in ("ArrowRight", "2", "ArrowRight"):
            desk.keyboard.press(key)
            desk.wait_for_timeout(1500)
        box = desk.locator("#image").bounding_box()
        desk.mouse.click(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.45)
        desk.wait_for_timeout(500)
        desk.screenshot(path=out / "reading.png")
        tablet = open_page(
            browser, links["reader-2"], viewport={"width": 820, "height": 1180}, has_touch=True
        )
        begin(tablet)
        tablet.screenshot(path=out / "tablet.png")
        phone = open_page(
            browser, links["reader-3"], viewport={"width": 390, "height": 844}, has_touch=True
        )
        begin(phone)
        phone.screenshot(path=out / "phone.png")
        study = open_page(browser, links["organiser"], viewport={"width": 1280, "height": 560})
        study.click("#begin")
        study.wait_for_selector("#readers tr")
        study.wait_for_timeout(500)
        study.screenshot(path=out / "organiser.png")
        page = browser.new_page(viewport={"width": 1100, "height": 1500})
        page.goto((folder / "results" / "report.html").as_uri())
        page.screenshot(path=out / "report.png")
        browser.close()


def open_page(browser, token, **context):
    page = browser.new_context(**context).new_page()
    page.set_default_timeout(120_000)
    page.goto(f"http://127.0.0.1:{PORT}/join#{token}")
    return page


def begin(page):
    page.click("#begin")
    page.wait_for_selector("#count:not(:empty)")
    page.wait_for_timeout(1000)


if __name__ == "__main__":
    main()
