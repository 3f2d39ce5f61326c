import numpy as np
import pytest
import scipy.linalg

from ggngan_tf.evaluation import frechet


def normal(rows: int, width: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, width))


def test_a_distance_in_one_dimension_worked_out_by_hand():
    # Means 0 and 3, deviations 1 and 2: 3 squared and (2 - 1) squared.
    first = np.array([[-1.0], [0.0], [1.0]])
    assert frechet.frechet(first, 2 * first + 3) == pytest.approx(10)


def test_the_distance_agrees_with_the_matrix_root():
    first, second = normal(60, 5, 0), normal(40, 5, 1) @ normal(5, 5, 2) + 1
    covariances = [np.cov(x.T) for x in (first, second)]
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    shift = np.sum((first.mean(0) - second.mean(0)) ** 2)
    expected = shift + np.trace(covariances[0] + covariances[1] - 2 * root)
    assert frechet.frechet(first, second) == pytest.approx(expected)


def test_a_cloud_is_at_0_from_itself_also_with_fewer_rows_than_features():
    cloud = normal(20, 93, 3)
    assert frechet.frechet(cloud, cloud[::-1]) == pytest.approx(0, abs=1e-9)


def test_the_kernel_distance_is_0_on_average_between_equals_and_grows_with_a_shift():
    same = [frechet.kernel_distance(normal(30, 6, i), normal(30, 6, 99 - i)) for i in range(40)]
    assert abs(np.mean(same)) < 3 * np.std(same) / np.sqrt(40)
    assert frechet.kernel_distance(normal(30, 6, 0), normal(30, 6, 1) + 1) > max(same)


def test_the_kernel_distance_worked_out_by_hand():
    # The kernel is (x y + 1) ** 3: 1 within the zeros, 8 within the ones, 1 across.
    assert frechet.kernel_distance(np.zeros((2, 1)), np.ones((2, 1))) == pytest.approx(1 + 8 - 2)


def test_scaling_leaves_out_what_does_not_vary():
    real = np.column_stack([np.arange(5.0), np.full(5, 7.0)])
    scaled = frechet.scale(real)(real)
    assert scaled.shape == (5, 1)
    assert scaled.std(ddof=1) == pytest.approx(1)


def test_a_cloud_covers_itself_and_nothing_far_away():
    cloud = normal(30, 4, 4)
    same, far = frechet.coverage(cloud, cloud), frechet.coverage(cloud, cloud + 100)
    assert (same["precision"], same["recall"], same["coverage"]) == (1, 1, 1)
    assert set(far.values()) == {0.0}


def test_one_blob_in_every_hole_is_precise_and_covers_little():
    real = normal(60, 4, 5)
    found = frechet.coverage(real, 0.01 * normal(60, 4, 6))
    assert found["precision"] > 0.9
    assert found["recall"] < 0.1
    assert found["coverage"] < 0.5


def test_too_few_rows_are_refused():
    with pytest.raises(ValueError, match="5 real"):
        frechet.coverage(normal(5, 2, 7), normal(9, 2, 8))


def test_one_odd_nodule_does_not_make_the_distance():
    random = np.random.default_rng(0)
    first, second = random.normal(size=(2, 50, 4))
    standard = frechet.scale(first)
    before = frechet.frechet(standard(first), standard(second))
    second[0, 0] = 1e6
    after = frechet.frechet(standard(first), standard(second))
    assert after < before + 1  # without the cut it would be of the order of 1e10
