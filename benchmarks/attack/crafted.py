"""Give a run and an export that a stranger has crafted to the commands that read them.

    python benchmarks/attack/crafted.py results/RUN --photo PHOTO

Each case changes one thing in a copy of a finished and exported run: a path that leads outside,
markup, escapes of a terminal, numbers that no file of ours holds, code where Keras would run it,
sizes that no memory has. Then every command that reads it is called in this process, in a memory
of 12 GiB. Counts what was refused in one line, what was answered; and what must not be: a
traceback, a hang, an escape of a terminal, a word of a file outside, or a file made there.
"""

import json
import resource
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

import click
from answers import answer
from crafted_exports import export_cases
from crafted_runs import run_cases
from crafting import MARKUP

SECRET = "f00d-of-a-file-outside"
MEMORY = 12 * 2**30  # bytes


def verdict(found, report, canary, outside_before, outside):
    """How a command ended; in capitals what must not be."""
    status, out, err = found
    page = report.read_text(errors="replace") if report.exists() else ""
    if canary.exists() or sorted(outside.parent.iterdir()) != outside_before:
        return "OUTSIDE WRITTEN"
    if isinstance(status, str):
        return "HANG" if status.startswith("HangError") else "TRACEBACK"
    if any(character in out + err for character in "\x1b\x07\x9b\u202e"):
        return "ESCAPE"
    if MARKUP in page:
        return "MARKUP"
    if SECRET in out + err + page:
        return "OUTSIDE READ"
    return "one line" if status == 1 else "answered"


@click.command()
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--photo", type=click.Path(exists=True, path_type=Path), required=True)
def main(run, photo):
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    counts, bad = {"run": Counter(), "export": Counter()}, []
    with tempfile.TemporaryDirectory() as folder:
        results, outside = Path(folder) / "results", Path(folder) / "outside" / "secret.json"
        copy, canary, report = results / run.name, Path(folder) / "canary", results / "page.html"
        outside.parent.mkdir()
        outside.write_text(json.dumps({"text": SECRET}))
        before = sorted(outside.parent.iterdir())
        shown = ["--results", str(results)]
        commands = {
            "run": [
                ["list", *shown],
                ["show", run.name, *shown, "--json"],
                ["show", run.name, *shown],
                ["report", run.name, *shown, "--output", str(report), "--measure", "0s"],
            ],
            "export": [
                ["predict", str(copy / "export"), str(photo)],
                ["predict", str(copy / "export"), str(photo), "--csv"],
            ],
        }
        results.mkdir()
        shutil.copytree(run, copy)
        cases = [("run", *case) for case in run_cases(copy, outside, canary)]
        cases += [("export", *case) for case in export_cases(copy / "export", outside, canary)]
        for kind, name, craft in cases:
            shutil.rmtree(copy)
            shutil.copytree(run, copy)
            craft()
            for words in commands[kind]:
                report.unlink(missing_ok=True)
                found = answer(words)
                ended = verdict(found, report, canary, before, outside)
                counts[kind][ended] += 1
                if ended.isupper():
                    bad.append(name)
                    print("  ", name, words[0], ended, found[0], sep=" | ", flush=True)
                canary.unlink(missing_ok=True)
    for kind, found in counts.items():
        number = sum(case[0] == kind for case in cases)
        print(f"{number} crafted {kind}s, {found.total()} calls: {dict(found)}")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
