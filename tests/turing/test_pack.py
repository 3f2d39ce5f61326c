import collections
import dataclasses
import pathlib
import re

import numpy as np
import pydicom
import pytest
from PIL import Image

from ggngan_tf import errors, files
from ggngan_tf.data import dicom, nodules
from ggngan_tf.turing import blinding, documents, pack, sources
from tests.conftest import make_set
from tests.turing.conftest import smoothed

SMALL = pack.settings(real=12, synthetic=12, batches=4, readers=4)


@pytest.fixture(scope="module")
def packed(sets, tmp_path_factory):
    return pack.pack(*sets, tmp_path_factory.mktemp("pack") / "study", SMALL, seed=5)


def key_of(packed):
    study = packed.study
    return documents.read_key(packed.key, study.study_id, study.commitment)


def test_the_defaults_are_the_papers_four_batches_of_25_slices(lidc, tmp_path):
    parts = lidc.select("mean").split(seed=1, fractions=(0.5, 0.0, 0.5))
    nodules.write(parts["train"], tmp_path / "real.h5")
    nodules.write(smoothed(parts["test"]), tmp_path / "synthetic.h5")
    found = pack.pack(
        tmp_path / "real.h5", tmp_path / "synthetic.h5", tmp_path / "out", pack.settings(), seed=2
    )
    truths = collections.Counter(a.truth for a in key_of(found).cases.values())
    assert truths == {"real": 50, "synthetic": 50}
    for number in range(1, 5):
        assert len(list((found.folder / f"batch-{number}/dicom").glob("*.dcm"))) == 25
        assert len(list((found.folder / f"batch-{number}/png").glob("*.png"))) == 25
    assert found.audit.low <= found.audit.auc <= found.audit.high
    assert found.audit.p > 0.05


def test_the_pixels_are_those_of_the_source(packed, sets):
    by_truth = {"real": nodules.read(sets[0]), "synthetic": nodules.read(sets[1])}
    images = np.load(packed.folder / "images.npy")
    key = key_of(packed)
    for slot in packed.study.cases:
        answer = key.cases[slot.case]
        source = by_truth[answer.truth].image[answer.row]
        np.testing.assert_array_equal(images[slot.image], np.clip(source, -1024, 3071))


def test_dicom_and_png_show_the_same_slices_in_the_same_order(packed):
    images = np.load(packed.folder / "images.npy")
    index = {slot.case: slot.image for slot in packed.study.cases}
    for number, batch in enumerate(packed.study.batches, start=1):
        series = dicom.read_series(packed.folder / f"batch-{number}" / "dicom")
        expected = images[[index[case] for case in batch.order]]
        np.testing.assert_array_equal(series.volume, expected)
        grey = np.asarray(Image.open(packed.folder / f"batch-{number}" / "png" / "001.png"))
        np.testing.assert_allclose(
            grey, np.clip((expected[0] + 1350.0) / 1500 * 255, 0, 255), atol=0.51
        )


def test_nothing_but_pixels_and_places_differs_between_the_files_of_a_batch(packed):
    varying = {"SOPInstanceUID", "InstanceNumber", "ImagePositionPatient", "SliceLocation"}
    for folder in packed.folder.glob("batch-*"):
        slices = [pydicom.dcmread(f) for f in sorted((folder / "dicom").glob("*.dcm"))]
        plain = [
            {e.keyword: e.value for e in s if e.keyword not in varying | {"PixelData"}}
            for s in slices
        ]
        assert all(p == plain[0] for p in plain)
        assert len({len(s.PixelData) for s in slices}) == 1
        assert len({f.stat().st_size for f in (folder / "png").iterdir()}) == 1


def test_no_file_says_synthetic_or_names_a_source(packed, sets):
    for path in packed.folder.rglob("*"):
        if path.is_file() and path.suffix != ".npy":
            content = path.read_bytes()
            if path.suffix in (".json", ".csv"):
                assert not re.search(rb"P0\d\d", content)  # patients are P000 to P079
            for word in (b"Phantom", b"ACME", b"real.h5", b"smooth", b"generator"):
                assert word not in content, (path, word)
    series = next(packed.folder.rglob("*.dcm"))
    assert "SyntheticData" not in pydicom.dcmread(series)
    assert "ContributingEquipmentSequence" not in pydicom.dcmread(series)
    key = key_of(packed)
    assert key.sources["synthetic"]["generator_sha256"] == "0" * 64


def test_every_file_has_one_date_and_batches_and_classes_follow_no_order(packed):
    assert {p.stat().st_mtime for p in packed.folder.rglob("*")} == {946684800}
    truth = [key_of(packed).cases[slot.case].truth == "real" for slot in packed.study.cases]
    changes = np.sum(np.diff(truth))
    assert 4 <= changes <= 20  # 12 and 12 in order would change once


def test_no_patient_is_in_both_classes_and_none_comes_twice_while_others_wait(tmp_path):
    shared = make_set(rows=40, seed=4)
    nodules.write(shared, tmp_path / "real.h5")
    nodules.write(smoothed(shared), tmp_path / "synthetic.h5")
    found = pack.pack(
        tmp_path / "real.h5",
        tmp_path / "synthetic.h5",
        tmp_path / "out",
        pack.settings(real=20, synthetic=20, batches=2, readers=2),
        seed=1,
        series=False,
    )
    patients = [answer.patient for answer in key_of(found).cases.values()]
    assert len(set(patients)) == 40


def test_too_few_patients_is_an_error_that_says_how_many(sets, tmp_path):
    with pytest.raises(errors.ReadingError, match=r"real: 40 of 40 .* needed are 41"):
        pack.pack(*sets, tmp_path / "out", pack.settings(real=41, synthetic=4), rule="any")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "leak",
    [
        lambda image: np.maximum(image, -930),
        lambda image: image // 2 * 2,
        lambda image: np.pad(image[:, 3:-3, 3:-3], ((0, 0), (3, 3), (3, 3)), constant_values=-1000),
    ],
    ids=["clipped", "coarser steps", "padded"],
)
def test_the_audit_finds_what_would_tell_the_classes_apart(leak, sets, tmp_path):
    synthetic = nodules.read(sets[1])
    leaky = dataclasses.replace(synthetic, image=leak(synthetic.image).astype(np.int16))
    nodules.write(leaky, tmp_path / "leaky.h5")
    found = pack.pack(sets[0], tmp_path / "leaky.h5", tmp_path / "out", SMALL, seed=1, series=False)
    assert found.audit.p < 0.01
    assert found.audit.auc > 0.85


def test_an_image_of_another_size_is_cut_to_the_same_square_without_padding(sets, tmp_path):
    wide = make_set(rows=30, size=101, seed=9, patient_id=np.array([f"W{i}" for i in range(30)]))
    nodules.write(smoothed(wide), tmp_path / "wide.h5")
    found = pack.pack(sets[0], tmp_path / "wide.h5", tmp_path / "out", SMALL, seed=1, series=False)
    assert found.study.shape == (71, 71)
    assert found.audit.p > 0.05


def test_whole_slices_of_one_size_stay_whole():
    case = sources.Case(
        image=np.zeros((512, 512), np.int16),
        mask=None,
        centre=(3, 500),
        pixel_spacing=(0.7, 0.7),
        diameter_mm=9.0,
        patient="A",
        origin="x",
        row=0,
        nodule_id=0,
    )
    assert blinding.field([case], None) is None
    assert blinding.cut(case, None).shape == (512, 512)
    assert blinding.shown_centre(case, None) == (3, 500)
    assert not blinding.fits(case, 64)


def test_the_commitment_is_the_keys_sha256_and_a_changed_key_is_refused(packed, tmp_path):
    study = packed.study
    assert files.sha256(packed.key) == study.commitment
    assert packed.key.stat().st_mode & 0o077 == 0
    changed = tmp_path / "key.json"
    changed.write_text(packed.key.read_text().replace('"synthetic"', '"real"', 1))
    with pytest.raises(errors.ReadingError, match="was changed after the pack was made"):
        documents.read_key(changed, study.study_id, study.commitment)


def test_the_same_seed_gives_the_same_cases_and_another_seed_others(sets, tmp_path):
    found = [
        pack.pack(*sets, tmp_path / str(i), SMALL, seed=seed, series=False)
        for i, seed in enumerate([1, 1, 2])
    ]
    names = [[slot.case for slot in p.study.cases] for p in found]
    assert names[0] == names[1] != names[2]
    assert found[0].study.commitment != found[1].study.commitment  # the salt differs


def test_repeats_come_again_in_the_second_half_and_training_is_apart(sets, tmp_path):
    design = pack.settings(
        real=12, synthetic=12, batches=2, readers=2, layout="crossed", repeats=4, training=3
    )
    found = pack.pack(*sets, tmp_path / "out", design, seed=1)
    for batch in found.study.batches:
        assert len(batch.order) == 16 and len(set(batch.order)) == 12
        for case in {c for c in batch.order if batch.order.count(c) == 2}:
            first, second = (i for i, c in enumerate(batch.order) if c == case)
            assert first < 6 <= second
    assert collections.Counter(slot.truth for slot in found.study.training) == {
        "real": 3,
        "synthetic": 3,
    }
    assert not {s.case for s in found.study.training} & {s.case for s in found.study.cases}


def test_stratified_classes_have_one_distribution_of_sizes(sets, tmp_path):
    design = pack.settings(real=15, synthetic=15, batches=3, readers=3, stratify=True)
    found = pack.pack(*sets, tmp_path / "out", design, seed=1, series=False)
    answers = key_of(found).cases
    sizes = {
        truth: sorted(a.diameter_mm for a in answers.values() if a.truth == truth)
        for truth in ("real", "synthetic")
    }
    assert abs(np.median(sizes["real"]) - np.median(sizes["synthetic"])) < 1.5
    by_batch = [np.mean([answers[c].diameter_mm for c in b.order]) for b in found.study.batches]
    assert np.ptp(by_batch) < 1.5


def test_dicom_series_with_a_table_of_sites_are_packed_like_sets(tmp_path):
    random = np.random.default_rng(1)
    for kind, blind in (("real", True), ("synthetic", False)):
        for patient in range(4):
            volume = random.normal(-850, 40, (3, 96, 96)).astype(np.int16)
            folder = tmp_path / kind / f"{patient}" / "series"
            dicom.new_series(
                volume, (0.7, 0.7), 1.0, folder, seed=1, patient_id=f"{kind}{patient}",
                blinded=blind,
            )  # fmt: skip
            # Beside the files for real scans, above them as `ggngan generate` does.
            table = folder / "sites.csv" if kind == "real" else folder.parent / "manifest.csv"
            table.write_text("slice,row,column,diameter_mm\n1,48,50,9.5\n")
    design = pack.settings(real=4, synthetic=4, batches=2, readers=2)
    found = pack.pack(tmp_path / "real", tmp_path / "synthetic", tmp_path / "out", design, seed=1)
    assert found.study.shape == (91, 91)
    assert {a.diameter_mm for a in key_of(found).cases.values()} == {9.5}


def test_a_table_of_sites_outside_the_series_is_refused_with_its_line(tmp_path):
    folder = tmp_path / "scan"
    dicom.new_series(np.zeros((2, 32, 32), np.int16), (0.7, 0.7), 1.0, folder, seed=1)
    (folder / "sites.csv").write_text("slice,row,column\n5,1,1\n")
    with pytest.raises(errors.ReadingError, match=r"sites.csv, line 2: slice 5"):
        sources.read(folder)


def test_sets_given_the_wrong_way_round_are_refused(sets, tmp_path):
    with pytest.raises(errors.ReadingError, match="is marked synthetic; give a set of real"):
        pack.pack(sets[1], sets[0], tmp_path / "out", SMALL)


def test_a_key_inside_the_pack_is_refused(sets, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(errors.ReadingError, match="lies inside the pack"):
        pack.pack(*sets, out, SMALL, key=out / "key.json")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"real": 1, "synthetic": 1}, "do not fill 4 batches"),
        ({"repeats": 26}, "a batch has 25 cases"),
        ({"readers": 2}, "leave some of 4 batches unread"),
        ({"real": 0}, "real: Input should be greater than 0"),
    ],
)
def test_impossible_designs_are_refused_with_what_to_do(options, message):
    with pytest.raises(errors.ReadingError, match=message):
        pack.settings(**options)


def test_damaged_packs_are_refused(packed, tmp_path):
    with pytest.raises(errors.ReadingError, match="no such file; give a folder"):
        documents.read_study(tmp_path)
    text = (packed.folder / "study.json").read_text()
    pathlib.Path(tmp_path / "study.json").write_text(text.replace('"batches": [', '"parts": ['))
    with pytest.raises(errors.ReadingError, match=r"study.json: .*Field required|not permitted"):
        documents.read_study(tmp_path)
