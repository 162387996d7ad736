"""Draw a small labelled data set: not too easy, and with the faults that real ones have."""

import io
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from data_pipeline.errors import DataError

Pattern = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Takes two phases in radians, float64 [height, width]; says which of two colours, bool."""

_SIDES = (90, 261)  # pixels, the last one excluded
# Periods are shares of a piece's radius, contrasts levels of 255. Finer or fainter patterns
# could not be seen in the noise.
_PERIODS = (0.45, 0.8)
_CONTRASTS = (45, 80)
_FORMATS = (
    ("JPEG", ".jpg"),
    ("JPEG", ".jpg"),
    ("JPEG", ".jpg"),
    ("PNG", ".png"),
    ("WEBP", ".webp"),
)
_ORIENTATION_TAG = 0x0112


def draw_sample(folder: Path, *, images_per_class: int = 240, seed: int = 0) -> None:
    """Draw checked, dotted and striped pieces of all colours, shapes and sizes among clutter.

    Only the pattern tells the class; colour and outline do not. Some files are added that a
    check must find or must keep: a truncated JPEG, an empty file, a text called .jpg, a GIF
    called .jpg, a CMYK JPEG, a JPEG that Exif turns upright, exact copies, and one image under
    two labels.

    Args:
        folder: is created; must be empty if it exists.
        images_per_class: at least 8, without the added files.
        seed: the same seed draws the same pixels.

    Raises:
        DataError: the folder is not empty, or too few images are asked for.
    """
    if images_per_class < 8:
        raise DataError(
            f"received {images_per_class} images per class, expected at least 8; ask for more"
        )
    if folder.exists() and any(folder.iterdir()):
        raise DataError(
            f"{folder}: not empty; expected a new or empty folder, since the sample would be "
            "mixed with what is there; choose another"
        )
    for number, (label, pattern) in enumerate(_PATTERNS.items()):
        (folder / label).mkdir(parents=True)
        for index in range(images_per_class):
            random = np.random.default_rng([seed, number, index])
            format_name, suffix = _FORMATS[index % len(_FORMATS)]
            path = folder / label / f"{label}_{index:03d}{suffix}"
            _draw(pattern, random).save(path, format_name, quality=88)
    _plant_troubles(folder, np.random.default_rng([seed, len(_PATTERNS)]))


def _draw(pattern: Pattern, random: np.random.Generator) -> Image.Image:
    """Draw one scene with one patterned piece in it."""
    width, height = (int(side) for side in random.integers(*_SIDES, 2))
    scene = _fade(width, height, random)
    _clutter(scene, random)
    corners = int(random.choice([3, 4, 5, 40]))
    radius = random.uniform(0.3, 0.46) * min(width, height)
    mask = Image.new("L", scene.size)
    ImageDraw.Draw(mask).polygon(_outline(corners, radius, scene.size, random), fill=255)
    scene.paste(_patterned(pattern, scene.size, radius, random), mask=mask)
    return _noisy(scene.filter(ImageFilter.GaussianBlur(random.uniform(0, 1.2))), random)


def _fade(width: int, height: int, random: np.random.Generator) -> Image.Image:
    """Draw a background: a random colour that fades into another."""
    first, second = random.uniform(20, 235, (2, 3))
    turn = random.uniform(0, 2 * np.pi)
    rows, columns = np.mgrid[0:height, 0:width]
    along = np.cos(turn) * columns + np.sin(turn) * rows
    fade = ((along - along.min()) / np.ptp(along))[..., np.newaxis]
    return Image.fromarray((first + (second - first) * fade).astype(np.uint8))


def _patterned(
    pattern: Pattern, size: tuple[int, int], radius: float, random: np.random.Generator
) -> Image.Image:
    """Draw the pattern in two colours, at a random scale, angle and offset."""
    turn, period = random.uniform(0, 2 * np.pi), radius * random.uniform(*_PERIODS)
    rows, columns = np.mgrid[0 : size[1], 0 : size[0]] * 2 * np.pi / period
    across = np.cos(turn) * columns + np.sin(turn) * rows + random.uniform(0, 2 * np.pi)
    down = np.cos(turn) * rows - np.sin(turn) * columns + random.uniform(0, 2 * np.pi)
    # One colour is always lighter than the other. If they differed in hue alone, a network
    # would need thousands of images to learn that hue does not tell the class.
    colour, change = random.normal(130, 30, 3), random.uniform(*_CONTRASTS)
    pixels = np.where(pattern(across, down)[..., np.newaxis], colour + change, colour - change)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _clutter(scene: Image.Image, random: np.random.Generator) -> None:
    """Draw lines and scraps without a pattern."""
    draw = ImageDraw.Draw(scene)
    width, height = scene.size
    for _ in range(int(random.integers(2, 6))):
        ends = random.uniform(0, 1, (2, 2)) * (width, height)
        colour = tuple(int(value) for value in random.integers(0, 256, 3))
        draw.line([tuple(end) for end in ends], fill=colour, width=int(random.integers(1, 5)))
    for _ in range(int(random.integers(4, 10))):
        middle = random.uniform(0, 1, 2) * (width, height)
        scraps = middle + random.uniform(-0.06, 0.06, (5, 2)) * max(width, height)
        colour = tuple(int(value) for value in random.integers(0, 256, 3))
        draw.polygon([tuple(point) for point in scraps], fill=colour)


def _outline(
    corners: int, radius: float, size: tuple[int, int], random: np.random.Generator
) -> list[tuple[float, float]]:
    """Make a regular polygon at a random angle and place, inside the image."""
    angles = (np.arange(corners) + random.uniform()) * 2 * np.pi / corners
    half = np.array(size) / 2
    middle = half + random.uniform(-1, 1, 2) * (half - radius)
    points = middle + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return [(float(x), float(y)) for x, y in points]


def _noisy(image: Image.Image, random: np.random.Generator) -> Image.Image:
    pixels = np.asarray(image, np.float32)
    grain = random.normal(0, random.uniform(2, 14), pixels.shape)
    return Image.fromarray(np.clip(pixels + grain, 0, 255).astype(np.uint8))


_PATTERNS: dict[str, Pattern] = {
    "checked": lambda across, down: np.sin(across) * np.sin(down) > 0,
    "dotted": lambda across, down: np.cos(across) + np.cos(down) > 0.6,
    "striped": lambda across, down: np.sin(across) > 0,
}


def _plant_troubles(folder: Path, random: np.random.Generator) -> None:
    """Add files that a check must find, and odd files that it must keep."""
    checked, dotted, striped = (folder / label for label in _PATTERNS)
    whole = (checked / "checked_000.jpg").read_bytes()
    (checked / "cut_short.jpg").write_bytes(whole[: len(whole) * 6 // 10])
    (dotted / "empty.jpg").write_bytes(b"")
    (striped / "notes.jpg").write_text("Not an image: somebody's notes under a wrong name.\n")
    gif = io.BytesIO()
    _draw(_PATTERNS["checked"], random).save(gif, "GIF")
    (checked / "really_a_gif.jpg").write_bytes(gif.getvalue())
    _draw(_PATTERNS["dotted"], random).convert("CMYK").save(dotted / "for_print.jpg", quality=88)
    _save_lying_down(_draw(_PATTERNS["striped"], random), striped / "lying_down.jpg")
    for number in (1, 2):
        shutil.copy2(dotted / f"dotted_00{number}.jpg", dotted / f"dotted_00{number}_copy.jpg")
    shutil.copy2(striped / "striped_005.jpg", striped / "striped_005_copy.jpg")
    shutil.copy2(checked / "checked_006.jpg", dotted / "checked_or_dotted.jpg")


def _save_lying_down(image: Image.Image, path: Path) -> None:
    """Save as a camera held upright does: turned to the left, and Exif says to turn it back."""
    exif = Image.Exif()
    exif[_ORIENTATION_TAG] = 6
    image.transpose(Image.Transpose.ROTATE_90).save(path, quality=88, exif=exif)
