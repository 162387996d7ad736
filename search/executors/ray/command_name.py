"""Ray installs a command `tune` too, and pip lets it lie where ours was."""

import os
import sysconfig
from pathlib import Path

_OF_RAY = b"ray.tune"


def lost_command(scripts: Path | None = None) -> str:
    """Say in words that the command `tune` is Ray's here, or nothing.

    pip writes over a command of another package without a word: Ray's, when Ray is installed or
    upgraded after this program.

    Args:
        scripts: folder with the commands; by default that of this Python.
    """
    folder = scripts or Path(sysconfig.get_path("scripts"))
    try:
        content = (folder / ("tune.exe" if os.name == "nt" else "tune")).read_bytes()
    except OSError:  # started as `python -m search`, with no command at all
        return ""
    if _OF_RAY not in content:
        return ""
    return (
        "the command 'tune' is Ray's here; call 'image-tune' instead, or get it back with: "
        "pip install --force-reinstall --no-deps image-tune"
    )
