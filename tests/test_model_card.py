"""The model card: its head is YAML, its figures are those of the metrics, names are shown."""

import json
import re

import pytest
from exported_metrics import METRICS, metrics_with
from finished_runs import finished_run

from search.export.model_card import write_card
from search.run_folder.command_line import command

CHANGES = {
    "calibration": {"temperature": 1.5, "threshold": 0.93, "validation_ece": [0.04, 0.03]},
    "accuracy": 0.9512,
    "pictures": 80,
    "labels": ["along", "across"],
    "confusion_matrix": [[38, 2], [2, 38]],
    "slices": [
        {"slice": "dark", "pictures": 8, "accuracy": 0.5, "interval": [0.2, 0.8]},
        {"slice": "JPEG", "pictures": 80, "accuracy": 0.95, "interval": [0.92, 0.97]},
    ],
}

LEAK = {"split": "test", "other": "train", "pictures": 0, "exact": 0, "of": 80, "share": 0.0}


@pytest.fixture
def run(scratch, tmp_path):
    return finished_run(scratch, tmp_path, [("cnn", 0.5)])


@pytest.fixture
def card(run, tmp_path):
    """The card with some figures changed, and its data."""

    def written(*, data=None, **changes):
        about = json.loads(run.run.data.read_text()) | (data or {})
        run.run.data.write_text(json.dumps(about))
        values = json.loads((run.run.trials / "0000.json").read_text())["values"]
        metrics = metrics_with(**(CHANGES | {"configuration": values} | changes))
        write_card(tmp_path / "README.md", run, metrics)
        return (tmp_path / "README.md").read_text()

    return written


def head_of(text):
    """The YAML between the dashes; JSON values, a line each."""
    lines = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)[1].splitlines()
    return {name: json.loads(value) for name, value in (line.split(": ", 1) for line in lines)}


def test_a_model_that_is_of_no_use_says_so(card):
    assert "Careful" not in card()
    text = card(confusion_matrix=[[60, 0], [20, 0]])
    assert "**Careful:** it never answers across" in text


def test_a_busy_machine_is_said_beside_what_was_measured_on_it(card):
    assert "busy machine" not in card()
    parity = [METRICS["parity"][0] | {"others_load": 0.4}]
    said = "Measured on a busy machine: other programs used 40 % of the cores meanwhile"
    assert said in card(parity=parity)


def test_machines_read_its_head(card):
    head = head_of(card())
    assert (head["library_name"], head["pipeline_tag"]) == ("keras", "image-classification")
    (model,) = head["model-index"]
    (result,) = model["results"]
    assert result["task"] == {"type": "image-classification"}
    assert result["dataset"] == {"type": "imagefolder", "name": "pictures"}
    assert {"type": "accuracy", "value": 0.9512} in result["metrics"]


def test_it_holds_the_figures_the_files_and_how_to_load_it(card):
    text = card()
    for part in (
        "**95.1 % right** on 80 images",
        "92.0 % to 97.0 %",
        "0.0200 (0.0400 before calibration by a temperature of 1.50)",
        "| dark | 8 | 50.0 % | 20.0 % to 80.0 % |",
        "| `model.onnx` | 7.7 MB | 8.8 ms | 19.4 ms | 95.0 MB | 5.2e-06 | 100.0 % |",
        "keras.models.load_model",
        "looked at once",
        "14 train, 6 validation, 4 test",
        "The best is better.",
        "tune export-best run",
    ):
        assert part in text


def test_its_limits_are_those_of_this_model(card):
    text = card(
        lock_box_opened=3,
        data={"leaks": [LEAK | {"pictures": 4, "share": 0.05}]},
    )
    assert "looked at 3 times, so these figures flatter" in text
    assert "It is weaker on these images: dark (50.0 %)." in text
    assert "tested on 80 images only" in text
    assert "4 of its test images (5.0 %) are near-copies of images in train" in text


def test_withheld_answers_are_told(card):
    abstain = {"coverage": 0.8, "answered": 64, "precision": 1.0, "precision_interval": [0.94, 1.0]}
    text = card(abstain=abstain)
    said = "100.0 % of the answers are right (94.0 % to 100.0 %; goal 99.0 %); 80.0 % of the images"
    assert said in text


def test_splits_that_the_folder_gave_are_not_said_to_be_clean(card):
    assert "were kept in one split" in card()
    text = card(data={"leaks": [LEAK]})
    assert "The data set gave these splits" in text
    assert "were kept in one split" not in text
    assert "near-copies of images in train" not in text


def test_how_the_images_were_split_is_told(card):
    kept = "Copies and near-copies of an image were kept in one split."
    assert kept in card()
    assert kept not in card(data={"given": ["test"], "leaks": []})
    torn = card(data={"given": [], "dealt_apart": 1200})
    assert "but for those of large groups" in torn
    assert "1,200 images are of groups of near-copies, as the frames of a video" in torn


@pytest.mark.parametrize(
    ("counts", "are"),
    [
        ({"exact": 1}, "near-copies of images in train:"),
        ({"exact": 4}, "copies of images in train:"),
        ({"grouped": 4}, "of groups that are in train too:"),
        ({"grouped": 2}, "near-copies of images in train, or of groups that are there too:"),
    ],
)
def test_a_leak_is_called_what_it_is(card, counts, are):
    text = card(data={"leaks": [LEAK | {"pictures": 4, "share": 0.05} | counts]})
    assert f"4 of its test images (5.0 %) are {are}" in text


def test_names_are_shown_and_not_obeyed(card):
    text = card(labels=["<b>|x", "a\nb"], data={"root": '/photos/"\n---\nevil: 1'})
    assert "| &lt;b&gt;\\|x |" in text
    assert "a\nb" not in text
    assert set(head_of(text)) >= {"library_name", "model-index"}
    assert "\nevil" not in text


def test_the_command_that_made_the_run_stands_in_the_card(card, run):
    export = f"tune export-best {run.run.name} --format onnx --precision 0.99"
    assert f"{command(run.config)}\n{export}\n" in card()
    assert f"{export} --cheaper-within 0.025\n" in card(cheaper_within=0.025)
