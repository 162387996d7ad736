"""Print the result of `tune clean` as text."""

from typing import Any

from rich.table import Table
from rich.text import Text

from search.process.console import SafeConsole
from search.process.printable import printable
from search.process.wording import in_percent
from search.tuning.preparation.leak_warning import leak_in_words

SHOWN = 5  # paths shown of each kind; --json has all


def print_summary(summary: dict[str, Any]) -> None:
    """Print a catalog's summary (see `data_pipeline.preparation.summary.summarize`) to stdout."""
    console = SafeConsole(highlight=False)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("what")
    table.add_column("files", justify="right")
    table.add_column("which", overflow="fold")
    table.add_row("kept", f"{summary['kept']:,}", Text(_formats(summary)))
    for reason, files in summary["bad_by_reason"].items():
        table.add_row(Text(f"bad: {reason}"), str(len(files)), Text(_with_details(files)))
    for reason, paths in summary["left_out"].items():
        table.add_row(Text(f"left out: {reason}"), f"{len(paths):,}", Text(_listed(paths)))
    for key, words in (
        ("duplicate_groups", "the same image twice"),
        ("near_duplicate_groups", "nearly the same image"),
        ("label_conflicts", "one image, two labels"),
    ):
        for group in summary[key][:SHOWN]:
            table.add_row(words, str(len(group)), Text(_paths(group)))
        if (more := len(summary[key]) - SHOWN) > 0:
            table.add_row(words, "", f"and {more:,} more groups")
    console.print_table(table)
    console.print(_classes(summary))
    for sentence in (*summary["notes"], *summary["doubts"]):
        console.print(Text(printable(sentence)))
    for leak in summary["leaks"]:
        console.print(_leak(leak))
    if summary["no_training"]:
        console.print(Text(f"tune run would refuse it: {printable(summary['no_training'])}"))


def _leak(leak: dict[str, Any]) -> Text:
    """Describe a leak and a few of its images."""
    lines = [leak_in_words(leak), *(f"  {_paths(group)}" for group in leak["groups"][:SHOWN])]
    if (more := len(leak["groups"]) - SHOWN) > 0:
        lines.append(f"  and {more:,} more groups")
    return Text("\n".join(lines))


def _formats(summary: dict[str, Any]) -> str:
    counts = ", ".join(f"{name} {count:,}" for name, count in summary["formats"].items())
    if not summary["kept"]:
        return counts
    width, height = (_span(*summary[name]) for name in ("width", "height"))
    return f"{counts}; {width} px wide, {height} px high"


def _span(low: int, high: int) -> str:
    return str(low) if low == high else f"{low} to {high}"


def _paths(files: list[dict[str, str]]) -> str:
    return _listed([file["path"] for file in files])


def _with_details(files: list[dict[str, str]]) -> str:
    """Name bad files, each with what its reason says beyond the words of the row."""
    details = (file["reason"].partition(": ")[2] for file in files)
    return _listed(
        [
            f"{file['path']} ({detail})" if detail else file["path"]
            for file, detail in zip(files, details, strict=True)
        ]
    )


def _listed(paths: list[str]) -> str:
    more = f", and {len(paths) - SHOWN:,} more" if len(paths) > SHOWN else ""
    return ", ".join(map(printable, paths[:SHOWN])) + more


def _classes(summary: dict[str, Any]) -> Text:
    counts = ", ".join(
        f"{printable(label)} {count:,}" for label, count in summary["class_counts"].items()
    )
    text = Text(f"classes: {counts}")
    if summary["majority_accuracy"] is not None:
        largest = in_percent(summary["majority_accuracy"])
        text.append(f"\nalways saying the largest class: {largest} right")
    return text
