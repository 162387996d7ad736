"""Read what `--cluster` is given; imports nothing of Ray."""

import re
from dataclasses import dataclass

from search.errors import TuneError

MOST_SLOTS = 64  # of `local:N`, as of --workers
_CLIENT = re.compile(r"ray://(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(?P<port>[0-9]{1,5})")


@dataclass(frozen=True)
class ClusterAddress:
    """Which Ray runs the trials.

    Attributes:
        text: as it was given.
        slots: trials at once of a Ray that is started on this machine; None for a cluster that
            is there.
    """

    text: str
    slots: int | None = None

    @property
    def of_ray(self) -> str:
        """The address as `ray.init` takes it."""
        return "local" if self.slots else self.text


def require_workers_that_fit(
    cluster: ClusterAddress | None, workers: int | None, trials_per_gpu: int | None = None
) -> None:
    """Look whether the numbers of trials at once agree.

    Raises:
        TuneError: they do not.
    """
    if trials_per_gpu is not None:
        if workers is not None:
            raise TuneError("--workers says how many trials run; leave out --trials-per-gpu")
        if cluster is not None and cluster.slots:
            raise TuneError(
                f"--cluster {cluster.text} says how many trials run; leave out --trials-per-gpu"
            )
        if trials_per_gpu < 1:
            raise TuneError(f"trials_per_gpu: received {trials_per_gpu}, expected 1 or more")
    if cluster is None or workers is None:
        return
    if cluster.slots:
        raise TuneError(f"--cluster {cluster.text} says how many trials run; leave out --workers")
    if workers == 0:
        raise TuneError("--workers 0 trains in this process, and --cluster elsewhere; choose one")


def parse_cluster(text: str) -> ClusterAddress:
    """Read `auto`, `ray://HOST:PORT` or `local:N`.

    Raises:
        TuneError: it is something else.
    """
    if text == "auto":
        return ClusterAddress(text)
    if found := re.fullmatch(r"local:([0-9]{1,9})", text):
        slots = int(found[1])
        if not 1 <= slots <= MOST_SLOTS:
            raise TuneError(f"{text!r}: expected 1 to {MOST_SLOTS} trials at once, as local:2")
        return ClusterAddress(text, slots)
    if found := _CLIENT.fullmatch(text):
        if not 1 <= int(found["port"]) <= 65535:
            raise TuneError(f"{text!r}: expected a port from 1 to 65535, as ray://head:10001")
        return ClusterAddress(text)
    raise TuneError(f"{text!r} is no cluster; write auto, ray://HOST:PORT or local:N")
