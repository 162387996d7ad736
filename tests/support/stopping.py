"""Stop signals that a test decides, where the command line has Ctrl-C and a time limit."""

from search.process.stop_signal import StopSignal

NEVER = StopSignal()  # not entered, so that it hears no signal


class StopWhen(StopSignal):
    """Is requested when `asked()` says so."""

    def __init__(self, asked):
        super().__init__()
        self.asked = asked

    @property
    def requested(self):
        return self.asked()


AT_ONCE = StopWhen(lambda: True)
