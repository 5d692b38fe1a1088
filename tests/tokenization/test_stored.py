from __future__ import annotations

import json
import logging
import multiprocessing
import pickle
import shutil
from pathlib import Path

import pytest

from korscideberta.errors import ConfigError, DependencyError, ModelError
from korscideberta.tokenization import DebertaV2Tokenizer, mecab, stored, train_tokenizer
from korscideberta.tokenization.fingerprint import FINGERPRINT_KEY, differences, refuse_difference
from korscideberta.tokenization.recipe import CONFIG_KEY, Recipe
from korscideberta.tokenization.userdict import compile_user_dictionary

TEXT = "나노입자 촉매와 미세플라스틱을 분석하였다."
CUT, WHOLE = "나노 입자", "나노입자"


@pytest.fixture(scope="session")
def made(corpus: list[str], compiled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer trained with the user dictionary; read only."""
    folder = tmp_path_factory.mktemp("with-user-dictionary")
    train_tokenizer(corpus, folder, vocab_size=220, character_coverage=1.0, user_dictionary=compiled)
    return folder


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "copy"))


def rewrite(folder: Path, key: str, **changes: object) -> None:
    path = folder / "tokenizer_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config[key].update(changes)
    path.write_text(json.dumps(config), encoding="utf-8")


def lines(tokenizer: DebertaV2Tokenizer) -> str:
    return tokenizer.prepare([TEXT])[0]


def test_the_dictionary_is_copied_and_found_again(made: Path, copy: Path, compiled: Path) -> None:
    config = json.loads((copy / "tokenizer_config.json").read_text(encoding="utf-8"))
    assert config[CONFIG_KEY]["user_dictionary"] == "user.dic"
    assert (copy / "user.dic").read_bytes() == compiled.read_bytes()
    tokenizer = DebertaV2Tokenizer.from_pretrained(copy)
    assert lines(tokenizer) == "나노입자 촉매 와 미세플라스틱 을 분석 하 였 다 ."
    assert config[FINGERPRINT_KEY] == tokenizer.fingerprint()
    assert tokenizer.fingerprint()["user_dictionary"] == config[CONFIG_KEY]["user_dictionary_sha256"]


def test_saved_again_it_moves_along(copy: Path, tmp_path: Path) -> None:
    tokenizer = DebertaV2Tokenizer.from_pretrained(copy)
    tokenizer.save_pretrained(copy)
    tokenizer.save_pretrained(tmp_path / "second")
    shutil.rmtree(copy)
    assert WHOLE in lines(DebertaV2Tokenizer.from_pretrained(tmp_path / "second"))


def test_without_one_nothing_is_recorded(folder: Path) -> None:
    recorded = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))[CONFIG_KEY]
    assert set(recorded) == {"engine", "dictionary", "joiner", "normalization"}


def test_a_large_one_stays_where_it_is(
    corpus: list[str], compiled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "LARGEST_COPY", 1000)
    large = Path(shutil.copy(compiled, tmp_path / "large.dic"))
    train_tokenizer(corpus, tmp_path / "made", vocab_size=220, character_coverage=1.0, user_dictionary=large)
    assert not (tmp_path / "made" / "user.dic").exists()
    assert WHOLE in lines(DebertaV2Tokenizer.from_pretrained(tmp_path / "made"))
    large.rename(tmp_path / "elsewhere.dic")
    with pytest.raises(ModelError, match=rf"{large}.* is missing; its sha256 is [0-9a-f]{{64}}; put it at .*user\.dic"):
        DebertaV2Tokenizer.from_pretrained(tmp_path / "made")
    given = DebertaV2Tokenizer.from_pretrained(tmp_path / "made", user_dictionary=tmp_path / "elsewhere.dic")
    assert WHOLE in lines(given)
    shutil.copy(tmp_path / "elsewhere.dic", tmp_path / "made" / "user.dic")
    assert WHOLE in lines(DebertaV2Tokenizer.from_pretrained(tmp_path / "made"))


def test_a_stale_copy_does_not_hide_the_recorded_one(
    corpus: list[str], compiled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "LARGEST_COPY", 1000)
    train_tokenizer(corpus, tmp_path, vocab_size=220, character_coverage=1.0, user_dictionary=compiled)
    (tmp_path / "user.dic").write_bytes(b"of an earlier tokenizer in this folder")
    assert WHOLE in lines(DebertaV2Tokenizer.from_pretrained(tmp_path))


def test_a_changed_one_is_refused_unless_overridden(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "other.txt").write_text("촉매와\n", encoding="utf-8")
    other = compile_user_dictionary([tmp_path / "other.txt"], tmp_path / "other.dic", cost=-9000)
    recorded = DebertaV2Tokenizer.from_pretrained(copy).fingerprint()["user_dictionary"]
    shutil.copy(other.path, copy / "user.dic")
    with pytest.raises(ModelError, match=f"has changed; its sha256 is {other.sha256}, .* made with {recorded}"):
        DebertaV2Tokenizer.from_pretrained(copy)
    replaced = DebertaV2Tokenizer.from_pretrained(copy, user_dictionary=other.path)
    assert lines(replaced).startswith("나노 입자 촉매와 ")
    assert replaced.fingerprint()["user_dictionary"] == other.sha256
    assert CUT in lines(DebertaV2Tokenizer.from_pretrained(copy, ignore_user_dictionary=True))
    assert DebertaV2Tokenizer.from_pretrained(copy, engine="none").recipe.user_dictionary is None
    with pytest.raises(ConfigError, match="exclude each other"):
        DebertaV2Tokenizer.from_pretrained(copy, user_dictionary=other.path, ignore_user_dictionary=True)


def test_one_that_changes_while_open_is_not_stored(copy: Path, tmp_path: Path) -> None:
    tokenizer = DebertaV2Tokenizer.from_pretrained(copy)
    (copy / "user.dic").write_bytes(b"other")
    with pytest.raises(ModelError, match="has changed"):
        tokenizer.save_pretrained(tmp_path / "second")
    (copy / "user.dic").unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        tokenizer.save_pretrained(tmp_path / "third")


def test_unusable_ones_are_refused_before_training(corpus: list[str], tmp_path: Path) -> None:
    (tmp_path / "junk.dic").write_bytes(b"junk")
    for name, message in (("junk.dic", "is no compiled MeCab dictionary"), ("no.dic", "cannot be read")):
        with pytest.raises(ModelError, match=message):
            train_tokenizer(corpus, tmp_path / "out", user_dictionary=tmp_path / name)
    with pytest.raises(ConfigError, match="needs an analyser"):
        train_tokenizer(corpus, tmp_path / "out", engine="none", user_dictionary=tmp_path / "junk.dic")
    with pytest.raises(ConfigError, match="go together"):
        Recipe(user_dictionary="user.dic")
    assert not (tmp_path / "out").exists()


def _lines_in_child(tokenizer: DebertaV2Tokenizer) -> str:
    return lines(tokenizer)


def test_it_is_opened_in_spawned_processes(made: Path) -> None:
    tokenizer = DebertaV2Tokenizer.from_pretrained(made)
    assert WHOLE in lines(pickle.loads(pickle.dumps(tokenizer)))
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert WHOLE in pool.apply(_lines_in_child, (tokenizer,))


def test_another_dictionary_build_is_refused(copy: Path, caplog: pytest.LogCaptureFixture) -> None:
    here = DebertaV2Tokenizer.from_pretrained(copy).fingerprint()["dictionary"]
    rewrite(copy, FINGERPRINT_KEY, dictionary="a" * 64)
    with pytest.raises(ModelError, match=rf"dictionary aaaaaaaaaaaa…, now {here[:12]}…; .*allow_mismatch=True"):
        DebertaV2Tokenizer.from_pretrained(copy)
    with caplog.at_level(logging.WARNING):
        tokenizer = DebertaV2Tokenizer.from_pretrained(copy, allow_mismatch=True)
    assert "dictionary aaaaaaaaaaaa…, now" in caplog.text
    assert WHOLE in lines(tokenizer)


def test_a_changed_spm_model_is_refused(copy: Path, folder: Path, tmp_path: Path) -> None:
    model = (copy / "spm.model").read_bytes()
    (copy / "spm.model").write_bytes(model + b"\x08")
    with pytest.raises(ModelError):
        DebertaV2Tokenizer.from_pretrained(copy)
    (copy / "spm.model").write_bytes((folder / "spm.model").read_bytes())
    with pytest.raises(ModelError, match=r"spm sha256 [0-9a-f]{12}…, now"):
        DebertaV2Tokenizer.from_pretrained(copy)


def test_an_engine_given_by_name_is_no_mismatch(copy: Path) -> None:
    tokenizer = DebertaV2Tokenizer.from_pretrained(copy, engine="mecab-ko")
    assert tokenizer.fingerprint()["engine"] == "mecab-ko"
    with pytest.raises(ModelError, match='engine "mecab", now "mecab-ko"'):
        refuse_difference(
            DebertaV2Tokenizer.from_pretrained(copy).fingerprint(), tokenizer.fingerprint(), owner="a model"
        )


def test_what_this_machine_lacks_is_replaced_when_allowed(
    copy: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rewrite(copy, CONFIG_KEY, engine="mecab-ko", dictionary="/no/such/dictionary")
    rewrite(copy, FINGERPRINT_KEY, engine="mecab-ko")
    (copy / "user.dic").unlink()
    monkeypatch.setitem(mecab._MODULES, "mecab-ko", ("no_such_module",))
    mecab._open.cache_clear()
    with pytest.raises(ModelError, match=r"user\.dic .* is missing"):
        DebertaV2Tokenizer.from_pretrained(copy)
    with pytest.raises(DependencyError, match=r"no sys\.dic in the dictionary folder /no/such/dictionary"):
        DebertaV2Tokenizer.from_pretrained(copy, ignore_user_dictionary=True)
    with caplog.at_level(logging.WARNING):
        tokenizer = DebertaV2Tokenizer.from_pretrained(copy, allow_mismatch=True)
    assert CUT in lines(tokenizer)
    assert tokenizer.recipe == Recipe()
    for message in ("mecab-ko is not installed; mecab is used", "no/such/dictionary", "going without", "engine"):
        assert message in caplog.text


def test_differences_name_both_values() -> None:
    recorded = {"engine": "mecab-ko", "dictionary": "b" * 64, "joiner": " ", "digest": "x"}
    found = {"engine": "mecab", "dictionary": "b" * 64, "joiner": " ", "user_dictionary": "c" * 64, "digest": "y"}
    assert differences(recorded, found) == [
        'engine "mecab-ko", now "mecab"',
        "user dictionary none, now cccccccccccc…",
    ]
    assert differences(recorded, found, ignored={"engine", "user_dictionary"}) == []
    refuse_difference(None, found, owner="an older tokenizer")
    with pytest.raises(ModelError, match="not an object"):
        refuse_difference("junk", found, owner="a tokenizer")
