"""One table of what a stranger may write: pushed through every place that takes a text, into every output."""

from __future__ import annotations

from tests.hostile import DANGEROUS, VALUES

__all__ = ["DANGEROUS", "NASTY"]

# what it is: the bytes. Those of tests.hostile are texts that a certificate holds.
NASTY: dict[str, bytes] = {
    **{what: text.encode() for what, text in VALUES.items() if what != "nothing"},
    "quotes": b"'\"`'';--\\",
    "C1 controls": b"\xc2\x9b31m\xc2\x90q\xc2\x9c",
    "raw C1 bytes": b"\x9b31m\x90q\x9c",
    "an operating system command": b"\x1b]8;;http://evil.example\x07click\x1b]8;;\x07",
    "zero width": "a\u200bb\u200cc\u200dd\u2060e\ufefff".encode(),
    "tags": "".join(chr(0xE0000 + ord(c)) for c in "hidden").encode(),
    "a lone surrogate": b"\xed\xa0\x80\xed\xb0\x80",
    "no UTF-8": b"\xff\xfe\xc3(",
    "separators of lines": "a\u2028b\u2029c\x0bd\x0ce\x85f".encode(),
    "a formula": b'=HYPERLINK("http://evil.example","x")',
    "another formula": b"@SUM(1+1)*cmd|' /C calc'!A0",
    "60 kB": b"y" * 60_000,
    "60 kB of controls": b"\x1b" * 60_000,
    "JSON": b'"}],"outcome":{"kind":"established"},"x":[{"',
    "a comment of Wireshark's": b"\r\npgtls: the server is known\r\n",
}
