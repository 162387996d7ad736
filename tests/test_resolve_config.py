from recorded_progress import Recorded

from models.errors import ModelError
from search.tuning.resolve_config import resolve_config


def test_a_family_that_cannot_be_had_is_left_out_with_its_reason(tmp_path, monkeypatch):
    def fail(*_):
        raise ModelError("no weights: [Errno 2] no such file")

    monkeypatch.setattr("models.pretrained.networks.available_backbones", fail)
    said = Recorded()
    config = resolve_config(tmp_path, {}, said)
    assert "transfer" not in config.families
    assert said.lines == [
        "warning: family transfer left out: no weights: [Errno 2] no such file",
    ]
    assert said.tasks == ["loading TensorFlow"]
