"""pgtls: watch a PostgreSQL client and server speak TLS, and see where the client verified whom.

import tracer
source = tracer.read("capture.pcapng")
for connection in tracer.reassemble(source):
    trace = tracer.follow(connection, source.keys)
    print(tracer.render.text(trace))

Each name is imported when it is first asked for, so that the command can say what Ctrl-C does before anything else.
"""

TYPE_CHECKING = False  # typing's own would be imported, and takes its time
if TYPE_CHECKING:
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


def __getattr__(name: str) -> object:
    """A public name, or a module of this package (PEP 562)."""
    from importlib import import_module

    if not name.startswith("_"):
        module = _WHERE.get(name, name)
        try:
            found = import_module(f"tracer.{module}")
        except ModuleNotFoundError as error:
            if error.name != f"tracer.{module}":
                raise
        else:
            value = getattr(found, name) if name in _WHERE else found
            globals()[name] = value
            return value
    raise AttributeError(f"module 'tracer' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


_WHERE = {
    "UNKNOWN": "verify",
    "Certificate": "certificates",
    "Check": "verify",
    "Connection": "streams",
    "Finding": "findings",
    "Keys": "protocol.keys",
    "Message": "trace",
    "Packet": "packets.source",
    "Presented": "certificates",
    "Source": "packets.source",
    "Stream": "segments",
    "Tick": "packets.source",
    "Trace": "trace",
    "TracerError": "errors",
    "Trust": "verify",
    "Unusable": "verify",
    "Verdict": "verify",
    "agrees": "verify",
    "clients": "verify",
    "explain": "findings",
    "follow": "trace",
    "frame": "frames",
    "live": "sources",
    "probe": "sources",
    "read": "sources",
    "reassemble": "streams",
    "replay": "verify",
    "table": "verify",
}
