"""Sign what this user's program wrote, so that it is told from what came from elsewhere.

The key lies in the user's data folder, readable by nobody else, and never leaves it.
"""

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

import platformdirs

from data_pipeline.atomic_files import UnfinishedFile

_BYTES = 32


def sign(content: bytes) -> str:
    """Return a signature, 64 hexadecimal digits; "" where no key can be kept (without a home)."""
    try:
        return _digest(_key(), content)
    except (OSError, RuntimeError):
        return ""


def is_ours(content: bytes, signature: object) -> bool:
    """Tell whether `sign` made a signature of this content, by this user on this machine."""
    expected = sign(content)
    return bool(expected) and hmac.compare_digest(expected, str(signature))


def _digest(key: bytes, content: bytes) -> str:
    return hmac.new(key, content, hashlib.sha256).hexdigest()


def _key() -> bytes:
    path = Path(platformdirs.user_data_dir("image-tune")) / "key"
    if not path.exists():
        with UnfinishedFile(path, mode=0o600) as file:
            os.write(file.handle, secrets.token_bytes(_BYTES))
            os.fsync(file.handle)
            with suppress(FileExistsError):  # another process was first: its key stays
                path.hardlink_to(file.path)
    key = path.read_bytes()
    if len(key) != _BYTES:
        raise OSError(f"{path}: no key")
    return key
