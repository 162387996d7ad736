"""Make the environments in which the peers run, each with its own packages."""

import subprocess
import venv
from pathlib import Path

_KERAS = ("tensorflow-cpu==2.21.0", "keras==3.15.1", "pillow")
PEERS = {
    "kerastuner": (*_KERAS, "tensorboard==2.21.0", "keras-tuner==1.4.8"),
    "optuna": (*_KERAS, "optuna==5.0.0"),
    "ray": (*_KERAS, "ray[tune]==2.60.0", "optuna==5.0.0"),
    "autokeras": ("tensorflow-cpu==2.19.1", "keras==3.8.0", "pillow", "autokeras==3.0.0"),
}


def python_of(name, folder):
    """The interpreter of a peer's environment, which is made where there is none."""
    environment = Path(folder).resolve() / name
    python = environment / "bin" / "python"
    complete = environment / "complete"  # only then is all of it there
    if not complete.exists():
        venv.create(environment, clear=True, with_pip=True)
        command = [python, "-m", "pip", "install", "--quiet", *PEERS[name]]
        subprocess.run(command, check=True)
        complete.write_text("\n".join(PEERS[name]))
    return python
