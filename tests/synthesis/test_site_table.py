import types

import numpy as np
import pytest

from ggngan_tf import errors
from ggngan_tf.synthesis import sites


def series(orientation=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0), slices=4):
    """Slices 2.5 mm apart from z = -100 mm; pixel (0, 0) at x = -50, y = -80 mm."""
    return types.SimpleNamespace(
        volume=np.full((slices, 100, 120), -850, np.int16),
        pixel_spacing=(0.8, 0.5),
        slice_spacing=2.5 if slices > 1 else None,
        slice_thickness=2.5,
        orientation=orientation,
        positions=np.array([(-50.0, -80.0, -100.0 + 2.5 * i) for i in range(slices)]),
    )


def read(tmp_path, text, scan=None, lung=None, seed=0):
    path = tmp_path / "sites.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return sites.read(path, scan or series(), lung, np.random.default_rng(seed))


def place(site):
    return site.slice, site.row, site.column


def test_a_table_in_pixels_gives_its_sites_in_order(tmp_path):
    found = read(tmp_path, "slice,row,column,diameter_mm\n2,30,40,8.5\n0,50,90,12\n")
    assert [place(site) for site in found] == [(2, 30, 40), (0, 50, 90)]
    assert [site.diameter_mm for site in found] == [8.5, 12.0]
    assert found[1].source.endswith("sites.csv, line 3")


def test_millimetres_are_taken_to_the_nearest_pixel_and_slice(tmp_path):
    # x: (-30 + 50) / 0.5 = column 40; y: (-56 + 80) / 0.8 = row 30; z: (-94.4 + 100) / 2.5 = 2.24.
    (site,) = read(tmp_path, "x,y,z,diameter_mm\n-30,-56,-94.4,9\n")
    assert place(site) == (2, 30, 40)


def test_a_prone_patients_millimetres_count_the_other_way(tmp_path):
    # Rows run to the right and columns to the front: x falls by 0.5 and y by 0.8 mm a pixel.
    scan = series(orientation=(-1.0, 0.0, 0.0, 0.0, -1.0, 0.0))
    (site,) = read(tmp_path, "x,y,z,diameter_mm\n-70,-104,-100,9\n", scan)
    assert place(site) == (0, 30, 40)
    assert site.zone == "left posterior"


def test_a_spreadsheets_byte_order_mark_semicolons_and_capitals_are_understood(tmp_path):
    text = "\ufeffSlice; Row ;Column;note\r\n1;30;40;hazy\r\n\r\n"
    (site,) = read(tmp_path, text.encode())
    assert place(site) == (1, 30, 40)


def test_a_diameter_left_out_is_drawn_from_the_seed(tmp_path):
    text = "slice,row,column,diameter_mm\n0,30,40,\n0,60,90,7\n"
    first, again, other = (read(tmp_path, text, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first[0].diameter_mm != other[0].diameter_mm and 5 <= first[0].diameter_mm <= 30
    assert first[1].diameter_mm == 7.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: has the columns none"),
        ("row,column\n3,4\n", "line 1: has the columns row, column; needed are slice,row,column"),
        ("slice,row,column\n", "has no sites"),
        ("slice,row,column\n1,2\n", "line 2: column is ''; give a number"),
        ("slice,row,column\n0,5,5\n1,two,3\n", "line 3: row is 'two'"),
        ("slice,row,column\n1,nan,3\n", "line 2: row is 'nan'"),
        ("slice,row,column,diameter_mm\n1,2,3,-4\n", "line 2: diameter_mm is -4"),
        ("slice,row,column\n4,2,3\n", "line 2: slice 4, .*outside the scan; it has 4 slices"),
        ("slice,row,column\n0,-1,3\n", "line 2: slice 0, row -1, .*outside the scan"),
        ("slice,row,column\n1,1e30,3\n", "line 2: .*outside the scan"),
        ("x,y,z\n500,-56,-100\n", r"line 2: \(500, -56, -100\) mm is slice 0, .*outside the scan"),
        ("x,y,z\n-30,-56,-80\n", r"line 2: .* 12.5 mm off the nearest of 4 slices, .* 1.2 mm"),
        ("slice,row,column\n0,3,4\n0,3,5\n", r"line 3: lies 0.5 mm from the site of .*line 2"),
        (b"\xff\xfe\x00slice", "not text in UTF-8"),
        (b"slice,row,column\n1,\x00,3\n", "line 2: row is"),
    ],
)
def test_a_table_with_an_error_is_refused_with_its_line(tmp_path, text, message):
    with pytest.raises(errors.SiteError, match=message):
        read(tmp_path, text)


def test_a_site_outside_the_lung_is_refused_with_what_is_there(tmp_path):
    lung = np.zeros((4, 100, 120), np.uint8)
    lung[:, 20:40, 20:40] = 1
    with pytest.raises(errors.SiteError, match=r"line 2: .* outside the lung \(-850 HU\)"):
        read(tmp_path, "slice,row,column\n1,50,30\n", lung=lung)


def test_a_lung_that_is_empty_or_of_another_shape_is_refused(tmp_path):
    for lung, message in ((np.zeros((4, 100, 120)), "no lung in 4"), (np.ones((4, 9, 9)), "lung")):
        with pytest.raises(errors.SiteError, match=message):
            read(tmp_path, "slice,row,column\n1,50,30\n", lung=lung)


def test_a_table_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(errors.SiteError, match="cannot be read"):
        sites.read(tmp_path / "none.csv", series(), None, np.random.default_rng(0))
