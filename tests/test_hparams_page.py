"""`tune tensorboard` as a user sees it: HParams in a browser, one row a configuration."""

import re
import signal
import subprocess
import sys

import pytest
from browser import assert_quiet, opened
from logged_runs import begin, epoch, log_of, trial
from small_trials import experiment_in, values_for

from search.observers.hparams import FOREMOST
from search.run_folder.record_files import load_records

pytestmark = pytest.mark.slow

# The text of the table's cells, line by line, its heading first; what is not filled is "".
TABLE = """grid => [...grid.shadowRoot.querySelectorAll("#header tr, #items tr")].map(row =>
    [...row.querySelectorAll("[part~=cell]:not([part~=details-cell])")].map(
        cell => cell.querySelector("slot").assignedNodes()[0].innerText.trim()))"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run in the middle of its search: two rungs of one configuration, SGD, failed, running."""
    run = experiment_in(tmp_path_factory.mktemp("results"), families=("cnn", "xception"))
    log = log_of(run)
    cnn, sgd = values_for(run, "cnn"), values_for(run, "xception", optimizer="sgd")
    del sgd["learning_rate"]  # as an oracle leaves it out
    trial(log, "0000", cnn, [0.5])
    trial(log, "0001", sgd, [0.75])
    trial(log, "0002", cnn, [0.625, 0.6], first=1, rung=1, parent="0000", configuration="0000")
    trial(log, "0003", cnn, [], outcome={"status": "failed", "reason": "out of memory"})
    epoch(log, begin(log, "0004", cnn), 0, 0.55)
    return run


@pytest.fixture(scope="module")
def address(run):
    """Of `tune tensorboard`, which Ctrl-C ends."""
    command = ["tensorboard", run.run.name, "--results", str(run.run.path.parent), "--port", "0"]
    with subprocess.Popen(
        [sys.executable, "-c", "from search.cli import main; main()", *command],
        stderr=subprocess.PIPE,
        text=True,
    ) as board:
        try:
            said = next(line for line in board.stderr if "TensorBoard shows" in line)
            yield re.search(r"http://localhost:\d+/", said)[0]
        finally:
            board.send_signal(signal.SIGINT)
            assert board.wait(60) == 130


@pytest.fixture
def hparams(browser, address):
    with opened(browser, f"{address}#hparams", width=1500, height=950) as shown:
        shown.page.get_by_text("0001 xception").first.wait_for()
        yield shown


def rows_of(shown):
    """Rows by the number of their configuration: column -> text."""
    heading, *rows = shown.page.locator("vaadin-grid").first.evaluate(TABLE)
    return {row[0][:4]: dict(zip(heading, row, strict=True)) for row in rows}


def shown_as(value):
    """A value as HParams writes it: numbers with five digits."""
    if isinstance(value, str):
        return value
    return f"{float(value):#.5g}" if value else "0.0000"


def test_hparams_has_one_row_a_configuration_and_asks_nobody_else(hparams):
    rows = rows_of(hparams)
    assert list(rows) == ["0000", "0001", "0003", "0004"]
    assert rows["0000"]["Trial ID"] == "0000 cnn 8 filters, 2 blocks, adam 1.0e-3, batch 8, aug 0.3"
    best = [rows[number]["best val_accuracy"] for number in rows]
    assert best == ["0.62500", "0.75000", "", "0.55000"]
    assert [rows[number]["seconds"] for number in rows] == ["4.0000", "2.0000", "2.0000", ""]
    columns = [name.replace("/", " ") for name in sorted(FOREMOST)]
    assert list(rows["0000"])[2:8] == [*columns, "best val_accuracy"]
    assert_quiet(hparams)


def test_every_value_searched_has_a_column_and_stands_in_it(hparams, run):
    boxes = hparams.page.locator("paper-checkbox.hparam-checkbox:not([checked])")
    boxes.evaluate_all("boxes => boxes.forEach(box => box.click())")
    hparams.page.locator("vaadin-grid-cell-content", has_text="xception entry").wait_for()
    rows = rows_of(hparams)
    for record in load_records(run.run):
        for name, value in record.values.items():
            assert rows[record.configuration][name.replace("/", " ")] == shown_as(value)
    assert rows["0000"]["xception entry"] == ""
    assert_quiet(hparams)


def test_each_finished_configuration_has_a_line_in_parallel_coordinates(hparams):
    hparams.page.get_by_text("Parallel Coordinates View").click()
    lines = hparams.page.locator("tf-hparams-parallel-coords-plot .foreground path")
    lines.first.wait_for()
    assert lines.count() == 2  # SGD's as well, whose learning rate has a name of its own
    assert_quiet(hparams)
