"""The values that a trial is trained with, where memory allowed a smaller batch."""

from search.run_folder.records import TrialRecord, Values


def effective_values(record: TrialRecord) -> Values:
    """The values it is trained with: a smaller batch has its learning rate scaled with it."""
    asked = int(record.values["batch_size"])
    if record.batch_size is None or record.batch_size == asked:
        return record.values
    values = {**record.values, "batch_size": record.batch_size}
    for name in ("learning_rate", "sgd_learning_rate"):
        if name in values:
            values[name] = float(values[name]) * record.batch_size / asked
    return values
