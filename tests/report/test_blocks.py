import base64
import io

import matplotlib.image
import numpy as np
import pytest

from ggngan_tf import report


def pixels(png: bytes) -> np.ndarray:
    return (matplotlib.image.imread(io.BytesIO(png))[..., :3] * 255).round().astype(int)


def test_the_lung_window_shows_its_ends_black_and_white_and_its_level_grey():
    image = np.array([[-1350, -600, 150], [-2000, -600, 3000]])
    assert pixels(report.picture(image))[..., 0].tolist() == [[0, 128, 255], [0, 128, 255]]


def test_an_outline_is_the_edge_of_the_mask_and_leaves_its_inside_alone():
    mask = np.zeros((5, 5))
    mask[1:4, 1:4] = 1
    shown = pixels(report.picture(np.full((5, 5), -1350), outline=mask))
    orange = np.all(shown == (230, 159, 0), axis=-1)
    assert orange.sum() == 8
    assert not orange[2, 2]


def test_zoom_repeats_pixels_and_invents_none():
    shown = pixels(report.picture(np.array([[-1350, 150]]), zoom=3))
    assert shown.shape == (3, 6, 3)
    assert set(shown.ravel()) == {0, 255}


def test_a_page_holds_its_blocks_and_loads_nothing():
    png = report.picture(np.zeros((4, 4)))
    blocks = [
        report.Text("Plain words."),
        report.Table(["feature", "p"], [["Idm", 0.98402], ["none", float("nan")]], "Table 1"),
        report.Figure(png, "A caption"),
        report.Gallery([png, png], ["real", "synthetic"]),
    ]
    html = report.page("A title", [report.Section("A section", blocks)])
    for piece in ("<h1>A title</h1>", "Plain words.", "0.984", "n/a", "A caption", "synthetic"):
        assert piece in html
    assert html.count(base64.b64encode(png).decode()) == 3
    assert "http" not in html


def test_text_is_escaped():
    html = report.page("<b>", [report.Section("s", [report.Text("<script>x")])])
    assert "<b>" not in html
    assert "<script>x" not in html


def test_a_folded_table_can_be_opened():
    table = report.Table(["a"], [[1]], "All rows", folded=True)
    assert "<summary>All rows</summary>" in report.page("t", [report.Section("s", [table])])


def test_a_gallery_with_a_caption_too_few_is_refused():
    with pytest.raises(ValueError, match="zip"):
        report.page("t", [report.Section("s", [report.Gallery([b"\x89PNG", b"\x89PNG"], ["one"])])])
