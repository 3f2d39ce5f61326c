import numpy as np
import pytest

from ggngan_tf import errors
from ggngan_tf.data import lungs, readings, rows, volumes

SHAPE = (40, 64, 64)


@pytest.fixture
def series():
    """Returns 40 slices of noise, 5 mm apart."""
    values = np.random.default_rng(1).integers(-1000, 100, SHAPE).astype(np.int16)
    return volumes.Volume(
        volume=values,
        pixel_spacing=(0.7, 0.7),
        slice_spacing=5.0,
        positions=np.arange(40)[:, None] * (0.0, 0.0, 5.0),
        orientation=(1, 0, 0, 0, 1, 0),
        sop_uids=("",) * 40,
        patient_id="from the series",
    )


def marked(*slices, filled=None, **changes):
    pixels = np.ones((len(slices), 4, 6), bool) if filled is None else filled
    mask = readings.Mask(np.array(slices), (10, 20), pixels)
    return rows.Marked(**{"nodule_id": 7, "mask": mask} | changes)


@pytest.fixture
def extracted(monkeypatch):
    """Records which stretches the lung is taken from, by their first value; finds it everywhere."""
    calls = []

    def volume(values, pixel_spacing, slice_spacing):
        calls.append(len(values))
        return np.ones(values.shape, np.uint8)

    monkeypatch.setattr(lungs, "extract_volume", volume)
    return calls


def test_the_lung_comes_from_30_mm_around_each_nodule(series, extracted):
    found, skipped = rows.cut(series, [marked(2, 3), marked(30)], rows.Settings())
    # Slices 0 to 9 and 24 to 36: six slices of 5 mm to each side.
    assert extracted == [10, 13] and len(found) == 3 and not skipped


def test_stretches_that_touch_are_taken_together(series, extracted):
    rows.cut(series, [marked(2), marked(15)], rows.Settings())
    assert extracted == [22]


def test_slices_do_alone_where_the_stretch_shows_no_lung(series, monkeypatch):
    def none(*arguments):
        raise errors.LungError("no lung")

    def some(hu, pixel_spacing):
        return np.full(hu.shape, 1, np.uint8) if hu[0, 0] == series.volume[4, 0, 0] else none()

    monkeypatch.setattr(lungs, "extract_volume", none)
    monkeypatch.setattr(lungs, "extract", some)
    found, skipped = rows.cut(series, [marked(4, 5)], rows.Settings())
    assert len(found) == 1 and found.lung.sum() == 64 * 64
    assert skipped == [("slice 5", "no lung")]


def test_a_slice_in_which_the_volume_has_no_lung_is_left_out(series, monkeypatch):
    def volume(values, pixel_spacing, slice_spacing):
        region = np.ones(values.shape, np.uint8)
        region[values[:, 0, 0] == series.volume[5, 0, 0]] = 0
        return region

    monkeypatch.setattr(lungs, "extract_volume", volume)
    found, skipped = rows.cut(series, [marked(4, 5)], rows.Settings())
    assert len(found) == 1 and skipped == [("slice 5", "no lung in this slice")]


def test_a_row_says_where_it_comes_from(series):
    changes = {"texture": (1, 2), "malignancy": (5,), "patient_id": "from the table"}
    found, _ = rows.cut(series, [marked(3, **changes), marked(8)], rows.Settings(lung="none"))
    assert found.patient_id.tolist() == ["from the table", "from the series"]
    assert found.texture.tolist() == [[1, 2], [0, 0]] and found.malignancy.tolist() == [[5], [0]]
    assert found.mask[0].sum() == 24 and found.lung is None
    # 64 pixels in the middle of 512; the box of rows 10-13 and columns 20-25 has its centre at
    # row 11, column 22.
    assert found.slice_origin[0].tolist() == [-224, -224]
    assert found.roi_centre[0].tolist() == [224 + 11, 224 + 22]


def test_the_largest_slice_is_the_one_with_most_pixels(series):
    filled = np.ones((3, 4, 6), bool)
    filled[[0, 2], 0] = False
    settings = rows.Settings(lung="none", slices="largest", size=32)
    found, _ = rows.cut(series, [marked(3, 4, 5, filled=filled)], settings)
    assert len(found) == 1
    # 32 pixels around row 11, column 22: from row 0, the border, and from column 6.
    assert found.slice_origin.tolist() == [[0, 6]]
    np.testing.assert_array_equal(found.image[0], series.volume[4, :32, 6:38])


def test_empty_layers_give_no_rows_and_an_empty_nodule_is_listed(series):
    filled = np.ones((2, 4, 6), bool)
    filled[1] = False
    empty = marked(9, filled=np.zeros((1, 4, 6), bool), nodule_id=8)
    settings = rows.Settings(lung="none")
    found, skipped = rows.cut(series, [marked(3, 4, filled=filled), empty], settings)
    assert len(found) == 1 and skipped == [("nodule 8", "its mask is empty")]


def test_nothing_to_cut_is_no_set(series):
    assert rows.cut(series, [], rows.Settings()) == (None, [])
