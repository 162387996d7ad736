"""The names that options of a search may have; each table is imported when it is asked for."""


def algorithms() -> tuple[str, ...]:
    """Names of `--algo`."""
    from search.algorithms.registry import ALGORITHMS

    return tuple(ALGORITHMS)


def objectives() -> tuple[str, ...]:
    """Names of `--objective`."""
    from search.evaluation.objective import AUTO, OBJECTIVES

    return (AUTO, *OBJECTIVES)


def families() -> tuple[str, ...]:
    """Names of `--families`."""
    from models.families.registry import FAMILIES

    return tuple(FAMILIES)


def backbones() -> tuple[str, ...]:
    """Names of `--backbones`."""
    from models.pretrained.backbones import BACKBONES

    return tuple(BACKBONES)


def formats() -> tuple[str, ...]:
    """Names of `--format`."""
    from search.formats.registry import FORMATS

    return tuple(FORMATS)


def precisions() -> tuple[str, ...]:
    """Names of `--precision`."""
    from search.process.machine.hardware import PRECISIONS

    return ("auto", *PRECISIONS)


def resize_modes() -> tuple[str, ...]:
    """Names of `--resize`."""
    from data_pipeline.pixels.resize_mode import RESIZE_MODES

    return RESIZE_MODES
