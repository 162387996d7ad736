"""Names of the thousand classes of ImageNet, as Keras has them."""

from __future__ import annotations

import json

from models.errors import ModelError
from models.pretrained import weights as files

FILE = "imagenet_class_index.json"
URL = f"https://storage.googleapis.com/download.tensorflow.org/data/{FILE}"
DIGEST = "c2c37ea517e94d9795004a39431a14cb"
CLASSES = 1000


def imagenet_class_names() -> tuple[str, ...]:
    """Return the names of the 1,000 classes, in the order of the classifiers' outputs.

    Raises:
        ModelError: The list is not in the Keras cache and the network does not answer, or the
            file there is not that list.
    """
    path = files.cached([FILE]) or files.download(FILE, URL, digest=DIGEST)
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
        return tuple(index[str(number)][1].replace("_", " ") for number in range(CLASSES))
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise ModelError(
            f"{path}: is not the list of ImageNet's classes ({error!r}); remove it, and it is "
            f"downloaded again from {URL}"
        ) from error
