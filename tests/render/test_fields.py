"""What -v and -vv show of a message."""

from __future__ import annotations

from tests.wire import STARTUP, WELCOME, Tls, follow, packets, spoken
from tracer.render.fields import fields, visible
from tracer.render.page import Page

TRACE = follow(packets(Tls().run().preambled()))


def test_fields_are_explained_once() -> None:
    """Each with its offset and value; the words about a message come the first time only."""
    page = Page(200, color=False)
    hello = TRACE.of("ClientHello")
    assert hello is not None
    fields(page, hello, 2)
    once = page.text()
    assert "legacy_version 0x0303 TLS 1.2" in once
    assert f"0000  {hello.data[:16].hex(' ')}" in once
    fields(page, hello, 1)
    assert page.text()[len(once) :].count("[RFC") == 0


def test_visible_blanks_secrets() -> None:
    """The bytes of a secret are stars, the others stay."""
    message = TRACE.messages[0]
    assert visible(message) == message.data
    key = b"K" + (12).to_bytes(4, "big") + b"\0\0\0\1" + b"\xde\xad\xbe\xef"
    trace = spoken(("client", STARTUP), ("server", key + WELCOME))
    cancel = trace.of("BackendKeyData")
    assert cancel is not None
    assert visible(cancel).endswith(b"****")
