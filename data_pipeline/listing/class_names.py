"""Find class names that may be meant as one."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator


def doubtful_names(class_names: Iterable[str]) -> Iterator[str]:
    """Give a sentence for each two or more names that are equal but for case, blanks or Unicode.

    One letter may be one character of Unicode or two (é, or e and an accent): which depends on the
    system that a folder was named on.
    """
    alike = defaultdict(list)
    for name in class_names:
        alike[_plain(name)].append(name)
    for names in alike.values():
        if len(names) > 1:
            # Two ways to write the same characters would look the same.
            quoted = repr if len({_composed(name) for name in names}) == len(names) else ascii
            listed = " and ".join(map(quoted, names))
            yield f"{listed} are {len(names)} classes; rename them alike if they are one"


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _plain(name: str) -> str:
    return _composed(_composed(name).strip().casefold())
