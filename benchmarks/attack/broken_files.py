"""Break the files of a finished and exported run one by one, and look at what each command says.

    python benchmarks/attack/broken_files.py results/RUN --photo PHOTO [--report]

Each file is emptied, cut in half, filled with random bytes of its length, deleted, and made a
named pipe; JSON also becomes `{}`, `[]`, and each of its values one of another type. After each
damage the commands that read it are called on a copy, in this process: `predict` for what was
exported, `list`, `show` and, with --report, `report` for the rest.
Counts what was the same as before, what was said in a line, what was made again, and what must not
be: a traceback, a hang, or another answer without a word.
"""

import json
import os
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

import click
import numpy as np
from answers import answer

OTHER_TYPES = (None, "text", -1, [], {}, True)
CHANGED = 8  # values of one JSON file that are changed, spread over it


def damages(path):
    """Yield (name, a function that damages the file)."""
    content = path.read_bytes()
    half, noise = content[: len(content) // 2], np.random.default_rng(0).bytes(len(content))
    yield "empty", lambda: path.write_bytes(b"")
    yield "half", lambda: path.write_bytes(half)
    yield "random", lambda: path.write_bytes(noise)
    yield "deleted", path.unlink
    yield "pipe", lambda: (path.unlink(), os.mkfifo(path))
    if path.suffix == ".json":
        yield "{}", lambda: path.write_text("{}")
        yield "[]", lambda: path.write_text("[]")
        yield from _changed_values(path, json.loads(content))


def _changed_values(path, values):
    places = list(_places(values))
    for number in np.linspace(0, len(places) - 1, min(CHANGED, len(places))).astype(int):
        for other in OTHER_TYPES:
            place = places[number]

            def change(place=place, other=other):
                changed = json.loads(json.dumps(values))
                holder = changed
                for key in place[:-1]:
                    holder = holder[key]
                holder[place[-1]] = other
                path.write_text(json.dumps(changed))

            yield f"{'/'.join(map(str, place))} = {json.dumps(other)}", change


def _places(values, path=()):
    items = values.items() if isinstance(values, dict) else enumerate(values)
    for key, value in items:
        yield (*path, key)
        if isinstance(value, dict | list) and value and len(path) < 3:
            yield from _places(value, (*path, key))


def verdict(before, after):
    if isinstance(after[0], str):
        return "HANG" if after[0].startswith("HangError") else "TRACEBACK"
    if after[0] == 1 and "error:" in after[2]:
        return "one line"
    if after[:2] == before[:2]:
        return "same" if after[2] == before[2] else "same, and said"
    told = after[2] != before[2] or '"problem"' in after[1]
    return "other, and said" if told else "OTHER"


@click.command()
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--photo", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--report", is_flag=True, help="Call report too.")
@click.option("--only", help="Files whose path holds this text alone.")
def main(run, photo, report, only):
    counts, bad = Counter(), []
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder)
        copy = results / run.name
        commands = {
            "list": ["list", "--results", folder, "--json"],
            "show": ["show", run.name, "--results", folder, "--json"],
            "predict": ["predict", str(copy / "export"), str(photo), "--json"],
        }
        if report:
            written = ["--output", str(results / "report.html"), "--no-pictures", "--measure", "0s"]
            commands["report"] = ["report", run.name, "--results", folder, *written]
        shutil.copytree(run, copy)
        before = {name: answer(words) for name, words in commands.items()}
        assert all(found[0] == 0 for found in before.values()), before
        files = [p.relative_to(copy) for p in sorted(copy.rglob("*")) if p.is_file()]
        for file in files:
            if only and only not in str(file):
                continue
            shutil.rmtree(copy)
            shutil.copytree(run, copy)
            for name, damage in list(damages(copy / file)):
                shutil.rmtree(copy)
                shutil.copytree(run, copy)
                damage()
                for command, words in commands.items():
                    if (command == "predict") != file.parts[0].startswith("export"):
                        continue
                    after = answer(words)
                    found = verdict(before[command], after)
                    if found == "OTHER" and " = " in name:
                        found = "another value of a right type"
                    counts[found] += 1
                    if found.isupper():
                        bad.append((str(file), name, command, found, after[0]))
                        print("  ", *bad[-1], sep=" | ", flush=True)
    print(f"{len(files)} files, {sum(counts.values())} calls")
    for found, count in counts.most_common():
        print(f"  {found}: {count}")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
