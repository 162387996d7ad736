"""The options of every command that reads labelled images: where labels come from, and groups."""

from collections.abc import Callable
from typing import Any

import click

_OPTIONS = (
    click.option(
        "--labels",
        type=click.Path(exists=True, dir_okay=False, resolve_path=True),
        metavar="TABLE",
        help="Take the labels of the images below DATA from this table (CSV).  "
        "[default: class folders]",
    ),
    click.option(
        "--image-column",
        metavar="NAME|NUMBER",
        help="Column of the table with the paths of images.  [default: the one whose cells are "
        "files]",
    ),
    click.option(
        "--label-column",
        metavar="NAME|NUMBER",
        help="Column with the labels.  [default: the one named so, or the only one left]",
    ),
    click.option(
        "--split-column",
        metavar="NAME|NUMBER",
        help="Column that says train, validation or test.  [default: the one named split, if any]",
    ),
    click.option(
        "--group-column",
        metavar="NAME|NUMBER",
        help="Column with what images of one split have in common, as a patient.  [default: none]",
    ),
    click.option(
        "--group-by",
        metavar="REGEX",
        help="Keep images in one split for which this finds the same in their paths, as "
        "'(patient[0-9]+)'.  [default: none]",
    ),
    click.option(
        "--corrections",
        type=click.Path(exists=True, dir_okay=False, resolve_path=True),
        metavar="FILE",
        help="Correct labels by this file (CSV: path, old, new, when), as 'tune labels --serve' "
        "writes it.  [default: none]",
    ),
    click.option(
        "--follow-links",
        is_flag=True,
        default=None,
        help="Take linked folders, and linked files outside of DATA.",
    ),
)


def data_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add them all; a command passes them on to `data_pipeline.listing.sources.DataOptions.of`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
