"""A column of hashes of 16 bytes."""

from collections.abc import Iterable, Iterator

import numpy as np
import xxhash

from data_pipeline.columns.texts import Texts

BYTES = 16
_PIECE = 2**16  # rows


class Digests(Texts):
    """A column of hashes, 16 bytes per row; as text 32 hex digits, or "" for none.

    Args:
        content: uint8 [rows, 16]; all 0 for none.
    """

    def __init__(self, content: np.ndarray) -> None:
        self.content = content

    @classmethod
    def of(cls, values: Iterable[str]) -> "Digests":
        """Make a column of hashes as text.

        Raises:
            ValueError: one is not 32 hex digits.
        """
        if isinstance(values, cls):
            return values
        content = b"".join(digest_bytes(value) for value in values)
        return cls(np.frombuffer(content, np.uint8).reshape(-1, BYTES))

    @classmethod
    def of_contents(cls, contents: Iterable[bytes]) -> "Digests":
        """Hash contents by XXH3: equal ones alone have equal hashes, unless somebody made them."""
        hashes = b"".join(xxhash.xxh3_128_digest(content) for content in contents)
        return cls(np.frombuffer(hashes, np.uint8).reshape(-1, BYTES))

    def __len__(self) -> int:
        return len(self.content)

    def _item(self, row: int) -> str:
        return _as_text(self.content[row].tobytes())

    def __iter__(self) -> Iterator[str]:
        for first in range(0, len(self), _PIECE):
            digits = self.content[first : first + _PIECE].tobytes()
            yield from (_as_text(digits[n : n + BYTES]) for n in range(0, len(digits), BYTES))

    @property
    def keys(self) -> np.ndarray:
        """Void [rows]: values that NumPy sorts and compares."""
        return np.ascontiguousarray(self.content).view(np.dtype((np.void, BYTES)))[:, 0]

    def firsts(self) -> np.ndarray:
        """Find the first row with the same hash as each row: int64 [rows]."""
        _, first, inverse = np.unique(self.keys, return_index=True, return_inverse=True)
        return np.asarray(first[inverse], np.int64)

    @property
    def filled(self) -> np.ndarray:
        """Which rows have one: bool [rows]."""
        return np.asarray(self.content.any(axis=1))

    def take(self, rows: np.ndarray) -> "Digests":
        """Make a column of some rows."""
        return Digests(self.content[rows])

    def pieces(self) -> Iterator[bytes]:
        """Yield the text of all rows, one after the other, in pieces."""
        whole = bool(self.filled.all())
        for first in range(0, len(self), _PIECE):
            piece = self.content[first : first + _PIECE]
            yield (piece if whole else piece[piece.any(axis=1)]).tobytes().hex().encode()


def digest_bytes(text: str) -> bytes:
    """The 16 bytes of a hash.

    Raises:
        ValueError: it is neither 32 hex digits nor "".
    """
    content = bytes.fromhex(text) if text else bytes(BYTES)
    if len(content) != BYTES:
        raise ValueError(f"received {text!r}, expected {2 * BYTES} hex digits")
    return content


def _as_text(content: bytes) -> str:
    return content.hex() if content.strip(b"\0") else ""
