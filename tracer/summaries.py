"""One line for each message, from its own fields; a table at the bottom."""

from __future__ import annotations

from collections.abc import Callable

from tracer.protocol.fields import Field, content, every, first, number

Fields = tuple[Field, ...]


def summary(kind: str, fields: Fields, length: int, *, cut: bool = False) -> str:
    """What a message says, in one line without a full stop. Of one that was `cut` by the capture nothing is said to be absent."""
    say = SUMMARIES.get(kind)
    text = say(fields, length) if say is not None else ""
    return _list(text, CUT) if cut and kind in ABSENT else text


def _text(fields: Fields, name: str) -> str:
    found = first(fields, name)
    if found is None:
        return ""
    return found.text or str(found.value if found.value is not None else "")


def _list(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _ssl_request(_fields: Fields, _length: int) -> str:
    return "may we speak TLS?"


def _gssenc_request(_fields: Fields, _length: int) -> str:
    return "may we speak GSSAPI encryption?"


def _answer(fields: Fields, _length: int) -> str:
    found = first(fields, "answer")
    if found is None or not isinstance(found.value, bytes):
        return ""
    return ": ".join((found.value.decode("latin-1"), found.text))


def _client_hello(fields: Fields, _length: int) -> str:
    names = [f.text for f in every(fields, "host_name")]
    offered = [f.text for f in every(fields, "version") if not f.text.startswith("GREASE")]
    whole = first(fields, "unread") is None
    versions = offered or ([_text(fields, "legacy_version")] if whole else [])
    alpn = [f.text for f in every(fields, "protocol_name") if not f.text.startswith("GREASE")]
    return _again(fields) + _list(
        "/".join(versions[:4]),
        f"for {names[0]}" if names else "names no server" if whole else "",
        f"ALPN {alpn[0]}" if alpn else "",
    )


def _server_hello(fields: Fields, _length: int) -> str:
    old = _text(fields, "legacy_version") if first(fields, "unread") is None else ""
    version = _text(fields, "selected_version") or old
    return _again(fields) + _list(version, _text(fields, "cipher_suite"), _text(fields, "group"))


def _again(fields: Fields) -> str:
    """A hello that names the handshake before it is one of a renegotiation (RFC 5746 §3.5)."""
    return "once more, inside TLS: " if content(first(fields, "renegotiated_connection")) else ""


def _encrypted_extensions(fields: Fields, _length: int) -> str:
    alpn = _text(fields, "protocol_name")
    return f"ALPN {alpn}" if alpn else ""


def _process(fields: Fields, _length: int) -> str:
    process = _text(fields, "process_id")
    return f"process {process}, key withheld" if process else ""


def _retry(fields: Fields, _length: int) -> str:
    group = _text(fields, "selected_group")
    return f"once more, with {group}" if group else "once more"


def _certificate(fields: Fields, _length: int) -> str:
    sizes = [len(content(f)) for f in every(fields, "cert_data")]
    if not sizes:
        return "none" if first(fields, "unread") is None else ""
    return f"{len(sizes)} certificate{'s' if len(sizes) > 1 else ''}, {sum(sizes):,} bytes"


def _certificate_request(fields: Fields, _length: int) -> str:
    named = list(every(fields, "distinguished_name"))
    if not named:
        return "a client certificate, if there is one"
    if len(named) == 1:
        return f"a client certificate of {named[0].text or 'one CA'}"
    return f"a client certificate of one of {len(named)} CAs"


def _certificate_verify(fields: Fields, _length: int) -> str:
    return f"proves that it has the certificate's key: {_text(fields, 'algorithm')}"


def _key_exchange(fields: Fields, _length: int) -> str:
    return _list(_text(fields, "named_curve"), _text(fields, "algorithm"))


def _finished(_fields: Fields, _length: int) -> str:
    return "the handshake was not altered on the way"


def _ticket(fields: Fields, _length: int) -> str:
    seconds = _text(fields, "ticket_lifetime") or _text(fields, "ticket_lifetime_hint")
    return f"may resume within {seconds} s"


def _alert(fields: Fields, _length: int) -> str:
    found = first(fields, "description")
    return f"{_text(fields, 'level')} {found.text} ({number(found)})" if found is not None else ""


def _startup(fields: Fields, _length: int) -> str:
    shown = [f.text for f in every(fields, "parameter")][:4]
    return _list(f"protocol {_text(fields, 'protocol_version')}", *shown)


def _sasl(fields: Fields, _length: int) -> str:
    return "one of " + _list(*(str(f.value) for f in every(fields, "mechanism")))


def _sasl_initial(fields: Fields, _length: int) -> str:
    return _list(_text(fields, "mechanism"), _text(fields, "channel_binding"))


def _sasl_response(fields: Fields, _length: int) -> str:
    binding = _text(fields, "channel_binding_data")
    if " bound: " in binding:
        return f"proof withheld, bound to the certificate ({binding.split(',')[0].removeprefix('p=')})"
    return "proof withheld" + (", bound to nothing" if binding else "")


def _error(fields: Fields, _length: int) -> str:
    parts = {_text(f.parts, "code") or f.text: f for f in every(fields, "field")}
    values = {f.text: _text(f.parts, "value") for f in parts.values()}
    wanted = [values.get(name, "") for name in ("Severity", "SQLSTATE code", "Message")]
    return " ".join(word for word in wanted if word) or _text(fields, "message").rstrip("\n")


def _parameter(fields: Fields, _length: int) -> str:
    return f"{_text(fields, 'name')} = {_text(fields, 'value')}"


def _ready(fields: Fields, _length: int) -> str:
    return _text(fields, "status")


def _withheld(_fields: Fields, _length: int) -> str:
    return "withheld"


def _bytes(_fields: Fields, length: int) -> str:
    return f"{length:,} bytes"


# TABLES

CUT = "the rest is cut off by the capture"
ABSENT = ("ClientHello", "ServerHello", "HelloRetryRequest", "Certificate")  # what is not in them says something
SUMMARIES: dict[str, Callable[[Fields, int], str]] = {
    "SSLRequest": _ssl_request,
    "GSSENCRequest": _gssenc_request,
    "SSLResponse": _answer,
    "GSSENCResponse": _answer,
    "UnencryptedData": _bytes,
    "Unread": _bytes,
    "EarlyData": _bytes,
    "EncryptedExtensions": _encrypted_extensions,
    "CancelRequest": _process,
    "BackendKeyData": _process,
    "ClientHello": _client_hello,
    "ServerHello": _server_hello,
    "HelloRetryRequest": _retry,
    "Certificate": _certificate,
    "CertificateRequest": _certificate_request,
    "CertificateVerify": _certificate_verify,
    "ServerKeyExchange": _key_exchange,
    "Finished": _finished,
    "NewSessionTicket": _ticket,
    "Alert": _alert,
    "Sealed": _bytes,
    "StartupMessage": _startup,
    "AuthenticationSASL": _sasl,
    "SASLInitialResponse": _sasl_initial,
    "SASLResponse": _sasl_response,
    "PasswordMessage": _withheld,
    "AuthenticationResponse": _withheld,
    "ErrorResponse": _error,
    "NoticeResponse": _error,
    "ParameterStatus": _parameter,
    "ReadyForQuery": _ready,
}
