"""How an image of another shape is made to fit; imports without numpy."""

from typing import Literal, get_args

ResizeMode = Literal["squeeze", "crop", "pad"]
"""The whole image distorted, its middle alone, or the whole with black bars."""
RESIZE_MODES: tuple[ResizeMode, ...] = get_args(ResizeMode)
