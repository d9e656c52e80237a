"""The prose covers what can be seen, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import tracer
from tracer.glossary import GLOSSARY
from tracer.protocol.fields import Field
from tracer.protocol.numbers import HANDSHAKE_TYPES

# In the registry, and not on any wire that we know of; MessageHash is never sent.
RESERVED = {"ClientCertificateRequest", "CertificateURL", "SupplementalData", "MessageHash", "HelloVerifyRequest"}
CHECKOUT = Path(__file__).resolve().parent.parent


def names(fields: tuple[Field, ...]) -> Iterator[str]:
    for field in fields:
        yield field.name
        yield from names(field.parts)


@pytest.mark.parametrize("story", sorted(CHECKOUT.glob("captures/*/capture.pcapng")), ids=lambda path: path.parent.name)
def test_everything_in_a_story_is_explained(story: Path) -> None:
    """Each message and each field that a story shows has its entry."""
    source = tracer.read(story)
    for connection in tracer.reassemble(source):
        for message in tracer.follow(connection, source.keys).messages:
            assert message.kind in GLOSSARY
            for name in names(message.fields):
                assert f"{message.kind}.{name}" in GLOSSARY or name in GLOSSARY, f"{message.kind}.{name}"


@pytest.mark.parametrize("key", GLOSSARY)
def test_an_entry_is_whole(key: str) -> None:
    """What, why and where, in sentences."""
    entry = GLOSSARY[key]
    assert entry.what.endswith(".")
    assert entry.why.endswith(".")
    assert entry.spec


def test_every_field_that_can_occur_is_explained() -> None:
    """Each name that a reader gives has its entry."""
    code = "".join(path.read_text() for path in sorted((CHECKOUT / "tracer" / "protocol").glob("*.py")))
    given = set(re.findall(r'\br\.(?:uint|bytes|rest|secret|string|opaque|vector|struct)\(\s*"(\w+)"', code))
    explained = {key.rpartition(".")[2] for key in GLOSSARY}
    assert len(given) > 100
    assert given - explained == set()


@pytest.mark.parametrize("kind", sorted(set(HANDSHAKE_TYPES.values()) - RESERVED))
def test_every_handshake_message_is_explained(kind: str) -> None:
    """Those that anybody still sends."""
    assert kind in GLOSSARY


def test_no_entry_is_about_nothing() -> None:
    """Each key is a word of the readers."""
    code = "".join(path.read_text() for path in (CHECKOUT / "tracer" / "protocol").glob("*.py"))
    code += (CHECKOUT / "tracer" / "sides.py").read_text() + (CHECKOUT / "tracer" / "trace.py").read_text()
    words = set(re.findall(r'"(\w+)"', code))
    kinds = {f"Authentication{word}" for word in words} | words
    assert [key for key in GLOSSARY if not all(part in kinds for part in key.split("."))] == []
