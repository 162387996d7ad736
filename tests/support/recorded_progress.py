"""A progress sink that keeps what it is told."""

from contextlib import nullcontext


class Recorded:
    """Lines that were said, and updates of all tasks: (done, total, description)."""

    def __init__(self):
        self.lines, self.updates, self.tasks = [], [], []

    def message(self, text):
        self.lines += text.splitlines()

    def warning(self, text):
        self.message(f"warning: {text}")

    def task(self, description, *, counted=False):
        self.tasks.append(description)
        return nullcontext(self)

    def update(self, done, total, description=None):
        self.updates.append((done, total, description))

    @property
    def text(self):
        return "\n".join(self.lines)
