import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_info, threadpool_limits

from models.families import linear_probe
from models.families.linear_probe import PENALTIES, out_of_fold, solve


def clusters(num_classes, per_class=30, noise=0.5):
    """Features [n, 6] around a corner for each class, shuffled, and their classes."""
    random = np.random.default_rng(0)
    targets = random.permutation(np.repeat(np.arange(num_classes), per_class)).astype(np.int32)
    centres = 3 * np.eye(6, dtype=np.float32)[:num_classes]
    scale = np.array([1, 100, 1, 1, 0.01, 1], np.float32)  # features of any scale
    noisy = centres[targets] + random.normal(0, noise, (len(targets), 6))
    return (noisy * scale).astype(np.float32), targets


def answers(layer, features):
    logits = features @ layer.kernel + layer.bias
    return (logits[:, 0] > 0).astype(int) if logits.shape[1] == 1 else logits.argmax(axis=1)


@pytest.mark.parametrize(("num_classes", "columns"), [(2, 1), (3, 3), (5, 5)])
def test_classes_that_lie_apart_are_told_apart(num_classes, columns):
    features, targets = clusters(num_classes)
    layer = solve(features, targets, num_classes=num_classes)
    assert (layer.kernel.shape, layer.bias.shape) == ((6, columns), (columns,))
    assert layer.kernel.dtype == layer.bias.dtype == np.float32
    assert (answers(layer, features) == targets).mean() > 0.97


def test_the_same_images_give_the_same_weights():
    features, targets = clusters(3)
    first, again = (solve(features, targets, num_classes=3) for _ in range(2))
    np.testing.assert_array_equal(first.kernel, again.kernel)


@pytest.mark.parametrize("present", [[1, 3], [0, 1, 3], [2]])
def test_a_class_of_which_there_is_no_image_is_never_the_answer(present):
    features, targets = clusters(4)
    rows = np.isin(targets, present)
    layer = solve(features[rows], targets[rows], num_classes=4)
    assert set(answers(layer, features[rows])) == set(present)


@pytest.mark.parametrize("label", [0, 1])
def test_of_two_classes_one_may_be_missing(label):
    features, targets = clusters(2)
    rows = targets == label
    layer = solve(features[rows], targets[rows], num_classes=2)
    assert set(answers(layer, features[rows])) == {label}


def test_noise_gets_a_strong_penalty():
    random = np.random.default_rng(1)
    features = random.normal(size=(200, 100)).astype(np.float32)
    targets = random.integers(0, 2, 200).astype(np.int32)
    noise = solve(features, targets, num_classes=2)
    apart = solve(*clusters(2, per_class=100, noise=0.1), num_classes=2)
    assert np.abs(noise.kernel).max() < 0.2 < np.abs(apart.kernel).max()


@pytest.mark.parametrize("num_classes", [2, 5])
def test_penalties_are_compared_on_images_of_all_classes_though_they_come_sorted(
    num_classes, monkeypatch
):
    real, compared = linear_probe._fitted, []

    def fitted(scaled, targets, penalty, classes):
        compared.append(np.bincount(targets, minlength=classes).tolist())
        return real(scaled, targets, penalty, classes)

    monkeypatch.setattr(linear_probe, "_fitted", fitted)
    targets = np.repeat(np.arange(num_classes, dtype=np.int32), 6000 // num_classes)
    features = np.random.default_rng(0).normal(size=(len(targets), 3)).astype(np.float32)
    solve(features, targets, num_classes=num_classes)
    *tried, _ = compared
    assert len(tried) == len(linear_probe.PENALTIES)
    for counts in tried:
        assert sum(counts) == 1600
        assert min(counts) > 0.7 * 1600 / num_classes


@pytest.mark.parametrize("num_classes", [2, 4])
def test_out_of_fold_no_image_is_predicted_by_its_own_label(num_classes):
    features, targets = clusters(num_classes)
    wrong = targets.copy()
    wrong[::10] = (targets[::10] + 1) % num_classes
    folds = np.arange(len(targets)) % 5
    predicted = out_of_fold(features, wrong, folds, num_classes=num_classes)
    assert predicted.shape == (len(targets), num_classes)
    np.testing.assert_allclose(predicted.sum(axis=1), 1, rtol=1e-5)
    assert (predicted.argmax(axis=1) == targets)[::10].mean() > 0.9


def test_a_fold_is_predicted_by_what_solves_the_others_with_one_penalty():
    features, targets = clusters(3)
    folds = np.arange(len(targets)) % 5
    predicted = out_of_fold(features, targets, folds, num_classes=3)
    held = folds == 2

    def by(penalty):
        layer = solve(features[~held], targets[~held], num_classes=3, penalty=penalty)
        logits = features[held] @ layer.kernel + layer.bias
        return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)

    same = [np.allclose(predicted[held], by(penalty), atol=1e-5) for penalty in PENALTIES]
    assert same.count(True) == 1


def test_one_penalty_is_chosen_for_all_folds(monkeypatch):
    features, targets = clusters(3)
    chosen = []

    def penalty(scaled, of, num_classes):
        chosen.append(len(of))
        return 0.1

    monkeypatch.setattr(linear_probe, "_penalty", penalty)
    linear_probe.out_of_fold(features, targets, np.arange(len(targets)) % 5, num_classes=3)
    assert chosen == [len(targets)]


def test_a_probe_is_fitted_in_one_thread(monkeypatch):
    seen = []

    def fit(self, features, targets):
        found = threadpool_info()
        seen.extend(each["num_threads"] for each in found if each["user_api"] == "blas")
        return fitted(self, features, targets)

    fitted = LogisticRegression.fit
    monkeypatch.setattr(LogisticRegression, "fit", fit)
    with threadpool_limits(limits=2, user_api="blas"):
        solve(*clusters(3), num_classes=3, penalty=0.1)
        after = [each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"]
    assert set(seen) == {1}
    assert set(after) == {2}
