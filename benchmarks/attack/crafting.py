"""Craft files as a stranger would: what crafted runs and crafted exports have in common."""

import json
import pickle
import zipfile
from pathlib import Path

ESCAPES = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202ekcatta"
MARKUP = "<script>window.ran=1</script>"


class Pickled:
    """Makes a file when it is unpickled."""

    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return (Path.touch, (self.canary,))


def json_cases(folder, changes):
    """Yield (name, a change of a JSON file): each of some keys to each of some values."""
    for file, keys, values in changes:
        for key in keys:
            for value in values:

                def change(path=folder / file, key=key, value=value):
                    content = json.loads(path.read_text())
                    content[key] = value
                    path.write_text(json.dumps(content))

                yield f"{file}: {key} = {str(value)[:40]!r}", change


def linked(path, target):
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def pickled(path, canary):
    path.write_bytes(pickle.dumps(Pickled(canary)))


def bomb(path, name):
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open(name, "w") as out,
    ):
        for _ in range(1024):
            out.write(bytes(2**20))
