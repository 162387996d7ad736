"""Files in pieces: only what differs travels, and nothing is taken that is not what was sent."""

import numpy as np
import pytest

from search.executors.ray.files import pieces
from search.executors.ray.files.pieces import Arriving, PieceError, manifest_of, read_piece


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(pieces, "PIECE_BYTES", 1000)


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "here" / "pixels.npy"
    path.parent.mkdir()
    path.write_bytes(np.random.default_rng(0).bytes(4500))
    return path


@pytest.fixture
def arriving(source, tmp_path):
    return Arriving(tmp_path / "there" / "prepared" / "pixels.npy", manifest_of(source), noted=True)


def send(source, arriving, numbers):
    for number in numbers:
        arriving.take(number, read_piece(source, number, arriving.manifest))


def test_a_file_arrives_whole(source, arriving):
    assert arriving.missing() == [0, 1, 2, 3, 4]
    send(source, arriving, [3, 0, 4, 1, 2])
    assert not arriving.path.exists(), "not before it is finished"
    arriving.finish()
    assert arriving.path.read_bytes() == source.read_bytes()
    assert arriving.missing() == []


def test_a_transfer_that_was_cut_short_goes_on_with_what_is_missing(source, arriving):
    arriving.missing()
    send(source, arriving, [0, 2])
    again = Arriving(arriving.path, arriving.manifest)
    assert again.missing() == [1, 3, 4]
    send(source, again, [1, 3, 4])
    again.finish()
    assert arriving.path.read_bytes() == source.read_bytes()


def test_pieces_that_were_damaged_on_the_disk_are_sent_again(source, arriving):
    arriving.missing()
    send(source, arriving, [0, 1, 2, 3, 4])
    with arriving.part.open("r+b") as file:
        file.seek(2500)
        file.write(b"?")
    assert arriving.missing() == [2]


def test_a_file_of_other_content_is_replaced(source, arriving):
    arriving.path.parent.mkdir(parents=True)
    arriving.path.write_bytes(bytes(4500))
    assert arriving.missing() == [0, 1, 2, 3, 4]
    send(source, arriving, [0, 1, 2, 3, 4])
    arriving.finish()
    assert arriving.path.read_bytes() == source.read_bytes()


def test_a_damaged_piece_is_not_taken(source, arriving):
    arriving.missing()
    with pytest.raises(PieceError, match="piece 1 came damaged"):
        arriving.take(1, b"?" * 1000)
    assert 1 in arriving.missing()


def test_a_file_that_changes_while_it_is_sent_is_not_sent_on(source):
    manifest = manifest_of(source)
    source.write_bytes(bytes(4500))
    with pytest.raises(PieceError, match="has changed"):
        read_piece(source, 0, manifest)


def test_holes_do_not_travel(source, arriving):
    with source.open("r+b") as file:
        file.write(bytes(3000))
    assert Arriving(arriving.path, manifest_of(source)).missing() == [3, 4]


def test_a_whole_file_is_read_once_and_noted_and_read_again_when_it_was_touched(
    source, arriving, monkeypatch
):
    arriving.missing()
    send(source, arriving, [0, 1, 2, 3, 4])
    arriving.finish()
    read = []
    monkeypatch.setattr(pieces, "manifest_of", lambda path: read.append(path) or manifest_of(path))
    assert arriving.missing() == []
    assert read == []
    arriving.path.write_bytes(bytes(4500))
    assert arriving.missing() == [0, 1, 2, 3, 4]
    assert read == [arriving.path]


def test_an_empty_file_arrives(source, arriving):
    source.write_bytes(b"")
    empty = Arriving(arriving.path, manifest_of(source))
    assert empty.missing() == []
    assert arriving.path.read_bytes() == b""
