import stat

import pytest

from data_pipeline.signing import is_ours, sign


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path


def test_what_was_signed_is_known_again_and_nothing_else(home):
    signature = sign(b"content")
    assert is_ours(b"content", signature)
    assert not is_ours(b"another", signature)
    assert not is_ours(b"content", "")
    assert not is_ours(b"content", None)
    (key,) = (home / "image-tune").iterdir()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert key.read_bytes().hex() not in signature


def test_another_users_signature_is_not_ours(home, monkeypatch, tmp_path):
    signature = sign(b"content")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "other"))
    assert not is_ours(b"content", signature)


@pytest.mark.parametrize("damage", [b"", b"short"])
def test_without_a_key_nothing_is_signed_and_nothing_is_ours(home, damage):
    sign(b"content")
    (home / "image-tune" / "key").write_bytes(damage)
    assert sign(b"content") == ""
    assert not is_ours(b"content", "")
