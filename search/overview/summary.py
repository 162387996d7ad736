"""Read what a run has found, for `tune show` and `tune list`; no TensorFlow."""

from collections import defaultdict
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from search.errors import TuneError
from search.evaluation.objective import ACCURACY
from search.insights.cached import cached_insights
from search.insights.verdict import verdict
from search.overview.race import standings
from search.overview.run_rows import ConfigurationRow, Exported, RunReport, RunRow
from search.overview.timeline import seconds_searched
from search.process.atomic_files import read_json
from search.process.machine.disk import used_bytes
from search.process.printable import printable
from search.run_folder.config import RunConfig, objective_of
from search.run_folder.data_summary import DataSummary, made_by
from search.run_folder.paths import RunFolder
from search.run_folder.ranking import best_first
from search.run_folder.record_files import load_records
from search.run_folder.records import TrialRecord
from search.run_folder.schema import from_json
from search.run_folder.time_spent import time_spent
from search.runs.find import begun, runs
from search.runs.lock import is_locked


def run_report(run: RunFolder) -> RunReport:
    """Read all that `tune show` prints: the run, and its configurations, best first."""
    config = RunConfig.load(run)
    records = load_records(run)
    ranked = best_first(records, objective_of(config))
    rungs: dict[str, list[TrialRecord]] = defaultdict(list)
    for record in records:
        rungs[record.configuration].append(record)
    data = DataSummary.load(run)
    return RunReport(
        run=run.name,
        algo=config.algo,
        objective=config.objective,
        # The version that wrote the file is no part of what `--json` has always printed.
        data=replace(data, made_by=None),
        image_size=config.image_size,
        trials=len(records),
        finished=sum(record.finished for record in records),
        seconds=round(seconds_searched(records), 1),
        verdict=verdict(records, config, data.splits.validation),
        insights=cached_insights(run, records, config),
        finalists=_finalists(run),
        exported=_exported(run),
        configurations=tuple(_configuration(best, rungs[best.configuration]) for best in ranked),
        race=standings(records, sign=objective_of(config).sign),
        spent=time_spent(records, objective_of(config)),
        doubts=_doubts(run, ranked),
    )


def _doubts(run: RunFolder, ranked: list[TrialRecord]) -> tuple[str, ...]:
    """What the exported model, else the best configuration, is of no use for."""
    if not run.splits.exists():
        return ()
    # NumPy takes a tenth of a second, which `tune list` need not wait for.
    from search.evaluation.classes import doubts
    from search.evaluation.metrics import confusion_matrix
    from search.overview.predictions import predictions_of
    from search.run_folder.data import load_targets

    if (found := predictions_of(run, ranked)) is None:
        return ()
    _, predictions, rows = found
    targets = load_targets(run)[rows]
    names = [printable(name) for name in DataSummary.load(run).class_names]
    return tuple(doubts(confusion_matrix(predictions, targets), names))


def _finalists(run: RunFolder) -> list[Any]:
    rows = read_json(run.finalists) if run.finalists.exists() else []
    if not isinstance(rows, list):
        raise TuneError(
            f"{printable(run.finalists)}: holds no list; tune export-best writes it anew"
        )
    return rows


def _exported(run: RunFolder) -> Exported | None:
    if not run.metrics.exists():
        return None
    # Fewer keys than `Metrics` needs: exports of all versions are listed.
    metrics = read_json(run.metrics)
    return from_json(Exported, metrics, file=run.metrics, made_by=made_by(run))


def _configuration(best: TrialRecord, rungs: list[TrialRecord]) -> ConfigurationRow:
    # The best rung has the score, the last one tells how it ended.
    last = max(rungs, key=lambda record: (record.epochs, record.rung))
    return ConfigurationRow(
        configuration=best.configuration,
        summary=best.title,
        score=best.score,
        val_accuracy=best.best_logs.get(ACCURACY),
        best_epoch=None if best.best_epoch is None else best.best_epoch + 1,
        epochs=max((int(h["epoch"]) + 1 for r in rungs for h in r.history), default=0),
        seconds=round(sum(record.seconds for record in rungs), 1),
        parameters=best.parameters,
        status=last.status,
        reason=last.reason,
        stopped_early=last.stopped_early,
        values=best.values,
        images=best.images,
    )


def list_runs(results: Path) -> list[RunRow]:
    """Read what `tune list` prints: one row per run, newest first."""
    return [_row(run) for run in runs(results)]


def _row(run: RunFolder) -> RunRow:
    """One run; of one that is damaged, what is wrong with it."""
    known: dict[str, Any] = {
        "run": run.name,
        "begun": f"{datetime.fromtimestamp(begun(run)):%Y-%m-%d %H:%M}",
        "bytes": used_bytes(run.path),
    }
    try:
        config = RunConfig.load(run)
        records = load_records(run)
        ranked = best_first(records, objective_of(config))
    except (TuneError, OSError) as error:
        return RunRow(**known, problem=str(error))
    return RunRow(
        **known,
        state=_state(run, records),
        algo=config.preset or config.algo,
        data=config.data,
        finished=sum(record.finished for record in records),
        objective=config.objective,
        best=ranked[0].score if ranked else None,
        exported=(run.export / "model.keras").exists(),
    )


def _state(run: RunFolder, records: list[TrialRecord]) -> str:
    if is_locked(run):
        return "running"
    return "ended" if records and all(record.finished for record in records) else "stopped"
