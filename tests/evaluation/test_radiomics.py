import dataclasses

import numpy as np
import pytest
import radiomics as pyradiomics
import SimpleITK as sitk
from radiomics import featureextractor

from ggngan_tf import errors
from ggngan_tf.evaluation import radiomics
from tests import conftest

# The digital phantom of the Image Biomarker Standardisation Initiative (IBSI, Zwanenburg et al.,
# Radiology 2020; 295: 328-338), four slices; 0 lies outside.
PHANTOM = np.array(
    [
        [[1, 4, 4, 1, 1], [1, 4, 6, 1, 1], [4, 1, 6, 4, 1], [4, 4, 6, 4, 1]],
        [[1, 4, 4, 1, 1], [1, 1, 6, 1, 1], [0, 1, 3, 1, 1], [4, 4, 6, 1, 1]],
        [[1, 4, 4, 0, 0], [1, 1, 1, 1, 1], [1, 1, 0, 1, 1], [1, 1, 6, 1, 1]],
        [[1, 4, 4, 0, 0], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 6, 1, 1]],
    ],
    np.int16,
)

# Its reference values "2D, averaged" (by slice, without merging), three digits as IBSI gives them.
REFERENCE = """
glcm_MaximumProbability 0.519 glcm_JointAverage 2.14 glcm_SumSquares 2.69 glcm_JointEntropy 2.05
glcm_DifferenceAverage 1.42 glcm_DifferenceVariance 2.90 glcm_DifferenceEntropy 1.40
glcm_SumAverage 4.28 glcm_SumEntropy 1.60 glcm_JointEnergy 0.368 glcm_Contrast 5.28 glcm_Id 0.678
glcm_Idn 0.851 glcm_Idm 0.619 glcm_Idmn 0.899 glcm_InverseVariance 0.0567
glcm_Correlation -0.0121 glcm_Autocorrelation 5.09 glcm_ClusterTendency 5.47 glcm_ClusterShade 7.00
glcm_ClusterProminence 79.1 glcm_Imc1 -0.155 glcm_Imc2 0.487
glrlm_ShortRunEmphasis 0.641 glrlm_LongRunEmphasis 3.78 glrlm_LowGrayLevelRunEmphasis 0.604
glrlm_HighGrayLevelRunEmphasis 9.82 glrlm_ShortRunLowGrayLevelEmphasis 0.294
glrlm_ShortRunHighGrayLevelEmphasis 8.57 glrlm_LongRunLowGrayLevelEmphasis 3.14
glrlm_LongRunHighGrayLevelEmphasis 17.4 glrlm_GrayLevelNonUniformity 5.20
glrlm_RunLengthNonUniformity 6.12 glrlm_RunPercentage 0.627 glrlm_GrayLevelVariance 3.35
glrlm_RunVariance 0.761 glrlm_RunEntropy 2.17
glszm_SmallAreaEmphasis 0.363 glszm_LargeAreaEmphasis 43.9 glszm_LowGrayLevelZoneEmphasis 0.371
glszm_HighGrayLevelZoneEmphasis 16.4 glszm_SmallAreaLowGrayLevelEmphasis 0.0259
glszm_SmallAreaHighGrayLevelEmphasis 10.3 glszm_LargeAreaLowGrayLevelEmphasis 40.4
glszm_GrayLevelNonUniformity 1.41 glszm_SizeZoneNonUniformity 1.49 glszm_ZonePercentage 0.240
glszm_GrayLevelVariance 3.97 glszm_ZoneVariance 21.0 glszm_ZoneEntropy 1.93
gldm_SmallDependenceEmphasis 0.158 gldm_LargeDependenceEmphasis 19.2
gldm_LowGrayLevelEmphasis 0.702 gldm_HighGrayLevelEmphasis 7.49
gldm_DependenceNonUniformity 3.96 gldm_DependenceVariance 2.73 gldm_DependenceEntropy 2.71
ngtdm_Coarseness 0.121 ngtdm_Contrast 0.925 ngtdm_Busyness 2.99 ngtdm_Complexity 10.4
ngtdm_Strength 2.88
"""
IBSI = REFERENCE.split()


def whole_slice(image: np.ndarray, mask: np.ndarray, spacing: np.ndarray) -> dict[str, float]:
    """Calls PyRadiomics as its manual says, on the slice as it is."""
    extractor = featureextractor.RadiomicsFeatureExtractor(force2D=True, additionalInfo=False)
    extractor.disableAllFeatures()
    for name in ("firstorder", "glcm", "gldm", "glrlm", "glszm", "ngtdm", "shape2D"):
        extractor.enableFeatureClassByName(name)
    pair = [sitk.GetImageFromArray(pixels[None]) for pixels in (image, mask)]
    for picture in pair:
        picture.SetSpacing((float(spacing[1]), float(spacing[0]), 1.0))
    return {name: float(value) for name, value in extractor.execute(*pair).items()}


@pytest.fixture(autouse=True)
def quiet():
    pyradiomics.setVerbosity(50)


def test_there_are_the_papers_93_features_in_its_six_classes():
    classes = [name.split("_")[1] for name in radiomics.FEATURES]
    counts = [classes.count(c) for c in ("firstorder", "glcm", "gldm", "glrlm", "glszm", "ngtdm")]
    assert counts == [18, 24, 14, 16, 16, 5]
    assert len(set(radiomics.FEATURES)) == 93


def test_first_order_features_worked_out_by_hand():
    # 2 x 2 pixels of 0.5 x 2 mm: mean -600, energy 4 * 600 ** 2 + 2 * 100 ** 2, two bins of two.
    image = np.array([[-500, -500], [-700, -700]])
    found = radiomics.one(image, np.ones((2, 2)), (0.5, 2))
    assert found["original_firstorder_Mean"] == -600
    assert found["original_firstorder_Energy"] == 2 * 500**2 + 2 * 700**2
    assert found["original_firstorder_Entropy"] == pytest.approx(1)
    assert found["original_firstorder_Uniformity"] == 0.5


def test_the_ibsi_phantom_gives_the_reference_values():
    slices = [radiomics.one(s, s > 0, (2, 2), bin_width=1, shapes=False) for s in PHANTOM]
    for name, value in zip(IBSI[::2], IBSI[1::2], strict=True):
        mean = np.mean([s[f"original_{name}"] for s in slices])
        assert mean == pytest.approx(float(value), rel=5e-3), name  # three digits


@pytest.mark.parametrize("seed", [0, 1])
def test_drawn_nodules_on_large_slices_have_the_bits_of_the_plain_call(seed):
    drawn = conftest.make_set(rows=3, size=71, seed=seed)
    image, mask = np.full((3, 512, 512), -1000, np.int16), np.zeros((3, 512, 512), np.uint8)
    image[:, 200:271, 30:101], mask[:, 200:271, 30:101] = drawn.image, drawn.mask
    moved = dataclasses.replace(drawn, image=image, mask=mask)
    table = radiomics.extract(moved)
    for row in range(3):
        expected = whole_slice(image[row], mask[row], drawn.pixel_spacing[row])
        assert {name: table[name][row] for name in expected} == expected


def test_real_nodules_have_the_bits_of_the_plain_call(lidc):
    some = lidc.take(np.linspace(0, len(lidc) - 1, 40).astype(int))
    table = radiomics.extract(some)
    for row in range(len(some)):
        expected = whole_slice(some.image[row], some.mask[row], some.pixel_spacing[row])
        found = {name: table[name][row] for name in expected}
        np.testing.assert_array_equal(list(found.values()), list(expected.values()))


def test_odd_shapes_have_the_bits_of_the_plain_call():
    random = np.random.default_rng(3)
    image = random.normal(-700, 120, (20, 20)).astype(np.int16)
    shapes = {
        "two pixels aslant": np.eye(20) * (np.arange(20) < 2),
        "a diagonal line": np.eye(20),
        "two islands": np.kron(np.eye(2), np.ones((10, 10))) * (random.random((20, 20)) > 0.5),
        "to the edge": np.tri(20),
    }
    for name, mask in shapes.items():
        mask = mask.astype(np.uint8)
        expected = whole_slice(image, mask, (0.6, 0.7))
        found = radiomics.one(image, mask, (0.6, 0.7))
        values = [found[key] for key in expected]
        np.testing.assert_array_equal(values, list(expected.values()), err_msg=name)


def test_a_flat_nodule_has_the_bits_of_the_plain_call():
    image, mask = np.full((9, 9), -650, np.int16), np.zeros((9, 9), np.uint8)
    mask[3:6, 3:7] = 1
    expected, found = whole_slice(image, mask, (1, 1)), radiomics.one(image, mask, (1, 1))
    np.testing.assert_array_equal([found[key] for key in expected], list(expected.values()))


def test_features_of_arrays_are_those_of_the_table(small_set):
    table = radiomics.extract(small_set)
    found = radiomics.features(small_set.image, small_set.mask, small_set.pixel_spacing)
    np.testing.assert_array_equal(found, table[list(radiomics.FEATURES)])


def test_a_nodule_one_pixel_wide_is_a_row_of_nan_with_the_reason(small_set):
    mask = small_set.mask.copy()
    mask[2] = 0
    mask[2, 30:40, 30] = 1
    table = radiomics.extract(dataclasses.replace(small_set, mask=mask))
    assert table.reason[2] == (
        "the mask's box is 10 x 1 pixels, needed are 2 x 2 or more; drop the nodule or mark it "
        "wider."
    )
    assert table.loc[2, list(radiomics.FEATURES)].isna().all()
    assert (table.reason.drop(2) == "").all()


def test_a_row_says_where_it_comes_from(small_set):
    row = radiomics.extract(small_set).iloc[1]
    assert (row.patient_id, row.sop_uid, row.nodule_id) == ("P001", "1.2.1.1", 1)
    assert (row.synthetic, row.software) == (False, "PyRadiomics v3.0.1")


def test_intensities_from_0_to_1_are_refused_with_the_explanation(small_set):
    scaled = (small_set.image / 3000 + 0.5).clip(0, 1)
    with pytest.raises(errors.RadiomicsError, match="one bin of 25"):
        radiomics.features(scaled, small_set.mask, small_set.pixel_spacing)
    grey = dataclasses.replace(small_set, image=(small_set.image + 1100).astype(np.int16))
    with pytest.raises(errors.RadiomicsError, match="needed are HU"):
        radiomics.extract(grey)


def test_two_workers_and_a_cluster_give_the_table_of_one():
    distributed = pytest.importorskip("distributed")
    nodules = conftest.make_set(rows=130)  # more than stay in this process
    alone = radiomics.extract(nodules)
    assert radiomics.extract(nodules, jobs=2).equals(alone)
    options = {"n_workers": 1, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster:
        assert radiomics.extract(nodules, scheduler=cluster.scheduler_address).equals(alone)


def test_a_table_is_read_back_with_every_bit(small_set, tmp_path):
    table = radiomics.extract(small_set)
    radiomics.write(table, tmp_path / "features.csv")
    found = radiomics.read(tmp_path / "features.csv")
    names = [*radiomics.FEATURES, *radiomics.SHAPES]
    np.testing.assert_array_equal(found[names], table[names])
    assert found.patient_id.tolist() == table.patient_id.tolist()
    assert found.reason.tolist() == [""] * 6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="original_glcm_Id"), "1 of 93 features are missing"),
        (lambda t: t.assign(original_glcm_Id="high"), "column original_glcm_Id holds text"),
        (lambda t: t.iloc[:0], "it has no rows"),
    ],
)
def test_a_table_that_does_not_conform_is_refused(small_set, tmp_path, change, message):
    radiomics.write(change(radiomics.extract(small_set)), tmp_path / "features.csv")
    with pytest.raises(errors.RadiomicsError, match=message):
        radiomics.read(tmp_path / "features.csv")


def test_what_is_not_csv_is_refused(tmp_path):
    (tmp_path / "features.csv").write_bytes(bytes(range(256)))
    with pytest.raises(errors.RadiomicsError, match=r"features\.csv"):
        radiomics.read(tmp_path / "features.csv")
