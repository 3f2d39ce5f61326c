import numpy as np
import pydicom

from ggngan_tf.data import dicom
from tests.data.dicom import synthetic


def test_the_marker_is_on_every_slice_and_nowhere_but_in_the_corner(tmp_path):
    hu = synthetic.volume(2, 300, 300)
    synthetic.series(tmp_path / "ct", hu)
    source = dicom.read_series(tmp_path / "ct")
    paths = dicom.write_series(source, {}, tmp_path / "out", seed=0, burn_marker=True)
    written = dicom.read_series(tmp_path / "out").volume
    changed = written != hu
    # 9 letters of 5 x 7 and a gap of 1 each, and an edge of 1: 9 rows, 55 columns
    assert changed[:, :9, :55].mean() > 0.99
    assert not changed[:, 9:].any() and not changed[:, :, 55:].any()
    assert set(np.unique(written[:, :9, :55])) == {-1024, 1000}
    for path in paths:
        assert pydicom.dcmread(path).BurnedInAnnotation == "YES"


def test_the_letters_can_be_read(tmp_path):
    synthetic.series(tmp_path / "ct", np.zeros((1, 30, 60), np.int16))
    source = dicom.read_series(tmp_path / "ct")
    dicom.write_series(source, {}, tmp_path / "out", seed=0, burn_marker=True)
    corner = dicom.read_series(tmp_path / "out").volume[0, 1:8, 1:6] > 0
    assert ["".join("#" if pixel else "." for pixel in row) for row in corner] == [
        ".####",
        "#....",
        "#....",
        ".###.",
        "....#",
        "....#",
        "####.",
    ]


def test_a_slice_smaller_than_the_word_gets_what_fits(tmp_path):
    synthetic.series(tmp_path / "ct")
    source = dicom.read_series(tmp_path / "ct")
    dicom.write_series(source, {}, tmp_path / "out", seed=0, burn_marker=True)
    assert dicom.read_series(tmp_path / "out").volume.shape == source.volume.shape


def test_without_the_option_nothing_is_burnt_in(tmp_path):
    synthetic.series(tmp_path / "ct")
    source = dicom.read_series(tmp_path / "ct")
    paths = dicom.write_series(source, {}, tmp_path / "out", seed=0)
    assert "BurnedInAnnotation" not in pydicom.dcmread(paths[0])
