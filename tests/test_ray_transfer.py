"""Transfers of files to actors and back: bounded, resumed, and told of what went wrong."""

import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

from search.executors.ray.files import pieces, transfer
from search.executors.ray.files.pieces import PieceError, manifest_of, read_piece
from search.executors.ray.files.receiver import Receiver
from search.executors.ray.files.transfer import WINDOW, Transfer


class GoneError(Exception):
    """The actor is gone."""


class FakeRay:
    """An object store, and calls that run when they are asked for; counts what is on its way."""

    def __init__(self):
        self.on_their_way = self.most = 0
        self.calls_left = 10**6

    def put(self, piece):
        return piece

    def call(self, function):
        def remote(*arguments):
            self.on_their_way += 1
            self.most = max(self.most, self.on_their_way)
            return lambda: function(*arguments)

        return SimpleNamespace(remote=remote)

    def get(self, reference, timeout):
        self.on_their_way -= 1
        self.calls_left -= 1
        if self.calls_left < 0:
            raise GoneError
        return reference()


@pytest.fixture
def ray():
    return FakeRay()


@pytest.fixture
def actor(ray, tmp_path):
    """A receiver on a node, and a slot that keeps one file."""
    receiver = Receiver(tmp_path / "node")
    calls = {name: ray.call(getattr(receiver, name)) for name in ("missing", "take", "finish")}
    piece = ray.call(lambda place, number, manifest: read_piece(tmp_path / place, number, manifest))
    return SimpleNamespace(**calls, piece=piece)


@pytest.fixture
def source(tmp_path, monkeypatch):
    for module in (pieces, transfer):
        monkeypatch.setattr(module, "PIECE_BYTES", 1000)
    path = tmp_path / "pixels.npy"
    path.write_bytes(np.random.default_rng(0).bytes(9500))
    return path


def test_a_file_is_sent_in_pieces_of_which_few_are_on_their_way(ray, actor, source, tmp_path):
    sender = Transfer(ray)
    assert sender.send(source, actor, "a/pixels.npy") == 9500
    assert (tmp_path / "node" / "a" / "pixels.npy").read_bytes() == source.read_bytes()
    assert 1 < ray.most <= WINDOW
    assert sender.send(source, actor, "a/pixels.npy") == 0, "it is there"


def test_what_was_sent_before_a_node_was_lost_is_not_sent_again(ray, actor, source, tmp_path):
    ray.calls_left = 6  # one asks what is missing
    with pytest.raises(GoneError):
        Transfer(ray).send(source, actor, "pixels.npy")
    assert not (tmp_path / "node" / "pixels.npy").exists()
    ray.calls_left = 10**6
    assert Transfer(ray).send(source, actor, "pixels.npy") == 4500
    assert (tmp_path / "node" / "pixels.npy").read_bytes() == source.read_bytes()


def test_room_is_given_back_when_a_transfer_fails(ray, actor, source):
    sender = Transfer(ray)
    for number in range(transfer.IN_FLIGHT):
        ray.calls_left = 3
        with pytest.raises(GoneError):
            sender.send(source, actor, f"{number}.npy")
    ray.calls_left = 10**6
    assert sender.send(source, actor, "pixels.npy") == 9500  # else this waits without end


def test_a_file_that_keeps_changing_is_given_up(ray, actor, source, monkeypatch):
    def changing(path, number, manifest):
        raise PieceError("has changed")

    monkeypatch.setattr(transfer, "read_piece", changing)
    with pytest.raises(PieceError, match="has changed"):
        Transfer(ray).send(source, actor, "pixels.npy")


def test_a_file_is_fetched_in_place_of_the_one_before(ray, actor, source, tmp_path):
    target = tmp_path / "run" / "0000.npz"
    target.parent.mkdir()
    target.write_bytes(b"before")
    Transfer(ray).fetch(actor, source.name, manifest_of(source), target)
    assert target.read_bytes() == source.read_bytes()
    assert [path.name for path in target.parent.iterdir()] == ["0000.npz"]


def test_a_file_that_is_fetched_in_part_does_not_replace_the_one_before(
    ray, actor, source, tmp_path
):
    target = tmp_path / "0000.npz"
    target.write_bytes(b"before")
    ray.calls_left = 3
    with pytest.raises(GoneError):
        Transfer(ray).fetch(actor, source.name, manifest_of(source), target)
    assert target.read_bytes() == b"before"


def test_many_files_at_once_do_not_wait_for_one_another(tmp_path, source, monkeypatch):
    """Each holds some of the room that the others need."""

    class SlowRay:
        def put(self, piece):
            return piece

        def get(self, reference, timeout):
            time.sleep(0.001)
            return reference()

    def call(function):
        return SimpleNamespace(remote=lambda *arguments: lambda: function(*arguments))

    monkeypatch.setattr(transfer, "IN_FLIGHT", 2 * WINDOW)
    sender = Transfer(SlowRay())
    threads = []
    for number in range(2 * WINDOW):
        receiver = Receiver(tmp_path / f"node{number}")
        calls = {name: call(getattr(receiver, name)) for name in ("missing", "take", "finish")}
        there = (source, SimpleNamespace(**calls), "pixels.npy")
        threads.append(threading.Thread(target=sender.send, args=there, daemon=True))
    for thread in threads:
        thread.start()
    for number, thread in enumerate(threads):
        thread.join(60)
        assert (tmp_path / f"node{number}" / "pixels.npy").read_bytes() == source.read_bytes()


def test_what_lies_on_a_node_is_read_by_its_user_alone(ray, actor, source, tmp_path):
    Transfer(ray).send(source, actor, "pixels.npy")
    receiver = Receiver(tmp_path / "other")
    receiver.copy("pixels.npy", source)
    for path in (tmp_path / "node" / "pixels.npy", tmp_path / "other" / "pixels.npy"):
        assert path.stat().st_mode & 0o077 == 0
