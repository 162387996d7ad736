"""`--cluster`: what it takes, and what is said before TensorFlow or Ray is imported."""

import subprocess
import sys
import warnings

import pytest

from search.cli import _run
from search.cli import run as command
from search.cli.printing import run as result
from search.errors import TuneError
from search.executors.ray import connection
from search.executors.ray.address import parse_cluster, require_workers_that_fit
from search.executors.ray.command_name import lost_command
from search.executors.ray.connection import require_ray


@pytest.mark.parametrize(
    "text", ["auto", "ray://head:10001", "ray://10.0.0.1:1", "ray://[::1]:65535"]
)
def test_addresses_of_clusters_stay_as_they_are(text):
    address = parse_cluster(text)
    assert (address.text, address.of_ray, address.slots) == (text, text, None)


def test_a_ray_of_its_own_has_as_many_slots_as_asked_for():
    address = parse_cluster("local:3")
    assert (address.of_ray, address.slots) == ("local", 3)


WRONG = (
    ["", "Auto", "auto ", "local", "local:", "local:0", "local:65", "local:-1", "local:2.5"]
    + ["local:99999999999", "local:٢", "ray://", "ray://head", "ray://head:0", "ray://head:70000"]
    + ["ray://:10001", "http://head:10001", "head:10001", "ray://a b:1", "ray://head:10001/x"]
)


@pytest.mark.parametrize("text", WRONG)
def test_anything_else_is_refused(text):
    with pytest.raises(TuneError, match="expected|is no cluster"):
        parse_cluster(text)


def test_numbers_of_workers_that_do_not_agree_are_refused():
    require_workers_that_fit(None, 0)
    require_workers_that_fit(parse_cluster("auto"), 2)
    with pytest.raises(TuneError, match="leave out --workers"):
        require_workers_that_fit(parse_cluster("local:2"), 2)
    with pytest.raises(TuneError, match="choose one"):
        require_workers_that_fit(parse_cluster("auto"), 0)


def test_trials_per_gpu_stand_alone():
    require_workers_that_fit(None, None, 4)
    require_workers_that_fit(parse_cluster("auto"), None, 4)
    with pytest.raises(TuneError, match="leave out --trials-per-gpu"):
        require_workers_that_fit(None, 2, 4)
    with pytest.raises(TuneError, match="local:2 says how many.*leave out --trials-per-gpu"):
        require_workers_that_fit(parse_cluster("local:2"), None, 4)
    with pytest.raises(TuneError, match="received 0, expected 1 or more"):
        require_workers_that_fit(None, None, 0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--cluster", "local:0"], "1 to 64"),
        (["--cluster", "kubernetes"], "is no cluster"),
        (["--cluster", "local:2", "--workers", "2"], "leave out --workers"),
        (["--cluster", "auto", "--workers", "0"], "choose one"),
        (["--trials-per-gpu", "2", "--workers", "4"], "leave out --trials-per-gpu"),
        (["--trials-per-gpu", "0"], "1<=x<=16"),
    ],
)
def test_a_wrong_value_ends_the_command_with_status_2(options, said, photos, capsys):
    assert _run(["run", str(photos), *options]) == 2
    assert said in capsys.readouterr().err


def test_a_wrong_value_is_refused_before_tensorflow_or_ray_is_imported(photos):
    program = (
        "import sys; from search.cli import _run\n"
        "status = _run(['run', sys.argv[1], '--cluster', 'local:0'])\n"
        "loaded = {'ray', 'tensorflow', 'keras', 'numpy'} & set(sys.modules)\n"
        "sys.exit(f'{status} {loaded}' if status != 2 or loaded else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(photos)], timeout=100, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


@pytest.fixture
def installed(monkeypatch):
    """Let Ray be there in the version given, or missing."""

    def pretend(version):
        monkeypatch.setattr(connection, "find_spec", lambda name: version)
        monkeypatch.setattr(connection, "version", lambda name: version)

    return pretend


def test_without_ray_the_command_says_how_to_install_it(installed, photos, tmp_path, capsys):
    installed(None)
    places = ["--results", str(tmp_path / "results"), "--cache-dir", str(tmp_path / "cache")]
    assert _run(["run", str(photos), "--cluster", "local:2", *places]) == 1
    said = capsys.readouterr().err
    assert "pip install 'image-tune[ray]'" in said
    assert "'image-tune' is the same" in said
    assert not (tmp_path / "results").exists()


def test_a_command_that_ray_has_taken_is_named(tmp_path):
    assert lost_command(tmp_path) == ""
    command = tmp_path / "tune"
    command.write_text("from search.cli import main\n")
    assert lost_command(tmp_path) == ""
    command.write_text("from ray.tune.cli.scripts import cli\n")
    assert "call 'image-tune' instead" in lost_command(tmp_path)


def test_a_search_on_a_cluster_warns_of_it(monkeypatch, photos, tmp_path):
    monkeypatch.setattr(command, "lost_command", lambda: "the command 'tune' is Ray's here")
    monkeypatch.setattr(command.api, "tune", lambda *_, **__: None)
    monkeypatch.setattr(result, "print_result", lambda *_: None)
    words = ["run", str(photos), "--results", str(tmp_path)]
    with pytest.warns(UserWarning, match="is Ray's here"):
        assert _run([*words, "--cluster", "local:2"]) == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert _run(words) == 0


@pytest.mark.parametrize(
    ("version", "is_enough"), [("2.60.0", True), ("3.0", True), ("2.9.3", False)]
)
def test_an_old_ray_is_refused(version, is_enough, installed):
    installed(version)
    if is_enough:
        require_ray()
    else:
        with pytest.raises(TuneError, match=r"needs Ray 2\.60 or newer, found 2\.9\.3"):
            require_ray()
