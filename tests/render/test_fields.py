"""What -v and -vv show of a message."""

from __future__ import annotations

from dataclasses import replace

from tests.wire import STARTUP, WELCOME, Tls, follow, packets, spoken
from tracer.glossary import GLOSSARY
from tracer.protocol.extensions import extensions
from tracer.protocol.fields import parse
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


def lines(read, data: bytes) -> list[str]:
    """What -v shows of some bytes, without the prose: each field behind its offset."""
    page = Page(200, color=False)
    message = replace(TRACE.messages[0], kind="Nothing", data=data, fields=parse(read, data)[0])
    page.told.update(GLOSSARY.values())
    fields(page, message, 1)
    return [line.strip() for line in page.text().splitlines()]


def test_a_length_is_part_of_what_it_is_the_length_of() -> None:
    """Where it fits: a vector says its size, bytes stand behind it, a text stands alone, an extension has its name only."""
    data = bytes.fromhex("0019 0000 0005 0003 00 0000 0016 0000 1a1a 0003 616263 0010 0001 00")
    assert lines(lambda r: extensions(r, "ClientHello"), data) == [
        "0 extensions",
        "0 length 25",
        "2 extension server_name",
        "6 server_name_list 3 bytes",
        "8 server_name",
        "8 name_type 0x00 host_name",
        "9 host_name empty",
        "11 extension encrypt_then_mac, empty",
        "15 extension GREASE 0x1a1a",
        "19 data 0x616263",
        "22 extension application_layer_protocol_negotiation",
        "22 extension_type 0x0010 application_layer_protocol_negotiation",
        "24 extension_data",
        "24 length 1",
        "26 protocol_name_list",
        "26 unread 0x00",
    ]


def test_a_length_that_does_not_fit_is_shown() -> None:
    """It is what broke."""
    assert lines(lambda r: r.opaque("cookie", 2), b"\0\5ab") == ["0 cookie", "0 length 5", "2 unread 0x6162"]
    assert lines(lambda r: r.opaque("cookie", 2), b"\0\2ab") == ["0 cookie 2 bytes: 0x6162"]
    assert lines(lambda r: r.opaque("cookie", 2), b"\0\1a") == ["0 cookie 1 byte: 0x61"]
    assert lines(lambda r: r.opaque("cookie", 1), b"\x20" + b"a" * 32) == [f"0 cookie 32 bytes: 0x{'61' * 16}…"]
    assert lines(lambda r: r.opaque("name", 1, bytes.decode), b"\2me") == ["0 name me"]


def test_visible_blanks_secrets() -> None:
    """The bytes of a secret are stars, the others stay."""
    message = TRACE.messages[0]
    assert visible(message) == message.data
    key = b"K" + (12).to_bytes(4, "big") + b"\0\0\0\1" + b"\xde\xad\xbe\xef"
    trace = spoken(("client", STARTUP), ("server", key + WELCOME))
    cancel = trace.of("BackendKeyData")
    assert cancel is not None
    assert visible(cancel).endswith(b"****")
