"""Read which images a run's export is trained on."""

import warnings
from pathlib import Path

from data_pipeline.near_duplicates.known_images import KnownImages
from search.errors import TuneError
from search.process.atomic_files import read_arrays
from search.process.printable import printable

_FILE, _OLDER = "known.columns", "known.npz"  # of a run; older versions wrote the second
_ARRAYS = ("pixel_hashes", "sketches")
_REMEDY = "what the model was trained on is not known"


def load_known(run: Path) -> KnownImages | None:
    """Read them, also as older versions wrote them; None where they are not known.

    Of a file that is damaged that is warned of.

    Args:
        run: its folder.
    """
    file = next((run / name for name in (_FILE, _OLDER) if (run / name).is_file()), None)
    if file is None:
        return None
    try:
        if file.name == _FILE:
            return KnownImages.load(file)
        arrays = read_arrays(file, _ARRAYS, "S", remedy=_REMEDY)
        return KnownImages.from_arrays(dict(zip(_ARRAYS, arrays, strict=True)))
    except TuneError as error:
        problem = str(error)
    except (OSError, ValueError) as error:
        problem = f"{printable(file)}: damaged ({error}); {_REMEDY}"
    warnings.warn(problem, stacklevel=2)
    return None
