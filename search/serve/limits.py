"""How much the server takes at once, so that uploads cannot fill the machine.

Threads and files are bounded; further requests wait, and beyond that they get a 503.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class UploadLimits:
    """What a server takes at once.

    Attributes:
        max_bytes: of one request's body.
        max_files: of one form.
        waiting: requests with photos that are answered or wait for it; more get a 503.
        stored: of these, how many have their photos on the disk at a time.
        spare_threads: for the page itself while as many wait as may.
        head_seconds: in which the head of a request must have come, of the time that it is
            waited for.
        crowded_seconds: the same while others wait for a thread.
        idle_seconds: without a byte, after which a connection is closed.
        patience_seconds: in which a request must have come, and more for what it has sent.
        least_rate: bytes per second for which it gets more.
        sending_seconds: in which it must have come in any case.
        parting_seconds: for one that was refused and still sends, to stop and read why.
        parting_bytes: that it may send meanwhile; they go nowhere.
        retry_seconds: after which one that was turned away may come again.
    """

    max_bytes: int = 32 * 2**20
    max_files: int = 32
    waiting: int = 256
    stored: int = 16  # as many as the model answers together: `answerer.BATCHES`
    spare_threads: int = 16
    head_seconds: float = 5.0
    crowded_seconds: float = 1.0
    idle_seconds: float = 30.0
    patience_seconds: float = 10.0
    least_rate: float = 2.0**14
    sending_seconds: float = 600.0
    parting_seconds: float = 2.0
    parting_bytes: int = 2**30
    retry_seconds: int = 2
