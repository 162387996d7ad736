"""Tell a machine of a cluster from others, and which versions it has: these decide results."""

import platform
import socket
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_PACKAGES = ("image-tune", "tensorflow", "tensorflow-cpu", "keras", "numpy")


def installed_versions() -> dict[str, str]:
    """Versions of the packages that decide results, and of Python."""
    found = {"Python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package.removesuffix("-cpu")] = version(package)
        except PackageNotFoundError:  # TensorFlow has two names
            continue
    return found


def differing(mine: Mapping[str, str], theirs: Mapping[str, str]) -> str:
    """Say in which versions a node differs from the driver; "" where in none."""
    names = [name for name in mine if mine[name] != theirs.get(name)]
    return ", ".join(f"{name} {theirs.get(name, 'missing')} (here {mine[name]})" for name in names)


def machine_id() -> str:
    """Tell machines apart, also those of one name; locks of files hold within one."""
    boot = _BOOT.read_text().strip() if _BOOT.exists() else ""
    return f"{socket.gethostname()} {boot}"
