"""pgtls: watch a PostgreSQL client and server speak TLS, and see where the client verified whom.

import tracer
source = tracer.read("capture.pcapng")
for connection in tracer.reassemble(source):
    trace = tracer.follow(connection, source.keys)
    print(tracer.render.text(trace))
"""

from __future__ import annotations

from tracer import bundle, render
from tracer.certificates import Certificate, Presented
from tracer.errors import TracerError
from tracer.findings import Finding, explain
from tracer.frames import frame
from tracer.packets.source import Packet, Source, Tick
from tracer.protocol.keys import Keys
from tracer.segments import Stream
from tracer.sources import live, probe, read
from tracer.streams import Connection, reassemble
from tracer.trace import Message, Trace, follow
from tracer.verify import UNKNOWN, Check, Trust, Unusable, Verdict, agrees, clients, replay, table

__all__ = [
    "UNKNOWN",
    "Certificate",
    "Check",
    "Connection",
    "Finding",
    "Keys",
    "Message",
    "Packet",
    "Presented",
    "Source",
    "Stream",
    "Tick",
    "Trace",
    "TracerError",
    "Trust",
    "Unusable",
    "Verdict",
    "agrees",
    "bundle",
    "clients",
    "explain",
    "follow",
    "frame",
    "live",
    "probe",
    "read",
    "reassemble",
    "render",
    "replay",
    "table",
]
