"""What each message and field is, why it matters here, and where it is specified. Data only."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """`what` it is, `why` it matters to somebody who asks whether a connection is safe, and the `spec`."""

    what: str
    why: str
    spec: str


GLOSSARY: dict[str, Entry] = {
    "SSLRequest": Entry(
        "The client asks whether the server speaks TLS.",
        "It goes in clear, before anything is protected: whoever is on the path can answer it.",
        "PostgreSQL: SSL Session Encryption",
    ),
    "SSLResponse": Entry(
        "One byte: S for yes, N for no, E begins an error.",
        "Nothing protects this byte. With prefer, an N from anybody on the path is enough to make the client go on in plaintext.",
        "PostgreSQL: SSL Session Encryption",
    ),
    "SSLResponse.answer": Entry(
        "The byte itself.", "A client with require or more takes nothing but S.", "PostgreSQL: SSL Session Encryption"
    ),
    "GSSENCRequest": Entry(
        "The client asks for GSSAPI encryption, with Kerberos.",
        "libpq asks this before TLS when it has a ticket; accepted, TLS and its certificates never come into it.",
        "PostgreSQL: GSSAPI Session Encryption",
    ),
    "GSSENCResponse": Entry(
        "One byte: G for yes, N for no.",
        "After N libpq goes on with SSLRequest on the same connection.",
        "PostgreSQL: GSSAPI Session Encryption",
    ),
    "CancelRequest": Entry(
        "A request to cancel the query of another connection.",
        "It carries a secret of that session, often in clear, and gets no answer.",
        "PostgreSQL: Canceling Requests in Progress",
    ),
    "UnencryptedData": Entry(
        "Bytes behind the answer S that are not TLS.",
        "A server says nothing there before it has a ClientHello: somebody wants these bytes read as if they had come protected.",
        "CVE-2021-23222",
    ),
    "Unread": Entry(
        "Bytes that nobody could read as a message.", "What they are is not known; the problem says why.", "pgtls"
    ),
    "Sealed": Entry(
        "A protected record that no key at hand opens.",
        "Its size is all that can be seen of it; a key log of the connection would show the rest.",
        "RFC 8446 §5.2",
    ),
    "StartupMessage": Entry(
        "The client names its user, its database and its settings.",
        "Behind a handshake it is the sign that the client was content with the server; in plaintext everybody reads it.",
        "PostgreSQL: Message Formats",
    ),
    "AuthenticationSASL": Entry(
        "The server asks for a password exchange and names the mechanisms.",
        "SCRAM-SHA-256-PLUS can bind the exchange to the server's certificate.",
        "PostgreSQL: SASL Authentication",
    ),
    "AuthenticationSASLContinue": Entry(
        "The server's challenge.", "With it the client's proof is good for this connection only.", "RFC 5802 §7"
    ),
    "AuthenticationSASLFinal": Entry(
        "The server proves that it knows the password, too.",
        "A server without the password cannot do this; but the client has by then named its user.",
        "RFC 5802 §7",
    ),
    "AuthenticationOk": Entry(
        "The server lets the user in.", "It says nothing about who the server is.", "PostgreSQL: Message Formats"
    ),
    "AuthenticationCleartextPassword": Entry(
        "The server asks for the password itself.",
        "Whoever is at the other end gets it: this is why it matters that somebody checked who that is.",
        "PostgreSQL: Message Formats",
    ),
    "AuthenticationMD5Password": Entry(
        "The server asks for an MD5 of password and salt.",
        "Whoever records it can try passwords on it at leisure.",
        "PostgreSQL: Message Formats",
    ),
    "SASLInitialResponse": Entry(
        "The client chooses a mechanism and begins.",
        "Its first letter says whether it binds the exchange to the certificate: p does, y would have, n does not.",
        "PostgreSQL: SASL Authentication",
    ),
    "SASLResponse": Entry(
        "The client's proof that it knows the password.",
        "The proof is withheld here: with it and the challenge somebody could try passwords.",
        "RFC 5802 §7",
    ),
    "PasswordMessage": Entry(
        "The password, or a hash of it.", "It is never shown here.", "PostgreSQL: Message Formats"
    ),
    "AuthenticationResponse": Entry(
        "An answer to an authentication request that was not seen.",
        "It may hold a password, so nothing of it is shown.",
        "PostgreSQL: Message Formats",
    ),
    "ParameterStatus": Entry(
        "The server reports a setting.",
        "The session has begun: every check of the client lies behind.",
        "PostgreSQL: Message Formats",
    ),
    "BackendKeyData": Entry(
        "The number and the secret with which this session's queries can be cancelled.",
        "The secret is withheld here.",
        "PostgreSQL: Message Formats",
    ),
    "ReadyForQuery": Entry(
        "The server waits for the first query.", "Here the cost of connecting ends.", "PostgreSQL: Message Formats"
    ),
    "ErrorResponse": Entry(
        "The server refuses, and says why.",
        "In front of TLS nobody vouches for this text, and libpq does not show it.",
        "PostgreSQL: Error and Notice Message Fields",
    ),
    "NoticeResponse": Entry(
        "The server has something to say that is no error.",
        "It does not change who was checked.",
        "PostgreSQL: Error and Notice Message Fields",
    ),
    "NegotiateProtocolVersion": Entry(
        "The server speaks a lower version of the protocol than was asked for.",
        "It comes behind the client's checks and changes none of them.",
        "PostgreSQL: Message Formats",
    ),
    "Terminate": Entry(
        "The client says goodbye.", "A session that ends with this ended as it should.", "PostgreSQL: Message Formats"
    ),
    "Query": Entry("A query of the session.", "It is the user's data and is not shown.", "PostgreSQL: Message Formats"),
    "RowDescription": Entry(
        "The columns of a result.", "It is the user's data and is not shown.", "PostgreSQL: Message Formats"
    ),
    "DataRow": Entry("A row of a result.", "It is the user's data and is not shown.", "PostgreSQL: Message Formats"),
    "CommandComplete": Entry(
        "A command has ended.", "It is the user's data and is not shown.", "PostgreSQL: Message Formats"
    ),
    "ClientHello": Entry(
        "The client says what it can do: versions, cipher suites, groups, and the name it wants.",
        "Nothing in it says whether the client has a root certificate, or will check anything.",
        "RFC 8446 §4.1.2",
    ),
    "HelloRetryRequest": Entry(
        "The server wants another group than the one the client had a key ready for.",
        "It costs a round trip. PostgreSQL up to 17 does this to most clients, because it wants prime256v1.",
        "RFC 8446 §4.1.4",
    ),
    "ServerHello": Entry(
        "The server chooses version, cipher suite and key.",
        "From here on TLS 1.3 is sealed: without keys not even the certificates can be seen.",
        "RFC 8446 §4.1.3",
    ),
    "EncryptedExtensions": Entry(
        "The server's answers that need not be in clear.",
        "With direct TLS the protocol postgresql must be chosen here.",
        "RFC 8446 §4.3.1",
    ),
    "CertificateRequest": Entry(
        "The server asks the client for a certificate.",
        "It is about who the client is; it does not help the client to know the server.",
        "RFC 8446 §4.3.2",
    ),
    "Certificate": Entry(
        "The certificates of the sender, its own first.",
        "Here, inside the handshake, a client with a root file checks ① the chain and ② the dates. Without a root file libpq takes any certificate.",
        "RFC 8446 §4.4.2",
    ),
    "CertificateVerify": Entry(
        "A signature over the handshake so far, with the certificate's key.",
        "It proves that the server has the key; whose key that is only the certificate says.",
        "RFC 8446 §4.4.3",
    ),
    "ServerKeyExchange": Entry(
        "The server's half of the key, signed with the certificate's key.",
        "The signature ties the key to the certificate; whose certificate it is remains to be checked.",
        "RFC 8422 §5.4",
    ),
    "ServerHelloDone": Entry(
        "The server has said its part.",
        "In TLS 1.2 the certificates came in clear: anybody on the path saw them.",
        "RFC 5246 §7.4.5",
    ),
    "ClientKeyExchange": Entry(
        "The client's half of the key.",
        "A client that sends this was content with the chain, or did not look.",
        "RFC 5246 §7.4.7",
    ),
    "ChangeCipherSpec": Entry(
        "What follows is protected.",
        "In TLS 1.3 it is decoration for old equipment on the path and means nothing.",
        "RFC 8446 §D.4",
    ),
    "Finished": Entry(
        "A checksum over the whole handshake, with the new keys.",
        "It shows that nobody altered the handshake. Only behind it libpq compares ③ the name, and only with verify-full.",
        "RFC 8446 §4.4.4",
    ),
    "NewSessionTicket": Entry(
        "With this the client may resume later, without certificates.",
        "libpq does not resume: each connection checks anew.",
        "RFC 8446 §4.6.1",
    ),
    "CertificateStatus": Entry(
        "A statement of the CA that the certificate was not revoked.", "libpq does not look at it.", "RFC 6066 §8"
    ),
    "KeyUpdate": Entry(
        "The sender changes its key.",
        "It happens in long sessions and changes nothing about who was checked.",
        "RFC 8446 §4.6.3",
    ),
    "Alert": Entry(
        "One side complains, or says goodbye.",
        "A client that refuses a certificate says so here; with OpenSSL in clear even in TLS 1.3. The number leaves several causes open.",
        "RFC 8446 §6",
    ),
    "Alert.level": Entry("Warning or fatal.", "A fatal alert ends the connection.", "RFC 8446 §6"),
    "Alert.description": Entry(
        "What it is about.",
        "unknown_ca alone can stand for seven different faults of a chain: the replay says which it was.",
        "RFC 8446 §6.2",
    ),
    "length": Entry(
        "How many bytes follow.",
        "A length that does not fit is how broken or hostile messages are found.",
        "RFC 8446 §3.4",
    ),
    "data": Entry("The bytes themselves.", "They are kept as they came.", "RFC 8446 §3.4"),
    "request_code": Entry(
        "The number that makes this a request and not a startup.",
        "It looks like protocol version 1234, which never was.",
        "PostgreSQL: Message Formats",
    ),
    "protocol_version": Entry(
        "The version of PostgreSQL's protocol.",
        "3.0 since 2003; libpq 18 may ask for 3.2.",
        "PostgreSQL: Message Formats",
    ),
    "major": Entry("The first part of the version.", "It has been 3 for twenty years.", "PostgreSQL: Message Formats"),
    "minor": Entry("The second part of the version.", "3.2 came with PostgreSQL 18.", "PostgreSQL: Message Formats"),
    "parameter": Entry(
        "A setting of the session, by name and value.", "User and database stand here.", "PostgreSQL: Message Formats"
    ),
    "name": Entry(
        "What it is called.", "In clear, it would be read by everybody on the path.", "PostgreSQL: Message Formats"
    ),
    "value": Entry(
        "What it is set to.", "In clear, it would be read by everybody on the path.", "PostgreSQL: Message Formats"
    ),
    "terminator": Entry("A zero byte that ends the list.", "It carries nothing.", "PostgreSQL: Message Formats"),
    "type": Entry(
        "The letter or number that says which message this is.",
        "The same letter can mean different messages from client and server.",
        "PostgreSQL: Message Formats",
    ),
    "authentication": Entry(
        "Which kind of authentication this is about.",
        "10 to 12 are SASL, that is SCRAM.",
        "PostgreSQL: Message Formats",
    ),
    "mechanism": Entry(
        "A SASL mechanism.", "The one that ends in -PLUS binds the exchange to the certificate.", "RFC 5802 §4"
    ),
    "response_length": Entry(
        "How long the response is.", "It is minus one when there is none.", "PostgreSQL: Message Formats"
    ),
    "channel_binding": Entry(
        "Whether, and how, the exchange is bound to the TLS connection.",
        "p=tls-server-end-point binds it to the server's certificate; y and n do not bind.",
        "RFC 5802 §7",
    ),
    "channel_binding_data": Entry(
        "The same again, with the hash of the certificate that the client saw.",
        "A relay in the middle has another certificate, and the server would notice.",
        "RFC 5929 §4",
    ),
    "attribute": Entry(
        "An attribute of SCRAM, by one letter.",
        "PostgreSQL leaves the user name empty: it came in the StartupMessage.",
        "RFC 5802 §5",
    ),
    "nonce": Entry("A number used once.", "It makes an old exchange worthless.", "RFC 5802 §5.1"),
    "salt": Entry(
        "What the password was salted with.", "With the proof somebody could try passwords.", "RFC 5802 §5.1"
    ),
    "iterations": Entry("How often the hash was applied.", "More makes trying passwords slower.", "RFC 5802 §5.1"),
    "proof": Entry("The client's proof that it knows the password.", "It is withheld.", "RFC 5802 §3"),
    "server_signature": Entry(
        "The server's proof that it knows the password.",
        "It is withheld: passwords could be tried on it.",
        "RFC 5802 §3",
    ),
    "process_id": Entry(
        "The number of the server's process.",
        "It is half of what cancelling a query takes.",
        "PostgreSQL: Message Formats",
    ),
    "secret_key": Entry(
        "The secret with which a query can be cancelled.", "It is withheld.", "PostgreSQL: Message Formats"
    ),
    "status": Entry(
        "Whether a transaction is open.", "It is idle behind every new connection.", "PostgreSQL: Message Formats"
    ),
    "msg_type": Entry(
        "Which handshake message this is.", "In clear, it shows how far the handshake went.", "RFC 8446 §4"
    ),
    "legacy_version": Entry(
        "The version field of old.",
        "TLS 1.3 writes 1.2 here so that old equipment lets it pass; the real version stands in supported_versions.",
        "RFC 8446 §4.1.2",
    ),
    "random": Entry(
        "32 random bytes.", "The client's are the name by which a key log knows the connection.", "RFC 8446 §4.1.2"
    ),
    "legacy_session_id": Entry(
        "A session to resume, in TLS 1.2.", "TLS 1.3 fills it with random bytes for old equipment.", "RFC 8446 §4.1.2"
    ),
    "legacy_session_id_echo": Entry(
        "The client's session id, sent back.", "It carries nothing in TLS 1.3.", "RFC 8446 §4.1.3"
    ),
    "cipher_suites": Entry(
        "The cipher suites that the client accepts, its favourite first.",
        "Encryption is as strong as the one chosen; it does not say who is at the other end.",
        "RFC 8446 §4.1.2",
    ),
    "cipher_suite": Entry(
        "A cipher suite.",
        "It names the cipher and the hash; in TLS 1.2 also key exchange and signature.",
        "RFC 8446 §B.4",
    ),
    "legacy_compression_methods": Entry(
        "Compression before encryption.", "It leaked secrets and is not used any more.", "RFC 8446 §4.1.2"
    ),
    "legacy_compression_method": Entry("Compression before encryption.", "It is always null.", "RFC 8446 §4.1.3"),
    "compression_method": Entry("A way to compress.", "Null is the only one left.", "RFC 8446 §4.1.2"),
    "extensions": Entry("What was added to TLS since 1999.", "Name, versions and keys stand here.", "RFC 8446 §4.2"),
    "extension": Entry("One extension.", "Unknown ones are passed over by both sides.", "RFC 8446 §4.2"),
    "extension_type": Entry("Which extension this is.", "The numbers are IANA's.", "RFC 8446 §4.2"),
    "extension_data": Entry(
        "What the extension says.", "Its form depends on the extension and the message.", "RFC 8446 §4.2"
    ),
    "renegotiated_connection": Entry(
        "A link to the handshake before this one.", "It is empty in a first handshake.", "RFC 5746 §3.2"
    ),
    "server_name_list": Entry(
        "The names that the client wants to reach.",
        "It is in clear: everybody on the path reads which database host is wanted.",
        "RFC 6066 §3",
    ),
    "server_name": Entry(
        "A name that the client wants to reach.",
        "libpq sends its host option, unless that is an address.",
        "RFC 6066 §3",
    ),
    "name_type": Entry("What kind of name it is.", "There is only host_name.", "RFC 6066 §3"),
    "host_name": Entry(
        "The host name that the client wants.",
        "It is what verify-full will compare with the certificate; sending it is no check.",
        "RFC 6066 §3",
    ),
    "ec_point_format_list": Entry(
        "How points of curves may be written.", "It matters to TLS 1.2 only.", "RFC 8422 §5.1.2"
    ),
    "ec_point_format": Entry("A way to write a point.", "Uncompressed is the only one in use.", "RFC 8422 §5.1.2"),
    "named_group_list": Entry(
        "The groups for the key exchange, the favourite first.",
        "If the server wants another one than the client has a key for, it costs a round trip.",
        "RFC 8446 §4.2.7",
    ),
    "named_group": Entry(
        "A group for the key exchange.",
        "Those with MLKEM in their name withstand quantum computers.",
        "RFC 8446 §4.2.7",
    ),
    "named_curve": Entry(
        "The curve of the key exchange.", "PostgreSQL's setting ssl_ecdh_curve decides, up to 17.", "RFC 8422 §5.4"
    ),
    "curve_type": Entry("How the curve is given.", "It is always by name.", "RFC 8422 §5.4"),
    "public": Entry(
        "The server's half of the key.",
        "It is new in each connection: who records now cannot read later.",
        "RFC 8422 §5.4",
    ),
    "ecdh_Yc": Entry("The client's half of the key.", "It is new in each connection.", "RFC 8422 §5.7"),
    "protocol_name_list": Entry(
        "The protocols that may follow.", "libpq offers postgresql from 17 on.", "RFC 7301 §3.1"
    ),
    "protocol_name": Entry(
        "A protocol that may follow.",
        "Direct TLS insists on postgresql, so that nobody leads the client to a web server.",
        "RFC 7301 §3.1",
    ),
    "supported_signature_algorithms": Entry(
        "The signatures that are accepted.",
        "The certificate's own signature is judged apart, by the client's security level.",
        "RFC 8446 §4.2.3",
    ),
    "signature_scheme": Entry("A kind of signature.", "Those with sha1 are there for old servers.", "RFC 8446 §4.2.3"),
    "algorithm": Entry("The kind of the signature.", "It follows from the certificate's key.", "RFC 8446 §4.4.3"),
    "signature": Entry("The signature.", "Only who has the certificate's key can make it.", "RFC 8446 §4.4.3"),
    "versions": Entry(
        "The versions that the client accepts.", "From libpq 13 on TLS 1.2 is the lowest.", "RFC 8446 §4.2.1"
    ),
    "version": Entry(
        "A version that the client accepts.", "The server chooses the highest that both have.", "RFC 8446 §4.2.1"
    ),
    "selected_version": Entry("The version that the server chose.", "This is the real one.", "RFC 8446 §4.2.1"),
    "ke_modes": Entry("How the client would resume.", "It concerns later connections.", "RFC 8446 §4.2.9"),
    "ke_mode": Entry("A way to resume.", "psk_dhe_ke makes a new key each time.", "RFC 8446 §4.2.9"),
    "client_shares": Entry("Keys that the client has ready.", "The right guess saves a round trip.", "RFC 8446 §4.2.8"),
    "key_share_entry": Entry("A key and its group.", "Both sides' together make the secret.", "RFC 8446 §4.2.8"),
    "group": Entry("The group of a key.", "It names the kind of key exchange.", "RFC 8446 §4.2.8"),
    "selected_group": Entry(
        "The group that the server wants instead.", "PostgreSQL up to 17 wants secp256r1.", "RFC 8446 §4.2.8"
    ),
    "key_exchange": Entry("The key itself.", "It is public, and new in each connection.", "RFC 8446 §4.2.8"),
    "certificate_request_context": Entry(
        "Ties a client's certificate to the request.", "It is empty in a handshake.", "RFC 8446 §4.4.2"
    ),
    "certificate_list": Entry(
        "The chain, the sender's own certificate first.",
        "What is missing here the client must have in its root file, or the chain fails.",
        "RFC 8446 §4.4.2",
    ),
    "certificate_entry": Entry(
        "A certificate and its extensions.", "libpq looks at the certificate only.", "RFC 8446 §4.4.2"
    ),
    "cert_data": Entry("A certificate, in DER.", "Names, dates, key and the signature of its issuer.", "RFC 5280 §4.1"),
    "verify_data": Entry(
        "The checksum.",
        "It is wrong when anybody altered the handshake, or the keys are not the same.",
        "RFC 8446 §4.4.4",
    ),
    "unread": Entry("Bytes of this message that could not be read.", "The problem says why.", "pgtls"),
    "aead_id": Entry("The cipher that seals the inner hello.", "It says nothing of the server.", "RFC 9849 §5"),
    "algorithms": Entry(
        "The ways to compress a certificate that the sender can undo.",
        "OpenSSL offers them from 3.2 on; libpq does not use them.",
        "RFC 8879 §3",
    ),
    "authorities": Entry(
        "The CAs that the sender trusts.", "A client with several certificates picks by them.", "RFC 8446 §4.2.4"
    ),
    "binder": Entry(
        "A checksum with the resumed session's key.",
        "It proves that the client really has that session.",
        "RFC 8446 §4.2.11.2",
    ),
    "binders": Entry(
        "A binder for each identity.", "Without them anybody could offer a stolen ticket.", "RFC 8446 §4.2.11"
    ),
    "body": Entry("What the message holds, as it stands.", "No reader knows more of it.", "pgtls"),
    "certificate_authorities": Entry(
        "The CAs whose client certificates the server takes.", "They are those of its ssl_ca_file.", "RFC 5246 §7.4.4"
    ),
    "certificate_extension_oid": Entry(
        "An extension that the client's certificate must have.", "Nobody uses it with PostgreSQL.", "RFC 8446 §4.2.5"
    ),
    "certificate_extension_values": Entry(
        "What that extension must say.", "Nobody uses it with PostgreSQL.", "RFC 8446 §4.2.5"
    ),
    "certificate_type": Entry(
        "A kind of certificate or of its key.",
        "With PostgreSQL it is X.509, with an RSA or an ECDSA key.",
        "RFC 5246 §7.4.4",
    ),
    "certificate_types": Entry(
        "The kinds that are taken.", "A client with another kind has nothing to show.", "RFC 5246 §7.4.4"
    ),
    "challenge": Entry(
        "The random number of an old hello.", "It takes the place of the ClientHello's random.", "RFC 2246 §E.1"
    ),
    "cipher_spec": Entry(
        "A cipher in the numbers of SSL 2.0.", "Those of TLS begin with a zero byte.", "RFC 2246 §E.1"
    ),
    "cipher_specs": Entry("The ciphers that the client offers.", "Those of SSL 2.0 are broken.", "RFC 2246 §E.1"),
    "code": Entry(
        "The letter of a field of the error.",
        "C is the SQLSTATE, M the sentence for people.",
        "PostgreSQL: Error and Notice Message Fields",
    ),
    "compressed_certificate_message": Entry(
        "The Certificate message, compressed.", "The same certificates in fewer bytes.", "RFC 8879 §4"
    ),
    "config_id": Entry(
        "Which of the server's keys sealed the inner hello.", "It says nothing of the server.", "RFC 9849 §5"
    ),
    "cookie": Entry(
        "Bytes that the client must send back.", "They let a server forget the first hello.", "RFC 8446 §4.2.2"
    ),
    "dc_cert_verify_algorithm": Entry(
        "How the delegated key signs.",
        "A server may sign with a short-lived key instead of its certificate's.",
        "RFC 9345 §4",
    ),
    "dh_Yc": Entry(
        "The client's half of the key exchange.", "It is public, and new in each connection.", "RFC 5246 §7.4.7.2"
    ),
    "dh_Ys": Entry(
        "The server's half of the key exchange.",
        "It is public; the signature says that it is the server's.",
        "RFC 5246 §7.4.3",
    ),
    "dh_g": Entry("The generator of the group.", "It is public.", "RFC 5246 §7.4.3"),
    "dh_p": Entry("The prime of the group.", "One of less than 2048 bits is weak.", "RFC 5246 §7.4.3"),
    "distinguished_name": Entry(
        "The name of a CA, in DER.", "Only a client certificate of one of these is of use.", "RFC 5246 §7.4.4"
    ),
    "enc": Entry("The client's key for the inner hello.", "It is new in each connection.", "RFC 9849 §5"),
    "encrypted_pre_master_secret": Entry(
        "The secret of the connection, encrypted to the server's RSA key.",
        "Whoever gets that key later can read every connection that was recorded: there is no forward secrecy.",
        "RFC 5246 §7.4.7.1",
    ),
    "field": Entry(
        "One field of an error or notice.",
        "In front of TLS anybody may have written it.",
        "PostgreSQL: Error and Notice Message Fields",
    ),
    "filter": Entry("A demand on the client's certificate.", "Nobody uses it with PostgreSQL.", "RFC 8446 §4.2.5"),
    "filters": Entry("Demands on the client's certificate.", "Nobody uses them with PostgreSQL.", "RFC 8446 §4.2.5"),
    "identities": Entry(
        "The sessions that the client would resume.",
        "A resumed session shows no certificate: it was checked when the session began.",
        "RFC 8446 §4.2.11",
    ),
    "identity": Entry(
        "A ticket of an earlier connection.",
        "It links the two connections for anybody who watches.",
        "RFC 8446 §4.2.11",
    ),
    "kdf_id": Entry("How the key for the inner hello is made.", "It says nothing of the server.", "RFC 9849 §5"),
    "max_early_data_size": Entry(
        "How much the client may send before the handshake is over.",
        "Early data can be replayed; PostgreSQL takes none.",
        "RFC 8446 §4.6.1",
    ),
    "max_fragment_length": Entry("The longest record that the client wants.", "It changes sizes only.", "RFC 6066 §4"),
    "message": Entry(
        "What the server says.", "In front of TLS anybody may have written it.", "PostgreSQL: Message Formats"
    ),
    "mode": Entry(
        "Whether heartbeats may be sent.",
        "The extension of the Heartbleed bug; PostgreSQL has no use for it.",
        "RFC 6520 §2",
    ),
    "msg_length": Entry(
        "How long the old hello is.", "Its first bit is set, so that it can be told from TLS.", "RFC 2246 §E.1"
    ),
    "new_session_count": Entry(
        "How many tickets the client wants.", "libpq asks for none and resumes nothing.", "RFC 9149 §3"
    ),
    "obfuscated_ticket_age": Entry(
        "How old the ticket is, hidden by adding a number.",
        "It tells a replay from the real client.",
        "RFC 8446 §4.2.11",
    ),
    "option": Entry(
        "A protocol option that the server does not know.",
        "The client goes on without it.",
        "PostgreSQL: Message Formats",
    ),
    "option_count": Entry(
        "How many options the server does not know.", "The client goes on without them.", "PostgreSQL: Message Formats"
    ),
    "padding": Entry(
        "Zeros that make the hello longer.", "Some old middleboxes fail at certain lengths.", "RFC 7685 §3"
    ),
    "password": Entry("What the client proves itself with.", "It is withheld.", "PostgreSQL: Message Formats"),
    "payload": Entry(
        "The real ClientHello, sealed.",
        "The server name that is shown is that of the front, not of the database.",
        "RFC 9849 §5",
    ),
    "psk_identity": Entry(
        "The name of the shared key.", "With a shared key no certificate is needed, and none is checked.", "RFC 4279 §2"
    ),
    "psk_identity_hint": Entry(
        "What helps the client to find its shared key.", "PostgreSQL has no shared keys.", "RFC 4279 §2"
    ),
    "record_size_limit": Entry("The longest record that the sender takes.", "It changes sizes only.", "RFC 8449 §4"),
    "request_extensions": Entry(
        "Extensions of the question for an OCSP answer.", "libpq does not ask for one.", "RFC 6066 §8"
    ),
    "request_update": Entry(
        "Whether the other side shall change its key, too.", "Keys change in long sessions.", "RFC 8446 §4.6.3"
    ),
    "responder_id_list": Entry("Whose OCSP answers the client takes.", "libpq does not ask for one.", "RFC 6066 §8"),
    "response": Entry(
        "What the CA says about the certificate, signed: an OCSP answer.", "libpq does not look at it.", "RFC 6066 §8"
    ),
    "resumption_count": Entry(
        "How many tickets the client wants after a resumption.",
        "libpq asks for none and resumes nothing.",
        "RFC 9149 §3",
    ),
    "sct_list": Entry(
        "Proofs that the certificate is in public logs.", "libpq does not look at them.", "RFC 6962 §3.3"
    ),
    "selected_identity": Entry(
        "Which session the server resumed.", "There is no Certificate message in this handshake.", "RFC 8446 §4.2.11"
    ),
    "serialized_sct": Entry("A proof by one log.", "libpq does not look at it.", "RFC 6962 §3.3"),
    "session_id": Entry("The number of an earlier session.", "The server may resume it.", "RFC 2246 §E.1"),
    "status_type": Entry("What kind of answer about the certificate is asked for.", "It is ocsp.", "RFC 6066 §8"),
    "subject_public_key_info": Entry("The delegated key.", "The certificate's key signed it.", "RFC 9345 §4"),
    "ticket": Entry(
        "What the client must show to resume the session.", "Nobody but the server can read it.", "RFC 5077 §3.2"
    ),
    "ticket_age_add": Entry(
        "The number that hides the ticket's age.",
        "It makes two uses of a ticket look unlike each other.",
        "RFC 8446 §4.6.1",
    ),
    "ticket_lifetime": Entry(
        "How long the ticket is good, in seconds.",
        "libpq resumes nothing, so the ticket is for nobody.",
        "RFC 8446 §4.6.1",
    ),
    "ticket_lifetime_hint": Entry(
        "How long the server means to keep the ticket, in seconds.",
        "libpq resumes nothing, so the ticket is for nobody.",
        "RFC 5077 §3.3",
    ),
    "ticket_nonce": Entry(
        "What makes the key of each ticket another.", "Tickets of a connection are told apart by it.", "RFC 8446 §4.6.1"
    ),
    "uncompressed_length": Entry(
        "How long the message is when it is unpacked.", "A bound: what turns out longer is refused.", "RFC 8879 §4"
    ),
    "valid_time": Entry(
        "How long the delegated key is good, in seconds after the certificate began.",
        "Seven days at most.",
        "RFC 9345 §4",
    ),
    "HelloRequest": Entry(
        "The server asks for a new handshake inside the old one.",
        "PostgreSQL has switched renegotiation off.",
        "RFC 5246 §7.4.1.1",
    ),
    "EndOfEarlyData": Entry("The client's early data is over.", "PostgreSQL takes none.", "RFC 8446 §4.5"),
    "CompressedCertificate": Entry(
        "The Certificate message in fewer bytes.",
        "The same checks happen here as at a Certificate message.",
        "RFC 8879 §4",
    ),
    "SSLv2ClientHello": Entry(
        "A hello in the format of SSL 2.0.",
        "Very old clients begin so, and may still agree on TLS. No server name fits in it.",
        "RFC 2246 §E.1",
    ),
}
