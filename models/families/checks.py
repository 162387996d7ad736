"""Check that a choice of families, backbones and image size can be built."""

from __future__ import annotations

from models.errors import ModelError
from models.families.registry import FAMILIES, family_named, is_known
from models.pretrained.backbones import BACKBONES


def check(
    families: tuple[str, ...], backbones: tuple[str, ...], image_size: tuple[int, int]
) -> None:
    """Refuse a choice of models that cannot be built.

    Args:
        families: Names that should be in `FAMILIES`, or of a user's file that was loaded.
        backbones: Names that should be in `BACKBONES`, where a family stands on one.
        image_size: (height, width) in pixels.

    Raises:
        ModelError: A name is unknown, or `image_size` too small for a family or backbone.
    """
    own = [family for family in families if family not in FAMILIES and is_known(family)]
    _check_names("family", families, (*FAMILIES, *own))
    rows = [family_named(family) for family in families]
    least = {f"family {family.name}": family.min_image_size for family in rows}
    if any(family.pretrained for family in rows):
        _check_names("backbone", backbones, tuple(BACKBONES))
        least |= {f"backbone {name}": BACKBONES[name].min_size for name in backbones}
    height, width = image_size
    for what, pixels in least.items():
        if min(image_size) < pixels:
            raise ModelError(
                f"image_size: received {height}x{width}, but {what} needs at least "
                f"{pixels}x{pixels}; raise --image-size or leave it out"
            )


def _check_names(kind: str, received: tuple[str, ...], known: tuple[str, ...]) -> None:
    unknown = [name for name in received if name not in known]
    if unknown or not received:
        raise ModelError(
            f"{kind}: received {', '.join(unknown) or 'none'}, expected one or more of "
            f"{', '.join(known)}"
        )
