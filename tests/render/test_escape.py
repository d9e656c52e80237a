"""A stranger's text cannot move the cursor or turn the writing around."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire import SSL_REQUEST, spoken
from tracer import render
from tracer.render.escape import escape


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("db.example", "db.example"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\r\nb\0", "a\\x0d\\x0ab\\x00"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("\ud800", "\\ud800"),
        ("bücher", "bücher"),
    ],
)
def test_dangerous_characters_are_written_out(text: str, shown: str) -> None:
    """Others stay as they are."""
    assert escape(text) == shown


@given(st.text())
def test_nothing_dangerous_is_left(text: str) -> None:
    """No control, no surrogate, no format character that turns the writing around."""
    shown = escape(text)
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in shown)
    assert "\u202e" not in shown
    assert len(shown) <= 300


def test_a_servers_error_reaches_the_screen_harmless() -> None:
    """The text of an error in front of TLS is whoever's."""
    body = b"SFATAL\0M\x1b[2J\x1b]0;owned\x07\xe2\x80\xae\0\0"
    error = b"E" + (4 + len(body)).to_bytes(4, "big") + body
    screen = render.text(spoken(("client", SSL_REQUEST), ("server", error)), verbose=2)
    assert "owned" in screen
    assert "\x1b" not in screen
    assert "\x07" not in screen
    assert "\u202e" not in screen
