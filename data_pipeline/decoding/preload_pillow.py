"""Load Pillow and its decoders once, in the server process that workers are forked from.

Never import this module elsewhere: it changes what its process says of errors.
"""

import data_pipeline.decoding.decode  # noqa: F401
from data_pipeline.processes.orphans import ignore_orphans

ignore_orphans()
