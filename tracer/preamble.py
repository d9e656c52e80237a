"""What is said in front of everything: requests and answers, until something settles how the connection goes on."""

from __future__ import annotations

from typing import Literal

from tracer.protocol import postgres
from tracer.protocol.settled import lost_request
from tracer.sides import Side

Preamble = Literal["SSLRequest", "direct", "plaintext", "GSSENCRequest", "CancelRequest", "unknown"]
Answer = Literal["S", "N", "E", "G", "other"]
Transport = Literal["tls", "plaintext", "gss", "cancel"]
Request = tuple[str, Answer | None]
LOST_REQUEST = "bytes 0 to 8 were not captured: the answer S and the ClientHello behind them say what they were"
LOST_ANSWER = "it was not captured: the ClientHello behind the request says that it was S"
MOST_REQUESTS = 16  # in front of TLS; libpq makes two


def preamble(client: Side, server: Side, *, whole: bool) -> tuple[list[Request], Preamble, Transport | None]:
    """Requests and answers, until something settles the transport; a capture that is not `whole` may lack some."""
    requests: list[Request] = []
    settled: Preamble = "unknown"
    if whole and _request_lost(client, server):
        client.clear("SSLRequest", 0, len(postgres.SSL_REQUEST), postgres.ssl_request, "postgres", LOST_REQUEST)
        client.at = len(postgres.SSL_REQUEST)
        return [("SSLRequest", _answer(server, "SSLRequest"))], "SSLRequest", "tls"
    while len(requests) < MOST_REQUESTS:
        speech = postgres.recognise(client.data[client.at :])
        if speech in ("SSLRequest", "GSSENCRequest"):
            client.take(speech, len(postgres.SSL_REQUEST), postgres.ssl_request)
            reply = _answer(server, speech)
            if reply is None and speech == "SSLRequest" and postgres.recognise(client.data[client.at :]) == "TLS":
                reply = "S"
                if server.data:
                    server.clear("SSLResponse", server.at, server.at + 1, postgres.answer, "postgres", LOST_ANSWER)
                    server.at += 1
            requests.append((speech, reply))
            settled = speech
            if reply == "S" and speech == "SSLRequest":
                return requests, settled, "tls"
            if reply != "N":
                return requests, settled, "gss" if reply == "G" else None
        elif speech == "CancelRequest":
            client.take(speech, postgres.request_length(client.data, client.at), postgres.cancel_request)
            return (
                requests,
                "unknown" if settled == "unknown" and requests else settled if requests else speech,
                "cancel",
            )
        elif speech == "StartupMessage":
            return requests, settled if requests else "plaintext", "plaintext"
        elif speech == "TLS" or (not client.data and postgres.recognise_server(server.data)):
            if server.data[:1] != b"S" or requests:
                return requests, "direct" if whole and not requests else "unknown", "tls"
            requests.append(("SSLRequest", _answer(server, "SSLRequest")))  # asked before the capture began
            return requests, "SSLRequest", "tls"
        else:
            return requests, settled, None
    return requests, settled, None


def _request_lost(client: Side, server: Side) -> bool:
    """Whether all of the request was lost, and only that: see `tracer.protocol.settled.lost_request`."""
    size = len(postgres.SSL_REQUEST)
    lost = client.stream.missing(0, size + 1) == (0, size)
    return lost and lost_request(size, client.data[size:], server.data) and not server.stream.missing(0, 1)


def _answer(server: Side, request: str) -> Answer | None:
    byte = server.data[server.at : server.at + 1]
    if not byte or server.stream.missing(server.at, server.at + 1):
        return None
    if byte == b"E":
        frame = postgres.preamble_error(server.data, server.at)
        server.take(frame.kind, frame.stop - frame.start, frame.read)
        return "E"
    server.take("SSLResponse" if request == "SSLRequest" else "GSSENCResponse", 1, postgres.answer)
    yes: Answer = "S" if request == "SSLRequest" else "G"
    return yes if byte == yes.encode() else "N" if byte == b"N" else "other"
