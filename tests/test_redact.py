"""Secrets are found by value, in any form, and replaced by their names."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from aloma_cli.content.streams import RedactedStream
from aloma_cli.jsontext import Json
from aloma_cli.redact import SHORTEST, Redactor

PLAIN = "plain-7f3a9c21e4"
ODD = "zq7Xw\"\\é☃😀/ +%\n\t'kV9pL"
KEY = "-----BEGIN KEY-----\nMIIEvQIBADANBg/kqhk+iG9w\nAQEFAASCBKcwggSj\n-----END KEY-----\n"


def ascii_json(value: str) -> str:
    return json.dumps(value)


def unicode_json(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


FORMS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "inside": lambda value: f"Bearer {value}, and more",
    "JSON": ascii_json,
    "JSON, not only ASCII": unicode_json,
    "JSON twice": lambda value: ascii_json(ascii_json(value)),
    "JSON twice, not only ASCII": lambda value: unicode_json(unicode_json(value)),
    "JSON twice, mixed": lambda value: ascii_json(unicode_json(value)),
    "JSON three times": lambda value: ascii_json(ascii_json(ascii_json(value))),
    "JSON with capital digits": lambda value: ascii_json(value).replace("\\u00e9", "\\u00E9"),
    "JSON with slashes escaped": lambda value: ascii_json(value).replace("/", "\\/"),
    "in a path": quote,
    "in a query": lambda value: quote(value, safe=""),
    "in a form": quote_plus,
    "in small digits": lambda value: quote(value).replace("%5C", "%5c").replace("%C3", "%c3"),
    "in a URL in a URL": lambda value: quote(quote(value, safe=""), safe=""),
    "in a URL in JSON": lambda value: ascii_json(quote(value)),
    "as Python shows it": repr,
    "as Python shows it in ASCII": ascii,
}


@pytest.mark.parametrize("secret", [PLAIN, ODD, KEY], ids=["plain", "odd", "lines"])
@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_found_whole_in_every_form(secret: str, form: str) -> None:
    """What stands around it is left: the text says the same of anything else as before."""
    written = FORMS[form](secret)
    around = FORMS[form]("XX").partition("XX")
    assert Redactor([("T", secret)]).text(written) == "«secret:T»".join((around[0], around[2]))


def test_json_in_a_text_is_still_json() -> None:
    text = json.dumps({"token": ODD, ODD: json.dumps({"again": ODD})})
    redacted = json.loads(Redactor([("T", ODD)]).text(text))
    assert redacted == {"token": "«secret:T»", "«secret:T»": '{"again": "«secret:T»"}'}


def test_of_overlapping_secrets_nothing_is_left_and_the_longest_names_them() -> None:
    redactor = Redactor([("SHORT", "abcdefgh"), ("LONG", "efghijklmnop"), ("WITHIN", "ghijklmn")])
    assert redactor.text("_abcdefghijklmnop_abcdefgh_ghijklmn_") == "_«secret:LONG»_«secret:SHORT»_«secret:WITHIN»_"


def test_a_secret_of_several_lines_is_found_line_by_line() -> None:
    """As it is printed to a log."""
    assert {Redactor([("KEY", KEY)]).text(line) for line in KEY.splitlines()} == {"«secret:KEY»"}


def test_a_secret_cut_short_by_an_ellipsis_is_found() -> None:
    """Errors quote what others answered, up to so many characters."""
    redactor = Redactor([("T", PLAIN)])
    assert redactor.text(f"no: {PLAIN[:11]}… and {PLAIN[:7]}…") == "no: «secret:T»… and plain-7…"


def test_what_is_shorter_than_the_shortest_is_no_secret() -> None:
    assert not Redactor([("PIN", "1234567"), ("NONE", "")])
    assert Redactor([("PIN", "1234567"), ("T", PLAIN)]).text(f"1234567 {PLAIN}") == "1234567 «secret:T»"


def test_of_equal_values_the_first_name_counts() -> None:
    assert Redactor([("ONE", PLAIN), ("TWO", PLAIN)]).text(PLAIN) == "«secret:ONE»"


def test_a_number_that_holds_a_secret_becomes_a_text() -> None:
    redactor = Redactor([("PIN", "12345678")])
    assert redactor.value({"a": 12345678, "b": -123456789.5, "c": 1234567, "d": True}) == {
        "a": "«secret:PIN»",
        "b": "-«secret:PIN»9.5",
        "c": 1234567,
        "d": True,
    }


def test_keys_that_become_equal_are_numbered_and_keep_their_values() -> None:
    redactor = Redactor([("T", ODD)])
    before = {ODD: 1, "«secret:T»": 2, quote(ODD): 3, "«secret:T» 2": 4, "z": 5}
    after = {"«secret:T» 3": 1, "«secret:T»": 2, "«secret:T» 4": 3, "«secret:T» 2": 4, "z": 5}
    assert list(redactor.value(before).items()) == list(after.items())


def test_a_name_that_holds_a_secret_is_not_put_anywhere() -> None:
    assert Redactor([("password1", "xxxxxxxxx"), ("P", "password1")]).text("xxxxxxxxx") == "«***»"
    assert Redactor([("A", "«secret:B»z"), ("B", "abcdefgh")]).text("abcdefghz") == "«***»z"
    assert Redactor([("A", "xxxxxxxx"), ("B", "ab«***»cd")]).text("_abxxxxxxxxcd_") == "_«***»_"


def test_a_stream_lets_no_secret_through_and_escapes_the_name_where_it_must() -> None:
    raw = io.BytesIO()
    stream = RedactedStream(io.TextIOWrapper(raw, encoding="ascii", write_through=True), Redactor([("T", PLAIN)]))
    print("token", PLAIN, file=stream)
    stream.writelines(["plain\n", f"{PLAIN}\n"])
    assert raw.getvalue() == b"token \\xabsecret:T\\xbb\nplain\n\\xabsecret:T\\xbb\n"
    assert stream.encoding == "ascii"


# -- laws --------------------------------------------------------------------------------------------------------------

ALPHABET = 'ab1"\\/%+ \n\té☃😀«…:'
TEXTS = st.text(st.sampled_from(ALPHABET), max_size=30)
SECRETS = st.lists(st.text(st.sampled_from(ALPHABET), min_size=SHORTEST, max_size=14), min_size=1, max_size=3)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
DOCUMENTS = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4))


def leaves(value: Json) -> list[str]:
    """Every key, text and number, as it is and as JSON writes it."""
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in (*leaves(key), *leaves(item))]
    if isinstance(value, list):
        return [text for item in value for text in leaves(item)]
    raw = value if isinstance(value, str) else json.dumps(value)
    return [raw, ascii_json(raw)[1:-1], unicode_json(raw)[1:-1]]


@given(DOCUMENTS, SECRETS, st.data())
def test_no_trace_is_left_of_any_secret_and_once_is_enough(
    value: Json, secrets: list[str], data: st.DataObject
) -> None:
    hidden = data.draw(st.lists(st.tuples(st.sampled_from(secrets), st.sampled_from(sorted(FORMS)), TEXTS), max_size=4))
    told = [value, *(f"{text}{FORMS[form](secret)}{text}" for secret, form, text in hidden), dict.fromkeys(secrets, 1)]
    redactor = Redactor([(f"S{number}", secret) for number, secret in enumerate(secrets)])
    redacted = redactor.value(told)
    forms = [form(secret) for secret in secrets for form in (str, lambda s: ascii_json(s)[1:-1], quote)]
    assert not [(form, leaf) for form in forms for leaf in leaves(redacted) if form in leaf]
    assert redactor.value(redacted) is redacted


@given(DOCUMENTS, st.text("xyz", min_size=SHORTEST))
def test_what_holds_no_secret_is_given_back_as_it_is(value: Json, secret: str) -> None:
    redactor = Redactor([("T", secret)])
    assert redactor.value(value) is value


@given(st.text(), st.text(min_size=SHORTEST))
def test_any_text_is_found_around_which_anything_stands(around: str, secret: str) -> None:
    assume(secret not in around)
    text = f"{around}{secret}{around}"
    assert secret not in Redactor([("T", secret)]).text(text)


@pytest.mark.parametrize("shown", range(1, 38))
def test_a_text_that_grows_never_shows_the_beginning_of_a_secret(shown: int) -> None:
    text = "my key is sk-live-0123456789 and more"
    seen = Redactor([("KEY", "sk-live-0123456789")]).growing(text[:shown])
    assert "my key is «secret:KEY» and more".startswith(seen)
    assert shown < 28 or seen == text[:shown].replace("sk-live-0123456789", "«secret:KEY»")
