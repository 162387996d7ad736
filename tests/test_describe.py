import pytest

from models.describe import describe
from models.presets import PRESETS


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("keras-2022", "xception ×1, 3 blocks, adam 1.0e-3, batch 128, flip+rotation 0.8"),
        (
            "kerascv-finetune",
            "transfer efficientnet_v2_b0, 224 px, last 100% unfrozen, sgd 1.0e-2, batch 32",
        ),
        (
            "kerascv-scratch",
            "transfer efficientnet_v2_b0, 224 px, sgd 1.0e-2, batch 32, randaugment 0.3, "
            "mixup+cutmix",
        ),
        ("tensorflow-plain", "cnn 16 filters, 3 blocks, dense 512, adam 1.0e-3, batch 128"),
        (
            "student-mobilenet",
            "transfer mobilenet_v2, 160 px, adam 1.0e-3, batch 32, flip+rotation 0.8",
        ),
        (
            "tensorflow-augmented",
            "cnn 16 filters, 3 blocks, dense 512, adam 1.0e-3, batch 128, aug 1",
        ),
    ],
)
def test_a_configuration_is_told_in_a_line(name, expected):
    assert describe(PRESETS[name].values) == expected


def test_head_units_and_mixing_are_told():
    values = {**PRESETS["student-mobilenet"].values, "transfer/head_units": 128}
    values |= {"augmentation/mix": "cutmix", "augmentation/strength": 0.30000000000000004}
    expected = "transfer mobilenet_v2, 160 px, head 128, adam 1.0e-3, "
    expected += "batch 32, flip+rotation 0.3, cutmix"
    assert describe(values) == expected


def test_what_images_of_rare_classes_count_for_is_told_where_it_is_not_one():
    values = {**PRESETS["tensorflow-plain"].values, "class_weights": "none"}
    assert describe(values) == describe(PRESETS["tensorflow-plain"].values)
    values["class_weights"] = "sqrt"
    assert describe(values).endswith("adam 1.0e-3, batch 128, sqrt class weights")
