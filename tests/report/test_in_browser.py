"""The page as a browser shows and prints it."""

import pathlib

import numpy as np
import pytest

from ggngan_tf import report
from ggngan_tf.report import figures

CHROMIUM = pathlib.Path("/usr/bin/chromium")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM.exists():
        pytest.skip(f"no browser at {CHROMIUM}: install chromium to check pages in it")
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=QUIET)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    random = np.random.default_rng(0)
    images = [report.picture(random.normal(-800, 100, (32, 32))) for _ in range(12)]
    rows = [[f"feature {i}", random.uniform(), "a long remark " * 3] for i in range(40)]
    blocks = [
        report.Text("A warning.", "warning"),
        report.Table(["feature", "p", "remark"], rows, "All rows", marked=[1], folded=True),
        report.Figure(figures.roc({"a judge": ([0, 0.2, 1], [0, 0.7, 1])}), "A curve"),
        report.Gallery(images, [f"real, row {i}" for i in range(12)], "A gallery", width=150),
    ]
    sections = [report.Section(title, blocks) for title in ("One", "Two", "Three")]
    found = tmp_path_factory.mktemp("page") / "report.html"
    found.write_text(report.page("A page", sections), encoding="utf-8")
    return found


@pytest.fixture
def page(browser, path):
    opened = browser.new_page(viewport={"width": 1200, "height": 900})
    opened.problems = []
    opened.on("pageerror", lambda error: opened.problems.append(str(error)))
    opened.on("console", lambda said: opened.problems.append(said.text))
    opened.on("request", lambda request: _note(opened, request.url))
    opened.goto(path.as_uri())
    yield opened
    opened.close()


def _note(page, url):
    if not url.startswith(("file:", "data:")):
        page.problems.append(url)


def test_every_picture_is_shown_and_nothing_is_fetched_or_complained_of(page):
    shown = page.evaluate("[...document.images].map(i => i.complete && i.naturalWidth > 0)")
    assert len(shown) == 3 * 13
    assert all(shown)
    assert page.problems == []


@pytest.mark.parametrize("width", [1200, 400])
def test_the_page_is_never_wider_than_its_window(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_contents_lead_to_their_sections(page):
    page.click("nav a >> text=Three")
    assert page.evaluate("location.hash") == "#s3"
    assert page.evaluate("document.querySelector('#s3').getBoundingClientRect().top") < 450


def test_a_folded_table_opens_on_a_click(page):
    cell = page.locator("td", has_text="feature 39").first
    assert not cell.is_visible()
    page.locator("summary").first.click()
    assert cell.is_visible()


def test_ct_pictures_are_enlarged_without_smoothing(page):
    image = page.locator(".gallery img").first
    assert image.evaluate("i => getComputedStyle(i).imageRendering") == "pixelated"
    assert image.evaluate("i => i.clientWidth") > 64


def test_a_print_opens_what_is_folded_and_leaves_out_the_contents(page):
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.locator("td", has_text="feature 39").first.is_visible()
    assert not page.locator("nav").is_visible()
    assert page.pdf(format="A4").startswith(b"%PDF")
