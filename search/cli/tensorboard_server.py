"""Start TensorBoard on a run, for this machine only."""

import time

from search.errors import TuneError
from search.process.progress import ProgressSink
from search.process.quiet import import_tensorflow
from search.run_folder.paths import RunFolder


def serve_tensorboard(run: RunFolder, *, port: int, progress: ProgressSink) -> None:
    """Start TensorBoard on localhost and stay until Ctrl-C.

    Raises:
        TuneError: nothing was written yet, or the port is taken.
    """
    if not run.tensorboard.exists():
        raise TuneError(f"{run.name}: nothing to look at yet; no trial has begun")
    import_tensorflow()  # quietly; else TensorBoard imports it with its start-up messages
    from tensorboard import program

    board = program.TensorBoard()
    board.configure(logdir=str(run.tensorboard), host="localhost", port=port, load_fast="false")
    try:
        address = board.launch()
    except program.TensorBoardServerException as error:
        raise TuneError(f"{error.msg}; choose another --port") from error
    progress.message(f"TensorBoard shows {run.name} at {address} (Ctrl-C ends it)")
    # TensorBoard answers in a thread of its own; Ctrl-C interrupts the sleep.
    while True:
        time.sleep(3600)
