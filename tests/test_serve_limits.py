"""What the server bears: crowds, the slow, the silent, and uploads without an end."""

import socket
import threading
import time
from contextlib import contextmanager

import pytest
from served import grey, running, small_classifier, status_of
from waiting import wait_until

from search.serve.limits import UploadLimits

ENDLESS = f"Content-Length: {10**12}\r\n"


@contextmanager
def dripping(connection, drop, seconds=0.02):
    """Send `drop` now and then."""
    ended = threading.Event()

    def drip():
        while not ended.wait(seconds):
            try:
                connection.sendall(drop)
            except OSError:
                return

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_beyond_its_bounds_it_says_come_again_and_the_page_is_still_there():
    limits = UploadLimits(waiting=1, spare_threads=2, idle_seconds=20, retry_seconds=7)
    with running(small_classifier(), limits=limits) as client:
        photo = grey(255)
        with client.begin(f"Content-Length: {len(photo)}\r\n", photo[:20]) as slow:
            wait_until(lambda: client.app._waiting._value == 0)
            status, said, headers = client.ask("POST", "/predict", photo)
            assert (status, headers["Retry-After"]) == (503, "7")
            assert said["error"] == "1 requests wait already; come again in 7 s"
            assert client.ask("GET", "/")[0] == 200
            slow.sendall(photo[20:])
            assert status_of(slow)[0] == 200
        assert client.ask("POST", "/predict", photo)[0] == 200


def test_no_more_uploads_than_may_lie_on_the_disk_at_a_time():
    photo = grey(255)
    with running(small_classifier(), limits=UploadLimits(stored=2, idle_seconds=20)) as client:
        slow = [client.begin(f"Content-Length: {len(photo)}\r\n", photo[:20]) for _ in range(6)]
        wait_until(lambda: len(client.app._stored._cond._waiters) == 4)
        wait_until(lambda: len(list(client.app._folder.iterdir())) == 2)
        for connection in slow:
            connection.sendall(photo[20:])
        assert [status_of(connection)[0] for connection in slow] == [200] * 6
        for connection in slow:
            connection.close()


def test_a_client_that_stops_sending_gives_its_place_to_others():
    limits = UploadLimits(
        waiting=2, stored=1, spare_threads=0, idle_seconds=0.3, parting_seconds=0.1
    )
    with running(small_classifier(), limits=limits) as client:
        stalled = [client.begin("Content-Length: 1000\r\n", b"half") for _ in range(2)]
        silent = [socket.create_connection(("127.0.0.1", client.port)) for _ in range(2)]
        assert client.ask("POST", "/predict", grey(255))[0] == 200
        assert [status_of(connection)[0] for connection in stalled] == [408, 408]
        for connection in (*stalled, *silent):
            connection.close()


@pytest.mark.parametrize(
    ("length", "drop"), [(ENDLESS[:-4], b"x"), ("Transfer-Encoding: chunked", b"1\r\nx\r\n")]
)
def test_one_that_sends_a_byte_now_and_then_gives_its_place_to_others(length, drop):
    limits = UploadLimits(max_bytes=10**12, stored=1, idle_seconds=20, sending_seconds=0.5)
    with (
        running(small_classifier(), limits=limits) as client,
        client.begin(f"{length}\r\n") as slow,
        dripping(slow, drop),
    ):
        wait_until(lambda: client.app._stored._value == 0)
        assert client.ask("POST", "/predict", grey(255), timeout=10)[0] == 200
        status, said = status_of(slow)
    assert status == 408
    assert said["error"] == (
        "received too little; expected 16 KiB per second after the first 10 s, all within 0.5 s, "
        "without a pause of 20 s"
    )


def test_a_request_that_does_not_come_to_its_body_gives_its_place_to_others():
    limits = UploadLimits(waiting=1, spare_threads=0, idle_seconds=20, sending_seconds=0.5)
    with (
        running(small_classifier(), limits=limits) as client,
        socket.create_connection(("127.0.0.1", client.port)) as slow,
        dripping(slow, b"x"),
    ):
        assert client.ask("GET", "/", timeout=10)[0] == 200


@pytest.mark.parametrize("bound", [{"parting_seconds": 0.3}, {"parting_bytes": 2**20}])
def test_one_that_was_refused_and_goes_on_sending_gives_its_place_to_others(bound):
    values = {"parting_seconds": 60, "parting_bytes": 2**40} | bound
    limits = UploadLimits(waiting=1, spare_threads=0, idle_seconds=20, **values)
    with (
        running(small_classifier(), limits=limits) as client,
        client.begin(ENDLESS) as endless,
        dripping(endless, bytes(2**14), seconds=0.001),
    ):
        assert status_of(endless)[0] == 413
        assert client.ask("GET", "/", timeout=10)[0] == 200


def test_one_that_is_still_sending_reads_why_it_was_refused():
    large = 2**25
    with running(small_classifier(), limits=UploadLimits(max_bytes=2**20)) as client:
        for body in (bytes(large), (bytes(2**16) for _ in range(large // 2**16))):
            status, said, _ = client.ask("POST", "/predict", body)
            assert status == 413
            assert said["error"].startswith("received too much")
        assert client.ask("POST", "/predict", bytes(large), Origin="http://evil")[0] == 403


def test_a_thread_that_cannot_be_started_costs_one_connection_and_no_place(monkeypatch, capsys):
    start, fails = threading.Thread.start, iter([True] * 2)

    def start_or_fail(thread):
        if "process_request" in thread.name and next(fails, False):
            raise RuntimeError("can't start new thread")
        start(thread)

    with running(small_classifier(), limits=UploadLimits(waiting=1, spare_threads=1)) as client:
        monkeypatch.setattr(threading.Thread, "start", start_or_fail)
        for _ in range(2):
            with pytest.raises(ConnectionError):
                client.ask("GET", "/")
        assert client.ask("GET", "/", timeout=10)[0] == 200
    assert "can't start new thread" in capsys.readouterr().err


def test_many_that_send_nothing_are_soon_seen_off():
    """They hold all threads; one that asks is answered long before they would be idle."""
    limits = UploadLimits(
        waiting=1, spare_threads=1, idle_seconds=60, head_seconds=30, crowded_seconds=0.2
    )
    with running(small_classifier(), limits=limits) as client:
        silent = [socket.create_connection(("127.0.0.1", client.port)) for _ in range(6)]
        assert client.ask("POST", "/predict", grey(255), timeout=25)[0] == 200
        for connection in silent:
            connection.close()


def test_a_body_that_drips_has_less_time_than_one_that_flows():
    limits = UploadLimits(
        max_bytes=10**12, stored=1, idle_seconds=20, patience_seconds=0.5, least_rate=2.0**12
    )
    with (
        running(small_classifier(), limits=limits) as client,
        client.begin(ENDLESS) as slow,
        dripping(slow, b"x"),
    ):
        assert status_of(slow)[0] == 408
    photo = grey(255)
    with (
        running(small_classifier(), limits=limits) as client,
        client.begin(f"Content-Length: {2**16 + len(photo)}\r\n", photo) as steady,
    ):
        for _ in range(16):  # 40 kB per second, for longer than the patience
            steady.sendall(bytes(2**12))
            time.sleep(0.1)
        assert status_of(steady)[0] == 200
