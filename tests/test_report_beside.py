"""The section of a report that compares the run with others."""

import pytest
from finished_runs import finished_run
from recorded_progress import Recorded
from stopping import NEVER

from search.errors import TuneError
from search.overview.comparison import ComparedRun, Comparison
from search.overview.difference import difference_of
from search.process.atomic_files import read_json, write_json
from search.process.progress import Silent
from search.report.contents import read_contents
from search.report.page import report_page
from search.report.write import Wanted, _compared, write_report
from search.run_folder.paths import RunFolder


def run_named(scratch, folder, name, score):
    """A finished run under a name of its own."""
    run = finished_run(scratch, folder / name, [("cnn", score)]).run
    path = run.path.rename(folder / name / name)
    return RunFolder(path)


@pytest.fixture
def runs(scratch, tmp_path):
    return [run_named(scratch, tmp_path, name, 0.5) for name in ("monday", "<i>tuesday")]


def row(name):
    return ComparedRun(name, "/photos", "random", "val_accuracy", 3, 3, 60.0, 0.9, "cnn", 0.8, 50)


def test_runs_stand_beside_each_other_with_what_is_known_of_their_difference(runs):
    difference = difference_of("monday", "<i>tuesday", [(True, False)] * 9, same=True)
    compared = Comparison((row("monday"), row("<i>tuesday")), (difference,), ("<b>why",))
    contents = read_contents(runs[0])
    page = report_page(contents, samples={}, aside=(), mistakes=(), beside=compared)
    assert '<a href="#beside">' in page
    assert "monday is better than &lt;i&gt;tuesday: accuracy 1.0000 and 0.0000" in page
    assert "Not compared: &lt;b&gt;why." in page
    assert "<i>tuesday" not in page
    alone = report_page(contents, samples={}, aside=(), mistakes=())
    assert 'id="beside"' not in alone


def test_the_run_that_is_updated_stands_beside_it_where_it_is_still_there(runs):
    one, other = runs
    assert _compared(read_contents(one), (), Silent()) is None
    values = read_json(one.config)
    write_json(one.config, values | {"updates": str(other.path)})
    found = _compared(read_contents(one), (), Silent())
    assert [row.run for row in found.runs] == ["monday", "<i>tuesday"]
    write_json(one.config, values | {"updates": str(other.path / "gone")})
    said = Recorded()
    assert _compared(read_contents(one), (), said) is None
    assert "not compared with the run that it updates: " in said.text


def test_a_report_is_asked_to_compare(runs, tmp_path):
    wanted = Wanted(tmp_path / "report.html", images=False, measure=0, beside=(runs[1],))
    file = write_report(runs[0], wanted, stop=NEVER, progress=Silent())
    assert "Beside other runs" in file.read_text()
    itself = Wanted(tmp_path / "report.html", images=False, measure=0, beside=(runs[0],))
    with pytest.raises(TuneError, match="two or more different runs"):
        write_report(runs[0], itself, stop=NEVER, progress=Silent())
