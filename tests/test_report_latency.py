import subprocess
import sys
import time
from dataclasses import replace

import pytest
from finished_runs import finished_run
from small_trials import values_for
from stopping import NEVER, StopWhen

from models.space import architecture_key
from search.errors import TuneError
from search.formats import untrained
from search.formats.latency import Latency
from search.process.atomic_files import read_json, write_json
from search.process.progress import Silent
from search.report.latency import known_latencies, measure_latencies
from search.run_folder.record_files import load_records


@pytest.fixture
def run(scratch, tmp_path):
    return finished_run(scratch, tmp_path, [("cnn", 0.5), ("xception", 0.6), ("cnn", 0.7)])


@pytest.fixture
def counted(monkeypatch):
    """Measures nothing; notes for which family it was asked."""
    asked = []

    def measure(experiment, values, *, seconds):
        asked.append(values["family"])
        return Latency(0.001 * len(asked), 1.0)

    monkeypatch.setattr(untrained, "latency_in_memory", measure)
    return asked


def measured(run, seconds=60.0, **options):
    wanted = [record.values for record in load_records(run.run)]
    given = {"stop": NEVER, "progress": Silent()} | options
    return measure_latencies(run, wanted, seconds=seconds, **given)


def test_an_architecture_is_measured_once_however_many_configurations_have_it(run, counted):
    found = measured(run)
    assert counted == ["cnn", "xception"]
    first, second, third = load_records(run.run)
    assert found[architecture_key(first.values)] == found[architecture_key(third.values)] == 0.001
    assert found[architecture_key(second.values)] == 0.002


def test_what_was_measured_is_not_measured_again(run, counted):
    first = measured(run)
    assert measured(run) == known_latencies(run.run) == first
    assert len(counted) == 2


def test_times_of_another_machine_are_not_taken_for_ours(run, counted):
    measured(run)
    write_json(run.run.latencies, read_json(run.run.latencies) | {"machine": "another"})
    assert known_latencies(run.run) == {}


def test_no_further_one_is_begun_when_time_is_up(run, monkeypatch):
    def slow(*_, **__):
        time.sleep(0.5)
        return Latency(0.1, 0.1)

    monkeypatch.setattr(untrained, "latency_in_memory", slow)
    assert len(measured(run, seconds=0.4)) == 1


def test_ctrl_c_keeps_what_was_measured(run, counted):
    answers = iter([False, True])
    with pytest.raises(KeyboardInterrupt):
        measured(run, stop=StopWhen(lambda: next(answers)))
    assert len(known_latencies(run.run)) == 1


def test_a_backbone_is_measured_without_its_weights(transfer):
    config = replace(transfer.config, weights="/nowhere/own.weights.h5")
    values = values_for(transfer, "transfer, frozen")
    timed = untrained.latency_in_memory(replace(transfer, config=config), values, seconds=1.0)
    assert 0 < timed.median < 5


def test_a_real_model_takes_some_time(run):
    (values, *_) = [record.values for record in load_records(run.run)]
    timed = untrained.latency_in_memory(run, values, seconds=1.0)
    assert 0 < timed.median <= timed.p95 < 5


def test_a_process_that_has_no_tensorflow_yet_prints_nothing_of_its_start(run):
    code = (
        "import sys; from pathlib import Path\n"
        "from search.process.progress import Silent\n"
        "from search.process.stop_signal import StopSignal\n"
        "from search.report.latency import measure_latencies\n"
        "from search.run_folder.paths import RunFolder\n"
        "from search.run_folder.record_files import load_records\n"
        "from search.trial.experiment import Experiment\n"
        "run = RunFolder(Path(sys.argv[1]))\n"
        "wanted = [record.values for record in load_records(run)][:1]\n"
        "measure_latencies(\n"
        "    Experiment.load(run), wanted, seconds=1, stop=StopSignal(), progress=Silent()\n"
        ")\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, run.run.path],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(known_latencies(run.run)) == 1


def test_a_file_of_latencies_that_lacks_its_seconds_is_an_error_that_says_so(run):
    write_json(run.run.latencies, {"machine": "any"})
    with pytest.raises(TuneError, match=r"latencies\.json: has no 'seconds'"):
        known_latencies(run.run)
