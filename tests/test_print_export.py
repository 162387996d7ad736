"""What export and evaluate print for people."""

import pytest
from exported_metrics import METRICS, metrics_with

from search.cli.printing.export import print_export, print_metrics


@pytest.fixture
def printed(capsys):
    def lines(what, **changes):
        what(metrics_with(**changes))
        return capsys.readouterr().out

    return lines


def test_an_export_says_what_was_chosen_and_against_what(printed):
    text = printed(print_export)
    assert (
        "  0.9630 over 3 trainings (0.9700 in the search), 12.0 ms in its slowest file, best: cnn"
        in text
    )
    assert "→ 0.9620 over 3 trainings (0.9600 in the search), 3.0 ms" in text
    assert "behind by 0.0010 (-0.0100 to 0.0120), as good: xception [built-in]" in text
    assert "The best is better." in text
    assert "the average of the best 2 would reach 0.9700" in text
    assert "31.0 ms per image" in text


def test_an_export_says_how_much_of_the_score_was_luck(printed):
    text = printed(print_export)
    assert "validation accuracy 0.9620 (0.9700 in the search), test 0.9500: 0.0120 less" in text
    assert "looked at" not in text
    again = printed(print_export, lock_box_opened=2, optimism=-0.01)
    assert "0.0100 more; the test images were looked at 2 times" in again


def test_an_export_shows_its_files_slices_and_calibration(printed):
    lines = printed(print_export).splitlines()
    (row,) = [line for line in lines if line.startswith("model.onnx")]
    assert row.split() == ["model.onnx", "7.7", "8.8", "19.4", "95", "5.2e-06", "100.0", "%"]
    assert "  dark    0.9000 (0.7000 to 0.9700) of 20 images" in lines
    assert any("calibration error 0.0400 before, 0.0200 after" in line for line in lines)
    assert lines[-1] == "wrote results/run/export/model.onnx"


@pytest.mark.parametrize("what", [print_export, print_metrics])
def test_a_model_that_is_of_no_use_says_so(printed, what):
    assert "careful" not in printed(what)
    never = printed(what, confusion_matrix=[[120, 0], [60, 0]], labels=["sound", "cracked"])
    assert "careful: it never answers cracked" in never


def test_one_further_training_each_is_compared_too(printed):
    once = [row | {"trainings": 1} for row in METRICS["finalists"]]
    text = printed(print_export, finalists=once)
    assert (
        "  0.9630 over 1 training (0.9700 in the search), 12.0 ms in its slowest file, best: cnn"
        in text
    )


def test_what_was_not_trained_again_is_not_compared(printed):
    one = [METRICS["finalists"][0] | {"trainings": 1}]
    text = printed(print_export, finalists=one, verdict="", ensemble=None)
    assert "over" not in text
    assert "average" not in text


def test_names_of_classes_stay_on_their_line(printed):
    lines = printed(print_metrics).splitlines()
    cats = next(line for line in lines if line.startswith("  cat "))
    assert cats.split()[:6] == ["cat", "150", "0.9400", "(0.89", "to", "0.97)"]
    assert cats.endswith("0.9592     cat: 141, dog\\n: 9")


@pytest.mark.parametrize(
    ("abstain", "said"),
    [
        (
            {"answered": 250, "coverage": 0.833, "precision": 0.992, "precision_interval": [0, 1]},
            "answers 250 of them (83.3 %); 99.2 % of the answers are right",
        ),
        (
            {"answered": 0, "coverage": 0.0, "precision": None, "precision_interval": [0, 1]},
            "answers none of them",
        ),
    ],
)
def test_withheld_answers_are_counted(printed, abstain, said):
    assert said in printed(print_metrics, abstain=abstain)


def test_an_export_says_what_an_int8_file_answers_and_that_the_machine_was_busy(printed):
    row = METRICS["parity"][0]
    abstain = {
        "coverage": 0.93,
        "answered": 93,
        "precision": 0.989,
        "precision_interval": [0.9, 1.0],
    }
    int8 = row | {"file": "model-int8.tflite", "accuracy": 0.9333, "others_load": 0.4}
    text = printed(print_export, parity=[row, int8])
    assert "model-int8.tflite: accuracy 0.9333 on the test images (model 0.9500)\n" in text
    assert "other programs used 40 % of the cores meanwhile: times may be too high\n" in text
    text = printed(print_export, parity=[row, int8 | {"abstain": abstain, "others_load": 0.1}])
    assert "93.0 % reach the threshold, 98.9 % of these are right\n" in text
    assert "other programs" not in text
    nothing = abstain | {"precision": None, "answered": 0, "coverage": 0.0}
    text = printed(print_export, parity=[int8 | {"abstain": nothing}])
    assert "(model 0.9500); none reaches the threshold\n" in text
