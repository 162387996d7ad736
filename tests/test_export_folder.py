"""The export folder when the program is killed while folders are exchanged."""

import os
import shutil
import signal

import pytest
from forked import in_a_child

from search.export.folder import digest, export_folder
from search.process.atomic_files import write_json
from search.run_folder.paths import RunFolder

OPERATIONS = ("rename", "unlink", "rmdir", "mkdir")


def export(run, content):
    """Export a model of that content."""
    with export_folder(run) as folder:
        (folder / "model.keras").write_text(content)
        (folder / "saved_model").mkdir()
        (folder / "saved_model" / "saved_model.pb").write_text(content)
        (folder / "README.md").write_text(f"card of {content}")
        write_json(folder / "metrics.json", {"card": digest(folder / "README.md")})


def killing(monkeypatch, at):
    """Die before the `at`-th change of a folder."""
    count = 0

    def wrapped(real):
        def call(*arguments, **options):
            nonlocal count
            count += 1
            if count == at:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **options)

        return call

    for name in OPERATIONS:
        monkeypatch.setattr(os, name, wrapped(getattr(os, name)))


@pytest.fixture
def exported(tmp_path):
    """A run with an export, a note of the user's in it, and the card edited."""
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    export(run, "first")
    (run.export / "notes.txt").write_text("mine")
    (run.export / "README.md").write_text("my words")
    return run


def test_killed_at_any_moment_a_whole_model_and_what_is_the_users_are_there_in_the_end(
    exported, tmp_path
):
    points = 0
    for at in range(1, 100):
        run = RunFolder(tmp_path / str(at))
        shutil.copytree(exported.path, run.path)

        def killed(run=run, at=at):
            with pytest.MonkeyPatch.context() as monkeypatch:
                killing(monkeypatch, at)
                export(run, "second")

        if in_a_child(killed) == 0:
            break
        points += 1
        # Before anything is mended, a model lies in one of the two places, all of it.
        whole = [place for place in (run.export, run.path / ".export-old") if place.exists()]
        contents = [
            {(place / name).read_text() for name in ("model.keras", "saved_model/saved_model.pb")}
            for place in whole
            if (place / "model.keras").exists()
            and (place / "saved_model").exists()
            and list((place / "saved_model").iterdir())
        ]
        assert any(len(content) == 1 for content in contents), at
        export(run, "third")
        assert (run.export / "model.keras").read_text() == "third"
        assert (run.export / "notes.txt").read_text() == "mine", at
        assert (run.export / "README.old-1.md").read_text() == "my words", at
        assert sorted(path.name for path in run.path.iterdir()) == ["export"], at
    assert points >= 8
