"""JSON that two programs could read differently is refused; everything else is read as it was written."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.errors import Malformed
from notifications.intake.strictjson import MAX_DEPTH, BadText, decode

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
).filter(lambda value: "\\u0000" not in json.dumps(value))


@given(JSON)
def test_what_is_json_is_read_as_the_standard_library_reads_it(value: object) -> None:
    assert decode(json.dumps(value).encode()) == value
    assert decode(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary(max_size=40))
def test_any_bytes_are_refused_or_read_as_the_standard_library_reads_them(raw: bytes) -> None:
    with contextlib.suppress(Malformed, BadText):
        assert decode(raw) == json.loads(raw)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="unfinished"),
        pytest.param(b"{'a': 1}", id="single quotes"),
        pytest.param(b"[1,]", id="trailing comma"),
        pytest.param(b"{} {}", id="two values"),
        pytest.param(b"01", id="leading zero"),
        pytest.param(b'"\t"', id="raw control character"),
        pytest.param(b'"\x00"', id="raw NUL"),
        pytest.param(b'{"a": 1, "a": 1}', id="duplicate key"),
        pytest.param(b'{"a": 1, "\\u0061": 2}', id="duplicate key, escaped"),
        pytest.param(b'[{"b": {"a": 1, "a": 2}}]', id="duplicate key, deep"),
        pytest.param(b"NaN", id="NaN"),
        pytest.param(b'{"a": Infinity}', id="Infinity"),
        pytest.param(b"[-Infinity]", id="-Infinity"),
        pytest.param(b"1e400", id="too large a number"),
        pytest.param(b"-1e400", id="too small a number"),
        pytest.param(b"9" * 5000, id="5,000 digits"),
        pytest.param(b"\xef\xbb\xbf{}", id="byte order mark"),
        pytest.param('{"a": "ü"}'.encode("latin-1"), id="Latin-1"),
        pytest.param('{"a": 1}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b'"\xed\xa0\x80"', id="surrogate in UTF-8"),
        pytest.param(b'"\xc0\x80"', id="overlong NUL"),
        pytest.param(b"[" * 100_000, id="100,000 arrays"),
        pytest.param(b'{"a":' * 100_000, id="100,000 objects"),
        pytest.param(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), id="one level too deep"),
        pytest.param(b"[" + b"[]," * 70 + b'{"a":' * MAX_DEPTH + b"0" + b"}" * MAX_DEPTH + b"]", id="deep at its end"),
    ],
)
def test_refused(raw: bytes) -> None:
    with pytest.raises(Malformed):
        decode(raw)


def test_64_levels_are_read_and_so_are_many_shallow_ones() -> None:
    decode(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)

    assert len(decode(b"[" + b"[]," * 5000 + b"{}]")) == 5001


def test_brackets_in_texts_are_not_levels() -> None:
    assert decode(b'["' + b"[" * 100 + b'\\"{"]') == ["[" * 100 + '"{']


@pytest.mark.parametrize(
    ("raw", "pointers"),
    [
        (b'"\\u0000"', [""]),
        (b'["a", "\\ud800"]', ["/1"]),
        (b'{"a/b": {"c~d": ["\\uDfff"]}}', ["/a~1b/c~0d/0"]),
        (b'{"\\u0000": 1}', ["/\ufffd"]),
        (b'["\\ud83d x", "\\ude00\\ud83d"]', ["/0", "/1"]),
    ],
)
def test_text_that_cannot_be_kept_is_pointed_at(raw: bytes, pointers: list[str]) -> None:
    with pytest.raises(BadText) as found:
        decode(raw)

    assert found.value.pointers == pointers


def test_escaped_pairs_and_backslashes_are_text_like_any_other() -> None:
    assert decode(b'["\\ud83d\\ude00", "\\\\u0000", "\\\\ud800"]') == ["😀", "\\u0000", "\\ud800"]
