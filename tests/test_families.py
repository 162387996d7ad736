import subprocess
import sys


def test_names_are_listed_without_loading_tensorflow():
    code = (
        "import sys;"
        "import models.families.registry;"
        "import models.pretrained.backbones;"
        "import models.pretrained.networks;"
        "import models.presets;"
        "import models.describe;"
        "print([m for m in ('tensorflow', 'keras', 'keras_tuner') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stdout.strip() == "[]"
