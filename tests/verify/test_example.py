"""The example server."""

from __future__ import annotations

import tracer
from tracer.verify import example


def test_it_is_good_under_its_root_alone() -> None:
    """verify-full takes it with its own root, its own name, and with no other."""
    asked = tracer.Trust(host=example.HOST, sslmode="verify-full", roots=(example.root(),), time=example.TIME)
    assert tracer.replay(example.server(), asked).authenticated
    for other in ({"roots": (example.another_root(),)}, {"host": example.OTHER_HOST}):
        wrong = tracer.Trust(
            **{"host": example.HOST, "sslmode": "verify-full", "roots": asked.roots, "time": asked.time, **other}
        )
        assert tracer.replay(example.server(), wrong).outcome == "refuse"


def test_the_other_server_is_good_under_the_same_root() -> None:
    """And for its own name alone."""
    for host, outcome in ((example.OTHER_HOST, "accept"), (example.HOST, "refuse")):
        asked = tracer.Trust(host=host, sslmode="verify-full", roots=(example.root(),), time=example.TIME)
        assert tracer.replay(example.other_server(), asked).outcome == outcome


def test_without_tls() -> None:
    asked = tracer.Trust(host=example.HOST, sslmode="prefer", roots=None, time=example.TIME)
    assert tracer.replay(example.without_tls(), asked).outcome == "plaintext"
