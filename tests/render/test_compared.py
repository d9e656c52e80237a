"""The comparison with Wireshark, as a page."""

from __future__ import annotations

from tracer.crosscheck import Compared
from tracer.render.compared import compared
from tracer.render.page import Page

SAME = Compared(1, "tls", 12, (), (), None)
OURS = Compared(1, "postgres", 1, tuple((n, ("server", "", "52" * 40)) for n in range(12)), (), "it is known why")
THEIRS = Compared(2, "tls", 0, (), ((0, ("client", "alert", "0230")),), None)
EMPTY = Compared(2, "postgres", 0, (), (), None)


def test_the_page() -> None:
    """Each layer is a line; what only one has is named, bounded, with the reason where there is one."""
    page = Page(120, color=False)
    compared(page, "capture.pcap", "TShark 4", [SAME, OURS, THEIRS, EMPTY])
    lines = page.text().splitlines()
    assert lines[0] == "capture.pcap, beside TShark 4"
    assert lines[1] == "  connection 1, TLS: ✔ the same 12 messages"
    assert lines[2] == "  connection 1, PostgreSQL: ✘ 1 message in common"
    assert sum("only pgtls: number" in line for line in lines) == 10
    assert "    only pgtls: 2 more" in lines
    assert "    known: it is known why" in lines
    assert lines[-1] == "    only Wireshark: number 1, of the client: alert of 2 bytes, 0230"
