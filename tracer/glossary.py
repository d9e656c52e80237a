"""What each message and field is, why it matters here, and where it is specified. Data only.

A key is the kind of a message, the name of a field, `Kind.field` where a field means something else in that message, or
`extension.name`.
"""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """`what` it is, `why` it matters to somebody who asks whether a connection is safe, and the `spec`."""

    what: str
    why: str
    spec: str


SECTIONS: dict[str, dict[str, Entry]] = {
    "In front of TLS": {
        "SSLRequest": Entry(
            "The client asks whether the server speaks TLS.",
            "It goes in clear, before anything is protected: whoever is on the path can answer it.",
            "PostgreSQL: SSL Session Encryption",
        ),
        "SSLResponse": Entry(
            "The server's one byte: S for yes, N for no; E begins an error.",
            "Nothing protects this byte. With sslmode=prefer an N from anybody on the path is enough to make the client go on in plaintext.",
            "PostgreSQL: SSL Session Encryption",
        ),
        "GSSENCRequest": Entry(
            "The client asks for GSSAPI encryption, with Kerberos.",
            "libpq asks this before TLS when it has a ticket; if the server agrees, TLS and its certificates never come into it.",
            "PostgreSQL: GSSAPI Session Encryption",
        ),
        "GSSENCResponse": Entry(
            "The server's one byte: G for yes, N for no; E begins an error.",
            "After N libpq goes on with SSLRequest on the same connection; after G no certificate is ever looked at.",
            "PostgreSQL: GSSAPI Session Encryption",
        ),
        "CancelRequest": Entry(
            "The request to cancel the query of another connection; it is all that this connection is for.",
            "It carries a secret of that session, before libpq 17 always in clear, and gets no answer.",
            "PostgreSQL: Canceling Requests in Progress",
        ),
        "UnencryptedData": Entry(
            "Bytes behind the answer S that are not TLS.",
            "An honest server is silent there until it has a ClientHello: somebody wants these bytes read as if they had come protected.",
            "CVE-2021-23222",
        ),
    },
    "The TLS handshake": {
        "ClientHello": Entry(
            "The client's opening: the versions, cipher suites and groups that it can do, a random number, and the name of the server that it wants.",
            "All of it can be read on the way, and nothing in it says whether the client has a root certificate or will check anything.",
            "RFC 8446 §4.1.2",
        ),
        "SSLv2ClientHello": Entry(
            "A ClientHello in the format of SSL 2.0.",
            "Very old clients begin so and may still agree on TLS. No server name fits in it.",
            "RFC 2246 §E.1",
        ),
        "HelloRetryRequest": Entry(
            "The server asks for a second ClientHello, with a key of another group.",
            "It costs a round trip. PostgreSQL up to 17 does this to most clients, since it wants the group prime256v1 (secp256r1).",
            "RFC 8446 §4.1.4",
        ),
        "ServerHello": Entry(
            "The server's choice: one version, one cipher suite, and its half of the key exchange.",
            "From here on TLS 1.3 is sealed: without keys not even the certificates can be seen. TLS 1.2 goes on in clear.",
            "RFC 8446 §4.1.3",
        ),
        "EncryptedExtensions": Entry(
            "The server's answers to those extensions that need not be read on the way.",
            "With direct TLS the client insists that the protocol postgresql is chosen here.",
            "RFC 8446 §4.3.1",
        ),
        "CertificateRequest": Entry(
            "The server asks the client for a certificate.",
            "It is about who the client is; it does not help the client to know the server. PostgreSQL asks whenever ssl_ca_file is set.",
            "RFC 8446 §4.3.2",
        ),
        "Certificate": Entry(
            "The certificates of the sender: its own first, then those that vouch for it.",
            "Here, inside the handshake, a client with a root file checks ① the chain and ② the dates. Without a root file libpq takes any certificate.",
            "RFC 8446 §4.4.2",
        ),
        "CompressedCertificate": Entry(
            "The Certificate message in fewer bytes.",
            "The same checks happen here as at a Certificate message.",
            "RFC 8879 §4",
        ),
        "CertificateStatus": Entry(
            "A statement of the CA that the certificate has not been revoked (OCSP stapling).",
            "libpq neither asks for it nor looks at it: it knows of revocation only by the lists of sslcrl and sslcrldir.",
            "RFC 6066 §8",
        ),
        "CertificateVerify": Entry(
            "A signature over the whole handshake so far, made with the certificate's key.",
            "A certificate is public and can be copied; this proves that the sender has its key. Whose key that is only the certificate says.",
            "RFC 8446 §4.4.3",
        ),
        "ServerKeyExchange": Entry(
            "The server's half of the key exchange in TLS 1.2, signed with the certificate's key.",
            "The signature ties the encryption to the certificate; whose certificate it is remains to be checked.",
            "RFC 8422 §5.4",
        ),
        "ServerHelloDone": Entry(
            "The server has said its part, in TLS 1.2.",
            "Up to here all was in clear: whoever watches has seen the certificates, too.",
            "RFC 5246 §7.4.5",
        ),
        "ClientKeyExchange": Entry(
            "The client's half of the key exchange in TLS 1.2.",
            "A client that sends this was content with the chain, or did not look.",
            "RFC 5246 §7.4.7",
        ),
        "ChangeCipherSpec": Entry(
            "What follows is protected, says TLS 1.2.",
            "In TLS 1.3 it is decoration for old equipment on the path and means nothing.",
            "RFC 8446 §D.4",
        ),
        "Finished": Entry(
            "A checksum over the whole handshake, made with the new keys.",
            "It shows that nobody altered the handshake on its way. Only behind it libpq compares ③ the name, and only with verify-full.",
            "RFC 8446 §4.4.4",
        ),
        "NewSessionTicket": Entry(
            "With this the client may resume the session later, without certificates.",
            "libpq resumes nothing: each of its connections checks anew.",
            "RFC 8446 §4.6.1",
        ),
        "EarlyData": Entry(
            "Bytes of the application that the client sent before the server had said anything.",
            "They may be replayed by anybody who recorded them, and PostgreSQL takes none.",
            "RFC 8446 §8",
        ),
        "EndOfEarlyData": Entry(
            "The data that the client sent before the handshake ends here.",
            "PostgreSQL takes none, because early data can be replayed by whoever recorded it.",
            "RFC 8446 §4.5",
        ),
        "KeyUpdate": Entry(
            "The sender changes its key.",
            "It happens in long sessions and changes nothing about who was checked.",
            "RFC 8446 §4.6.3",
        ),
        "HelloRequest": Entry(
            "The server asks for a new handshake inside the old one (renegotiation).",
            "PostgreSQL has switched it off; it was a way to put bytes in front of somebody else's session.",
            "RFC 5246 §7.4.1.1",
        ),
        "Alert": Entry(
            "One side complains, or says goodbye (close_notify).",
            "A client that refuses a certificate says so here; with OpenSSL in clear even in TLS 1.3. The number leaves several causes open.",
            "RFC 8446 §6",
        ),
        "CertificateURL": Entry(
            "Where the client's certificate can be fetched, in place of the certificate.",
            "No PostgreSQL client or server does this.",
            "RFC 6066 §5",
        ),
        "ClientCertificateRequest": Entry(
            "A request for the other side's certificate apart from the handshake (exported authenticators).",
            "No PostgreSQL client or server asks it.",
            "RFC 9261 §4",
        ),
        "SupplementalData": Entry(
            "Data of an application inside the handshake.", "No PostgreSQL client or server sends any.", "RFC 4680 §2"
        ),
        "MessageHash": Entry(
            "What stands for the first ClientHello in the checksum after a HelloRetryRequest.",
            "It is computed by both sides and never sent: on the wire it is an error.",
            "RFC 8446 §4.4.1",
        ),
    },
    "Login": {
        "StartupMessage": Entry(
            "The client names its user, its database and its settings.",
            "Behind a handshake it is the sign that the client was content with the server; in plaintext everybody on the path reads it.",
            "PostgreSQL: Message Formats",
        ),
        "NegotiateProtocolVersion": Entry(
            "The server speaks a lower version of PostgreSQL's protocol than was asked for.",
            "It comes behind the client's checks and changes none of them.",
            "PostgreSQL: Message Formats",
        ),
        "Authentication": Entry(
            "A request or answer about logging in, of a kind that has no name here.",
            "Who the server is was settled before, or not at all.",
            "PostgreSQL: Message Formats",
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
            "The server asks for an MD5 of password, user name and salt.",
            "Whoever gets the answer can try passwords on it at leisure; PostgreSQL 18 deprecates it.",
            "PostgreSQL: Message Formats",
        ),
        "AuthenticationSASL": Entry(
            "The server asks for a login by SASL, that is SCRAM (or OAuth, from 18 on), and names the mechanisms that it knows.",
            "SCRAM-SHA-256-PLUS can bind the login to the server's certificate, so that a relay in the middle fails.",
            "PostgreSQL: SASL Authentication",
        ),
        "AuthenticationSASLContinue": Entry(
            "The server's challenge: a nonce, a salt, a number of iterations.",
            "It makes the client's proof good for this connection only.",
            "RFC 5802 §7",
        ),
        "AuthenticationSASLFinal": Entry(
            "The server proves that it, too, knows the password, or rather what is stored of it.",
            "A false server fails here; but by then it has the name of the user, and a proof on which it can try passwords.",
            "RFC 5802 §7",
        ),
        "AuthenticationGSS": Entry(
            "The server asks for a login by GSSAPI, that is by Kerberos.",
            "Kerberos vouches for both sides; the certificates have no part in it.",
            "PostgreSQL: Message Formats",
        ),
        "AuthenticationGSSContinue": Entry(
            "The next step of a login by GSSAPI or SSPI.",
            "Its bytes are Kerberos's own.",
            "PostgreSQL: Message Formats",
        ),
        "AuthenticationSSPI": Entry(
            "The server asks for a login by SSPI, Windows' GSSAPI.",
            "Windows' domain vouches for both sides; the certificates have no part in it.",
            "PostgreSQL: Message Formats",
        ),
        "AuthenticationKerberosV5": Entry(
            "The server asks for a login by Kerberos 5, as servers before 9.4 could.",
            "No PostgreSQL of today does.",
            "PostgreSQL: Message Formats",
        ),
        "SASLInitialResponse": Entry(
            "The client chooses a mechanism and begins.",
            "Its first letter says whether it binds the login to the certificate: p does, y would have, n does not.",
            "PostgreSQL: SASL Authentication",
        ),
        "SASLResponse": Entry(
            "The client's proof that it knows the password.",
            "The password itself never leaves the client. The proof is withheld here: with it and the challenge somebody could try passwords.",
            "RFC 5802 §7",
        ),
        "PasswordMessage": Entry(
            "The password, or an MD5 of it.", "It is never shown here.", "PostgreSQL: Message Formats"
        ),
        "AuthenticationResponse": Entry(
            "An answer to a login request that was not seen.",
            "It may hold a password, so nothing of it is shown.",
            "PostgreSQL: Message Formats",
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
        "ParameterStatus": Entry(
            "The server reports a setting of the session.",
            "The login has succeeded: every check of the client lies behind.",
            "PostgreSQL: Message Formats",
        ),
        "BackendKeyData": Entry(
            "The number and the secret with which this session's queries can be cancelled.",
            "The secret is withheld here.",
            "PostgreSQL: Message Formats",
        ),
        "ReadyForQuery": Entry(
            "The server waits for a query.",
            "At the first one connecting is over: here its cost can be read off.",
            "PostgreSQL: Message Formats",
        ),
    },
    "The session": {
        "Query": Entry(
            "A query, or several.",
            "It is the user's data, behind every check, and is not shown.",
            "PostgreSQL: Message Formats",
        ),
        "Parse": Entry(
            "A query to be prepared.",
            "It is the user's data, behind every check, and is not shown.",
            "PostgreSQL: Message Formats",
        ),
        "Bind": Entry(
            "Values for a prepared query.",
            "It is the user's data, behind every check, and is not shown.",
            "PostgreSQL: Message Formats",
        ),
        "Describe": Entry(
            "A question about a prepared query or its result.",
            "It is the user's data, behind every check, and is not shown.",
            "PostgreSQL: Message Formats",
        ),
        "Execute": Entry(
            "The order to run a prepared query.",
            "It is the user's data, behind every check, and is not shown.",
            "PostgreSQL: Message Formats",
        ),
        "Close": Entry(
            "A prepared query or its result is given up.",
            "It is the user's data, behind every check, and is not shown.",
            "PostgreSQL: Message Formats",
        ),
        "Sync": Entry(
            "The end of a group of such steps.",
            "It is the user's data, behind every check, and is not shown.",
            "PostgreSQL: Message Formats",
        ),
        "Flush": Entry(
            "A wish for the answers so far.",
            "It is the user's data, behind every check, and is not shown.",
            "PostgreSQL: Message Formats",
        ),
        "FunctionCall": Entry(
            "A call of a function by its number.",
            "It is the user's data, behind every check, and is not shown.",
            "PostgreSQL: Message Formats",
        ),
        "CopyData": Entry(
            "A piece of bulk data.",
            "It is the user's data, behind every check, and is not shown.",
            "PostgreSQL: Message Formats",
        ),
        "CopyDone": Entry(
            "The end of bulk data.",
            "It is the user's data, behind every check, and is not shown.",
            "PostgreSQL: Message Formats",
        ),
        "CopyFail": Entry(
            "Bulk data is broken off.",
            "It is the user's data, behind every check, and is not shown.",
            "PostgreSQL: Message Formats",
        ),
        "RowDescription": Entry(
            "The columns of a result.",
            "It is the user's data, behind every check, and is not shown.",
            "PostgreSQL: Message Formats",
        ),
        "DataRow": Entry(
            "A row of a result.",
            "It is the user's data, behind every check, and is not shown.",
            "PostgreSQL: Message Formats",
        ),
        "CommandComplete": Entry(
            "A command has ended.",
            "It is the user's data, behind every check, and is not shown.",
            "PostgreSQL: Message Formats",
        ),
        "EmptyQueryResponse": Entry(
            "There was nothing in the query.",
            "It is the user's data, behind every check, and is not shown.",
            "PostgreSQL: Message Formats",
        ),
        "ParseComplete": Entry(
            "A query is prepared.",
            "It is the user's data, behind every check, and is not shown.",
            "PostgreSQL: Message Formats",
        ),
        "BindComplete": Entry(
            "Its values are there.",
            "It is the user's data, behind every check, and is not shown.",
            "PostgreSQL: Message Formats",
        ),
        "CloseComplete": Entry(
            "A prepared query is given up.",
            "It is the user's data, behind every check, and is not shown.",
            "PostgreSQL: Message Formats",
        ),
        "NoData": Entry(
            "There will be no rows.",
            "It is the user's data, behind every check, and is not shown.",
            "PostgreSQL: Message Formats",
        ),
        "ParameterDescription": Entry(
            "The kinds of a query's values.",
            "It is the user's data, behind every check, and is not shown.",
            "PostgreSQL: Message Formats",
        ),
        "PortalSuspended": Entry(
            "There are more rows than were asked for.",
            "It is the user's data, behind every check, and is not shown.",
            "PostgreSQL: Message Formats",
        ),
        "CopyInResponse": Entry(
            "The server waits for bulk data.",
            "It is the user's data, behind every check, and is not shown.",
            "PostgreSQL: Message Formats",
        ),
        "CopyOutResponse": Entry(
            "The server will send bulk data.",
            "It is the user's data, behind every check, and is not shown.",
            "PostgreSQL: Message Formats",
        ),
        "CopyBothResponse": Entry(
            "Bulk data in both directions: replication.",
            "It is the user's data, behind every check, and is not shown.",
            "PostgreSQL: Message Formats",
        ),
        "FunctionCallResponse": Entry(
            "The result of a function.",
            "It is the user's data, behind every check, and is not shown.",
            "PostgreSQL: Message Formats",
        ),
        "NotificationResponse": Entry(
            "A message of another session, by NOTIFY.",
            "It is the user's data, behind every check, and is not shown.",
            "PostgreSQL: Message Formats",
        ),
        "Terminate": Entry(
            "The client says goodbye.",
            "A session that ends with this ended as it should.",
            "PostgreSQL: Message Formats",
        ),
    },
    "What nobody can read": {
        "Sealed": Entry(
            "A protected record that no key at hand opens.",
            "Its size is all that can be seen of it; a key log of the connection would show the rest.",
            "RFC 8446 §5.2",
        ),
        "Unread": Entry(
            "Bytes that nobody could read as a message.",
            "What they are is not known; the problem that is named with them says why.",
            "pgtls",
        ),
    },
    "Fields that every message has": {
        "length": Entry(
            "How many bytes follow; in PostgreSQL's own messages it counts itself, too.",
            "A length that does not fit is how broken and hostile messages are found.",
            "RFC 8446 §3.4",
        ),
        "data": Entry("The bytes themselves.", "They are kept as they came.", "RFC 8446 §3.4"),
        "type": Entry(
            "The letter that says which message of PostgreSQL this is.",
            "The same letter can mean one message from the client and another from the server.",
            "PostgreSQL: Message Formats",
        ),
        "ChangeCipherSpec.type": Entry("Always 1.", "There is nothing else to say.", "RFC 5246 §7.1"),
        "msg_type": Entry(
            "The number that says which handshake message this is.",
            "In clear, it shows how far the handshake went.",
            "RFC 8446 §4",
        ),
        "unread": Entry(
            "Bytes of this message that could not be read.",
            "The problem that is named with the message says why.",
            "pgtls",
        ),
        "body": Entry("What the message holds, as it stands.", "No reader here knows more of it.", "pgtls"),
        "terminator": Entry("A zero byte that ends a list.", "It carries nothing.", "PostgreSQL: Message Formats"),
    },
    "Fields in front of TLS and of the login": {
        "answer": Entry(
            "The byte itself.",
            "A client with sslmode=require or more takes nothing but S.",
            "PostgreSQL: SSL Session Encryption",
        ),
        "GSSENCResponse.answer": Entry(
            "The byte itself.", "G ends all talk of TLS.", "PostgreSQL: GSSAPI Session Encryption"
        ),
        "request_code": Entry(
            "The number that makes this a request and not a startup.",
            "It stands where a startup has its version, and looks like version 1234, which never was.",
            "PostgreSQL: Message Formats",
        ),
        "protocol_version": Entry(
            "The version of PostgreSQL's own protocol.",
            "It is 3.0 since 2003; libpq 18 can ask for 3.2. It has nothing to do with the version of TLS.",
            "PostgreSQL: Message Formats",
        ),
        "major": Entry(
            "The first part of that version.", "It has been 3 for twenty years.", "PostgreSQL: Message Formats"
        ),
        "minor": Entry(
            "The second part of that version.",
            "3.2, with longer cancel keys, came with PostgreSQL 18.",
            "PostgreSQL: Message Formats",
        ),
        "parameter": Entry(
            "A setting, by name and value.",
            "User and database stand here: in plaintext they are everybody's.",
            "PostgreSQL: Message Formats",
        ),
        "name": Entry(
            "What it is called.",
            "A name without its value tells little; both stand together.",
            "PostgreSQL: Message Formats",
        ),
        "value": Entry(
            "What it is set to, or says.",
            "Outside TLS it can be read and changed by everybody on the path.",
            "PostgreSQL: Message Formats",
        ),
        "option_count": Entry(
            "How many protocol options the server does not know.",
            "The client goes on without them.",
            "PostgreSQL: Message Formats",
        ),
        "option": Entry(
            "A protocol option that the server does not know.",
            "The client goes on without it.",
            "PostgreSQL: Message Formats",
        ),
        "authentication": Entry(
            "Which kind of login this is about.",
            "3 wants the password itself, 5 an MD5 of it, 10 to 12 are SCRAM.",
            "PostgreSQL: Message Formats",
        ),
        "mechanism": Entry(
            "A way to log in by SASL.", "The one that ends in -PLUS binds the login to the certificate.", "RFC 5802 §4"
        ),
        "response_length": Entry(
            "How long the client's first words to that mechanism are.",
            "-1 (ffffffff) when it waits to be asked.",
            "PostgreSQL: Message Formats",
        ),
        "channel_binding": Entry(
            "Whether, and how, the login is bound to the TLS connection.",
            "p=tls-server-end-point binds it to the server's certificate; y says that the client would have; n does not bind.",
            "RFC 5802 §7",
        ),
        "channel_binding_data": Entry(
            "The same again, with the hash of the certificate that the client saw.",
            "A relay in the middle shows the client another certificate than the server's own, and the server notices here.",
            "RFC 5929 §4",
        ),
        "attribute": Entry(
            "An attribute of SCRAM, by one letter.", "This one has no part in the proof.", "RFC 5802 §5.1"
        ),
        "user": Entry(
            "The user name, as SCRAM has it.",
            "PostgreSQL's clients leave it empty: the server takes that of the StartupMessage.",
            "RFC 5802 §5.1",
        ),
        "authorization_identity": Entry(
            "Somebody in whose name the user wants to act.",
            "PostgreSQL knows no such thing and refuses it.",
            "RFC 5802 §5.1",
        ),
        "error": Entry(
            "Why the exchange failed, in SCRAM's words.", "PostgreSQL sends an ErrorResponse instead.", "RFC 5802 §5.1"
        ),
        "nonce": Entry(
            "A number used once; the server's begins with the client's.",
            "It makes a recorded login worthless.",
            "RFC 5802 §5.1",
        ),
        "salt": Entry(
            "What is mixed into the password before it is hashed.",
            "Two users with one password have different hashes by it. It is no secret, but helps whoever has the proof to try passwords.",
            "RFC 5802 §5.1",
        ),
        "AuthenticationMD5Password.salt": Entry(
            "Four random bytes that go into the MD5.",
            "They are few: an answer that was recorded may serve once more one day.",
            "PostgreSQL: Message Formats",
        ),
        "iterations": Entry(
            "How often the hash is applied.",
            "More makes trying passwords slower; PostgreSQL's own number is 4096.",
            "RFC 5802 §5.1",
        ),
        "proof": Entry("The client's proof that it knows the password.", "It is withheld.", "RFC 5802 §3"),
        "server_signature": Entry(
            "The server's proof that it knows what is stored of the password.",
            "It is withheld: passwords could be tried on it.",
            "RFC 5802 §3",
        ),
        "password": Entry("What the client proves itself with.", "It is withheld.", "PostgreSQL: Message Formats"),
        "process_id": Entry(
            "The number of the server's process.",
            "It is half of what cancelling a query takes.",
            "PostgreSQL: Message Formats",
        ),
        "secret_key": Entry(
            "The secret with which a query can be cancelled.", "It is withheld.", "PostgreSQL: Message Formats"
        ),
        "status": Entry(
            "Whether a transaction is open.", "Behind a new connection it is idle.", "PostgreSQL: Message Formats"
        ),
        "field": Entry(
            "One field of an error or notice, by its letter.",
            "In front of TLS anybody may have written it.",
            "PostgreSQL: Error and Notice Message Fields",
        ),
        "code": Entry(
            "The letter of a field.",
            "S is the severity, C the SQLSTATE, M the sentence for people.",
            "PostgreSQL: Error and Notice Message Fields",
        ),
        "message": Entry(
            "What the server says, in the format of servers before 14.",
            "It comes in front of TLS: anybody may have written it.",
            "PostgreSQL: Message Formats",
        ),
    },
    "Fields of the hellos": {
        "legacy_version": Entry(
            "The version field of old.",
            "TLS 1.3 writes 1.2 here so that old equipment lets it pass; the real version stands in supported_versions.",
            "RFC 8446 §4.1.2",
        ),
        "random": Entry("32 random bytes.", "They make the keys of every connection new.", "RFC 8446 §4.1.2"),
        "ClientHello.random": Entry(
            "The client's 32 random bytes.",
            "They make the keys new; and they are the name by which a key log knows the connection.",
            "RFC 8446 §4.1.2",
        ),
        "ServerHello.random": Entry(
            "The server's 32 random bytes.",
            "They make the keys new. If the last eight spell DOWNGRD, the server could do a higher version than was asked for: the client can tell when its hello was changed.",
            "RFC 8446 §4.1.3",
        ),
        "HelloRetryRequest.random": Entry(
            "Not random: the mark by which a HelloRetryRequest is told from a ServerHello.",
            "It is the SHA-256 of the words HelloRetryRequest.",
            "RFC 8446 §4.1.3",
        ),
        "legacy_session_id": Entry(
            "An earlier session that the client would resume, in TLS 1.2.",
            "TLS 1.3 puts random bytes here for old equipment on the path.",
            "RFC 8446 §4.1.2",
        ),
        "legacy_session_id_echo": Entry(
            "The client's session id, sent back.",
            "In TLS 1.2 this means: resumed, and no certificate will come. In TLS 1.3 it means nothing.",
            "RFC 8446 §4.1.3",
        ),
        "cipher_suites": Entry(
            "The cipher suites that the client accepts, its favourite first.",
            "Encryption is as strong as the one chosen; none of them says who is at the other end.",
            "RFC 8446 §4.1.2",
        ),
        "cipher_suite": Entry(
            "A cipher suite: a cipher and a hash; up to TLS 1.2 also a key exchange and a kind of certificate key.",
            "ECDHE and DHE in its name mean forward secrecy: a stolen key opens no recorded connection. TLS 1.3 always has it, but for a bare PSK.",
            "RFC 8446 §B.4",
        ),
        "legacy_compression_methods": Entry(
            "Ways to compress before encrypting.",
            "Compression gave secrets away by the size of what came out (CRIME): nobody offers it any more.",
            "RFC 8446 §4.1.2",
        ),
        "legacy_compression_method": Entry("The way that the server chose.", "It is always null.", "RFC 8446 §4.1.3"),
        "compression_method": Entry("A way to compress.", "Null is the only one left.", "RFC 8446 §4.1.2"),
        "msg_length": Entry(
            "How long the old hello is.",
            "Its first bit is set, so that it can be told from a TLS record.",
            "RFC 2246 §E.1",
        ),
        "SSLv2ClientHello.msg_type": Entry(
            "Always 1: a ClientHello.", "There is no other message in this format.", "RFC 2246 §E.1"
        ),
        "SSLv2ClientHello.version": Entry(
            "The highest version that the client can do.",
            "Here a client that begins in SSL 2.0's format says that it can do TLS.",
            "RFC 2246 §E.1",
        ),
        "cipher_spec_length": Entry("How many bytes of ciphers follow.", "Three for each.", "RFC 2246 §E.1"),
        "session_id_length": Entry(
            "How many bytes of session id follow.", "Zero, where nothing is resumed.", "RFC 2246 §E.1"
        ),
        "challenge_length": Entry("How many bytes of challenge follow.", "16 to 32.", "RFC 2246 §E.1"),
        "cipher_specs": Entry("The ciphers that the client offers.", "Those of SSL 2.0 are broken.", "RFC 2246 §E.1"),
        "cipher_spec": Entry(
            "A cipher, in the numbers of SSL 2.0.", "Those that TLS knows begin with a zero byte.", "RFC 2246 §E.1"
        ),
        "session_id": Entry("The number of an earlier session.", "The server may resume it.", "RFC 2246 §E.1"),
        "challenge": Entry(
            "The random number of an old hello.", "It takes the place of the ClientHello's random.", "RFC 2246 §E.2"
        ),
    },
    "Fields of certificates and signatures": {
        "certificate_request_context": Entry(
            "What ties a client's certificate to the request for it.",
            "It is empty inside a handshake.",
            "RFC 8446 §4.4.2",
        ),
        "certificate_list": Entry(
            "The certificates, the sender's own first.",
            "What is missing here the client must have in its root file, or the chain fails.",
            "RFC 8446 §4.4.2",
        ),
        "certificate_entry": Entry(
            "A certificate and what belongs to it.", "libpq looks at the certificate only.", "RFC 8446 §4.4.2"
        ),
        "cert_data": Entry(
            "A certificate, in DER: names, dates, a key, and the signature of its issuer.",
            "It proves nothing by itself: anybody can send it. What counts is the chain of signatures to a root that the client already has.",
            "RFC 5280 §4.1",
        ),
        "algorithm": Entry(
            "The kind of the signature.",
            "It must fit the key of the certificate: RSA, ECDSA or Ed25519.",
            "RFC 8446 §4.4.3",
        ),
        "ClientHello.algorithm": Entry(
            "A way to compress certificates that the client can undo.",
            "It says nothing of the certificates, or of their keys.",
            "RFC 8879 §3",
        ),
        "CertificateRequest.algorithm": Entry(
            "A way to compress certificates that the server can undo.",
            "It says nothing of the certificates, or of their keys.",
            "RFC 8879 §3",
        ),
        "CompressedCertificate.algorithm": Entry(
            "How the certificates are compressed.",
            "zlib is unpacked here; brotli and zstd are kept as they came.",
            "RFC 8879 §3",
        ),
        "signature": Entry(
            "The signature itself.",
            "Only who has the certificate's key can make it, and only for this handshake.",
            "RFC 8446 §4.4.3",
        ),
        "verify_data": Entry(
            "The checksum.",
            "It is wrong when anybody altered a byte of the handshake, or when the two sides have different keys.",
            "RFC 8446 §4.4.4",
        ),
        "md5_hash": Entry(
            "Half of the checksum of SSL 3.0: the one that MD5 makes.",
            "It covers all that was said before, and the master secret.",
            "RFC 6101 §5.6.9",
        ),
        "sha_hash": Entry(
            "The other half of the checksum of SSL 3.0: the one that SHA-1 makes.",
            "Whoever would alter a byte of the handshake has to find a collision of both.",
            "RFC 6101 §5.6.9",
        ),
        "certificate_types": Entry(
            "The kinds of certificate that are taken.",
            "A client with another kind has nothing to show.",
            "RFC 5246 §7.4.4",
        ),
        "certificate_type": Entry(
            "A kind of certificate, or of its key.",
            "With PostgreSQL it is X.509, most often with an RSA or ECDSA key.",
            "RFC 5246 §7.4.4",
        ),
        "certificate_authorities": Entry(
            "The CAs whose client certificates the server takes.",
            "They are the names in its ssl_ca_file: this is the server's trust, not the client's.",
            "RFC 5246 §7.4.4",
        ),
        "distinguished_name": Entry(
            "The name of a CA, as it stands in its certificate.",
            "A client certificate of another CA will be refused.",
            "RFC 5246 §7.4.4",
        ),
        "uncompressed_length": Entry(
            "How long the message is when it is unpacked.",
            "It is a bound: what turns out longer is refused.",
            "RFC 8879 §4",
        ),
        "compressed_certificate_message": Entry(
            "The Certificate message, compressed.", "The same certificates in fewer bytes.", "RFC 8879 §4"
        ),
        "status_type": Entry("What kind of statement about revocation this is.", "It is always ocsp.", "RFC 6066 §8"),
        "response": Entry("The CA's statement, signed: an OCSP response.", "libpq does not look at it.", "RFC 6066 §8"),
    },
    "Fields of the key exchange": {
        "curve_type": Entry(
            "How the curve is given.",
            "It is always by name: curves that the server makes up are not taken.",
            "RFC 8422 §5.4",
        ),
        "named_curve": Entry(
            "The curve of the key exchange in TLS 1.2.",
            "The server's ssl_ecdh_curve decides, ssl_groups from PostgreSQL 18 on.",
            "RFC 8422 §5.4",
        ),
        "public": Entry(
            "The server's half of the key exchange.",
            "It is new in each connection: who records today and steals the server's key tomorrow still cannot read.",
            "RFC 8422 §5.4",
        ),
        "ecdh_Yc": Entry(
            "The client's half of the key exchange.",
            "It is new in each connection, and of no use to a listener.",
            "RFC 8422 §5.7",
        ),
        "dh_p": Entry("The prime of the group.", "One of less than 2048 bits is weak.", "RFC 5246 §7.4.3"),
        "dh_g": Entry("The generator of the group.", "It is public, and says nothing.", "RFC 5246 §7.4.3"),
        "dh_Ys": Entry(
            "The server's half of the key exchange.",
            "It is public; the signature says that it is the server's.",
            "RFC 5246 §7.4.3",
        ),
        "dh_Yc": Entry(
            "The client's half of the key exchange.",
            "It is new in each connection, and of no use to a listener.",
            "RFC 5246 §7.4.7.2",
        ),
        "encrypted_pre_master_secret": Entry(
            "The secret of the connection, encrypted to the key in the server's certificate.",
            "Whoever gets that key later can read every connection that was recorded: there is no forward secrecy.",
            "RFC 5246 §7.4.7.1",
        ),
        "psk_identity_hint": Entry(
            "What helps the client to find its shared key.", "PostgreSQL has no shared keys.", "RFC 4279 §2"
        ),
        "srp_N": Entry(
            "The prime of the group, where both sides know a password (SRP).",
            "PostgreSQL's passwords go inside TLS; it has no SRP.",
            "RFC 5054 §2.5",
        ),
        "srp_g": Entry("The generator of that group.", "It is public, and says nothing.", "RFC 5054 §2.5"),
        "srp_s": Entry(
            "The salt with which the server keeps the password.",
            "Two users with one password have different verifiers by it.",
            "RFC 5054 §2.5",
        ),
        "srp_B": Entry(
            "The server's half of the key exchange.",
            "Only who has the verifier of the password can go on from it.",
            "RFC 5054 §2.5",
        ),
        "srp_A": Entry(
            "The client's half of the key exchange.",
            "Only who knows the password can go on from it.",
            "RFC 5054 §2.5",
        ),
        "psk_identity": Entry(
            "The name of the shared key.",
            "With a shared key no certificate is needed, and none is checked. PostgreSQL has no shared keys.",
            "RFC 4279 §2",
        ),
        "request_update": Entry(
            "Whether the other side shall change its key, too.", "It concerns long sessions.", "RFC 8446 §4.6.3"
        ),
    },
    "Fields of session tickets": {
        "ticket_lifetime": Entry(
            "How long the ticket is good, in seconds.",
            "As long as this a client may come back without seeing a certificate. libpq does not.",
            "RFC 8446 §4.6.1",
        ),
        "ticket_lifetime_hint": Entry(
            "How long the server means to keep the ticket, in seconds.",
            "As long as this a client may come back without seeing a certificate. libpq does not.",
            "RFC 5077 §3.3",
        ),
        "ticket_age_add": Entry(
            "The number that hides the ticket's age.",
            "A listener cannot tell by the age that two connections use one ticket.",
            "RFC 8446 §4.6.1",
        ),
        "ticket_nonce": Entry(
            "What makes the key of each ticket of a connection another.", "It only has to differ.", "RFC 8446 §4.6.1"
        ),
        "ticket": Entry(
            "What the client must show to resume the session.", "Nobody but the server can read it.", "RFC 5077 §3.2"
        ),
        "max_early_data_size": Entry(
            "How much the client may send before the next handshake is over.",
            "Early data can be replayed; PostgreSQL takes none.",
            "RFC 8446 §4.6.1",
        ),
    },
    "Fields of alerts": {
        "level": Entry("Warning or fatal.", "A fatal alert ends the connection.", "RFC 8446 §6"),
        "description": Entry(
            "What it is about.",
            "unknown_ca alone can stand for seven different faults of a chain: the replay says which it was.",
            "RFC 8446 §6.2",
        ),
    },
    "Extensions": {
        "extension.server_name": Entry(
            "The name of the server that the client wants (SNI).",
            "It is the one place in clear that says which host the client meant; verify-full will hold the certificate against the same name.",
            "RFC 6066 §3",
        ),
        "extension.supported_versions": Entry(
            "The versions of TLS, as they really are.",
            "A hello with TLS 1.3 in it says 1.2 elsewhere, and 1.3 only here.",
            "RFC 8446 §4.2.1",
        ),
        "extension.key_share": Entry(
            "Public keys for the key exchange of TLS 1.3.",
            "They come in the first flight, so that everything behind the ServerHello can be sealed.",
            "RFC 8446 §4.2.8",
        ),
        "extension.supported_groups": Entry(
            "The groups for the key exchange that the client can do.",
            "The server picks one; if the client has sent no key for it, a HelloRetryRequest follows.",
            "RFC 8446 §4.2.7",
        ),
        "extension.signature_algorithms": Entry(
            "The signatures that may prove the certificate's key.",
            "A server whose key can make none of them has to give up.",
            "RFC 8446 §4.2.3",
        ),
        "extension.signature_algorithms_cert": Entry(
            "The signatures that certificates themselves may bear.",
            "Most clients leave it out and check when the certificates are there.",
            "RFC 8446 §4.2.3",
        ),
        "extension.application_layer_protocol_negotiation": Entry(
            "What is to be spoken inside TLS (ALPN).",
            "libpq offers postgresql from 17 on; direct TLS insists on it.",
            "RFC 7301 §3.1",
        ),
        "extension.ec_point_formats": Entry(
            "How points of curves may be written.", "It matters to TLS 1.2 only.", "RFC 8422 §5.1.2"
        ),
        "extension.renegotiation_info": Entry(
            "A sign that renegotiation is done safely, if at all.",
            "Without it somebody could put bytes in front of another's session. TLS 1.3 does without.",
            "RFC 5746 §3.2",
        ),
        "extension.encrypt_then_mac": Entry(
            "CBC ciphers encrypt first and add the checksum then.",
            "The other order gave plaintext away bit by bit (Lucky Thirteen). GCM and TLS 1.3 do not need it.",
            "RFC 7366 §2",
        ),
        "extension.extended_master_secret": Entry(
            "The keys depend on the whole handshake, the certificate included.",
            "Without it two connections of TLS 1.2 can be made to have one key. TLS 1.3 always does this.",
            "RFC 7627 §4",
        ),
        "extension.session_ticket": Entry(
            "The client would take a ticket, or shows one, in TLS 1.2.",
            "A resumed session shows no certificate. libpq shows none.",
            "RFC 5077 §3.2",
        ),
        "extension.pre_shared_key": Entry(
            "Sessions that the client would resume, or the one that was.",
            "A resumed session shows no certificate: it was checked when the session began, or not.",
            "RFC 8446 §4.2.11",
        ),
        "extension.psk_key_exchange_modes": Entry(
            "How the client would resume.", "OpenSSL always sends it; libpq makes no use of it.", "RFC 8446 §4.2.9"
        ),
        "extension.early_data": Entry(
            "The client sends data before the handshake is over, or may do so next time.",
            "Whoever recorded it can send it again; PostgreSQL takes none.",
            "RFC 8446 §4.2.10",
        ),
        "extension.cookie": Entry(
            "Bytes that the server wants back in the second ClientHello.",
            "They let it forget the first one.",
            "RFC 8446 §4.2.2",
        ),
        "extension.post_handshake_auth": Entry(
            "The client would show a certificate later, too.",
            "PostgreSQL asks inside the handshake or not at all.",
            "RFC 8446 §4.2.6",
        ),
        "extension.certificate_authorities": Entry(
            "The CAs that the sender trusts.", "From a server: whose client certificates it takes.", "RFC 8446 §4.2.4"
        ),
        "extension.oid_filters": Entry(
            "What the client's certificate must have.", "Nobody uses it with PostgreSQL.", "RFC 8446 §4.2.5"
        ),
        "extension.status_request_v2": Entry(
            "The client wants proof that no certificate of the chain was revoked.",
            "libpq does not ask: it knows of revocation by lists only.",
            "RFC 6961 §2.2",
        ),
        "extension.status_request": Entry(
            "The client wants proof that the certificate was not revoked (OCSP stapling), or here it is.",
            "libpq does not ask: it knows of revocation by lists only.",
            "RFC 6066 §8",
        ),
        "extension.signed_certificate_timestamp": Entry(
            "Proofs that the certificate stands in public logs.",
            "libpq does not look at them: private CAs are in no log.",
            "RFC 6962 §3.3",
        ),
        "extension.compress_certificate": Entry(
            "The certificates may come compressed.", "They are the same certificates.", "RFC 8879 §3"
        ),
        "extension.record_size_limit": Entry(
            "The longest record that the sender takes.", "It changes sizes only.", "RFC 8449 §4"
        ),
        "extension.max_fragment_length": Entry(
            "The longest record that the client wants.", "It changes sizes only.", "RFC 6066 §4"
        ),
        "extension.padding": Entry(
            "Zeros that make the hello longer.", "Some old middleboxes fail at certain lengths.", "RFC 7685 §3"
        ),
        "extension.heartbeat": Entry(
            "Whether heartbeats may be sent.",
            "The extension of the Heartbleed bug; PostgreSQL has no use for it.",
            "RFC 6520 §2",
        ),
        "extension.srp": Entry(
            "The user's name, for logging in by a password without a certificate (SRP).",
            "It goes in clear. PostgreSQL has no SRP.",
            "RFC 5054 §2.8.1",
        ),
        "srp_I": Entry(
            "The user's name, in clear.",
            "The server looks up by it what it keeps of the password.",
            "RFC 5054 §2.8.1",
        ),
        "extension.client_certificate_type": Entry(
            "The kinds of certificate that the client can show.", "PostgreSQL knows X.509 only.", "RFC 7250 §3"
        ),
        "extension.server_certificate_type": Entry(
            "The kinds of certificate that the client takes.", "PostgreSQL knows X.509 only.", "RFC 7250 §3"
        ),
        "extension.delegated_credential": Entry(
            "A short-lived key that signs in place of the certificate's.",
            "PostgreSQL delegates nothing.",
            "RFC 9345 §4",
        ),
        "extension.ticket_request": Entry("How many tickets the client wants.", "libpq asks for none.", "RFC 9149 §3"),
        "extension.encrypted_client_hello": Entry(
            "The real ClientHello, sealed inside this one.",
            "Then the server name that can be read is not the one that is meant. libpq does not do this.",
            "RFC 9849 §5",
        ),
    },
    "Fields of extensions": {
        "extensions": Entry(
            "What was added to TLS since 1999.",
            "The name of the server, the real versions and the keys of TLS 1.3 stand here.",
            "RFC 8446 §4.2",
        ),
        "extension": Entry(
            "One extension: its number and what it says.",
            "Those that a side does not know it passes over.",
            "RFC 8446 §4.2",
        ),
        "extension_type": Entry(
            "Which extension this is.",
            "The numbers are IANA's. One that reads GREASE is nonsense on purpose: it shows that servers pass over what they do not know.",
            "RFC 8446 §4.2",
        ),
        "extension_data": Entry(
            "What the extension says.",
            "Its form depends on the extension, and on the message that it stands in.",
            "RFC 8446 §4.2",
        ),
        "server_name_list": Entry(
            "The names that the client wants to reach (SNI).",
            "It is in clear: everybody on the path reads which database host is wanted.",
            "RFC 6066 §3",
        ),
        "server_name": Entry(
            "A name that the client wants to reach.",
            "libpq sends its host option from 14 on, unless that is an address or sslsni=0.",
            "RFC 6066 §3",
        ),
        "name_type": Entry("What kind of name it is.", "There is only host_name.", "RFC 6066 §3"),
        "host_name": Entry(
            "The host name that the client wants.",
            "verify-full will compare it with the certificate. Sending it is no check.",
            "RFC 6066 §3",
        ),
        "versions": Entry(
            "The versions that the client accepts.",
            "From libpq 13 on TLS 1.2 is the lowest (ssl_min_protocol_version).",
            "RFC 8446 §4.2.1",
        ),
        "version": Entry(
            "A version that the client accepts.", "The server chooses the highest that both have.", "RFC 8446 §4.2.1"
        ),
        "selected_version": Entry(
            "The version that the server chose.",
            "This is the real one, whatever legacy_version says.",
            "RFC 8446 §4.2.1",
        ),
        "named_group_list": Entry(
            "The groups for the key exchange, the favourite first.",
            "If the server wants one for which the client has no key ready, it costs a round trip.",
            "RFC 8446 §4.2.7",
        ),
        "named_group": Entry(
            "A group for the key exchange.",
            "Those with MLKEM in their name are meant to withstand quantum computers.",
            "RFC 8446 §4.2.7",
        ),
        "client_shares": Entry(
            "Keys that the client has ready, each for one group.",
            "The right guess saves a round trip.",
            "RFC 8446 §4.2.8",
        ),
        "key_share_entry": Entry(
            "A public key and its group.",
            "The two sides' keys together make the secret; a listener who has both still has not.",
            "RFC 8446 §4.2.8",
        ),
        "group": Entry("The group of a key.", "It says how the secret is agreed on.", "RFC 8446 §4.2.8"),
        "selected_group": Entry(
            "The group that the server wants instead.", "For PostgreSQL up to 17 that is secp256r1.", "RFC 8446 §4.2.8"
        ),
        "key_exchange": Entry(
            "The public key itself.", "It is new in each connection: this is forward secrecy.", "RFC 8446 §4.2.8"
        ),
        "supported_signature_algorithms": Entry(
            "The signatures that are accepted in the handshake.",
            "The signatures inside certificates are judged apart, by the client's security level.",
            "RFC 8446 §4.2.3",
        ),
        "signature_scheme": Entry(
            "A kind of signature.", "Those with sha1 are there for old servers.", "RFC 8446 §4.2.3"
        ),
        "protocol_name_list": Entry(
            "The protocols that may be spoken inside TLS (ALPN).",
            "libpq offers postgresql from 17 on.",
            "RFC 7301 §3.1",
        ),
        "protocol_name": Entry(
            "A protocol that may be spoken inside TLS.",
            "Direct TLS insists on postgresql, so that nobody can lead the client to a web server with the right certificate.",
            "RFC 7301 §3.1",
        ),
        "ec_point_format_list": Entry(
            "The ways in which points of curves may be written.", "It matters to TLS 1.2 only.", "RFC 8422 §5.1.2"
        ),
        "ec_point_format": Entry("A way to write a point.", "Uncompressed is the only one in use.", "RFC 8422 §5.1.2"),
        "renegotiated_connection": Entry(
            "What ties this handshake to the one before it.", "It is empty in a first handshake.", "RFC 5746 §3.2"
        ),
        "ke_modes": Entry(
            "How the client would resume a session.",
            "It concerns later connections, and libpq makes none of that kind.",
            "RFC 8446 §4.2.9",
        ),
        "ke_mode": Entry(
            "A way to resume.",
            "psk_dhe_ke makes a new key each time; psk_ke has no forward secrecy.",
            "RFC 8446 §4.2.9",
        ),
        "identities": Entry(
            "The sessions that the client would resume.",
            "A resumed session shows no certificate: it was checked when the session began, or not.",
            "RFC 8446 §4.2.11",
        ),
        "identity": Entry(
            "A ticket of an earlier connection.",
            "It links the two connections for anybody who watches.",
            "RFC 8446 §4.2.11",
        ),
        "obfuscated_ticket_age": Entry(
            "How old the ticket is, hidden by adding a number.",
            "It tells a replay from the real client.",
            "RFC 8446 §4.2.11",
        ),
        "binders": Entry(
            "A binder for each identity.", "Without them anybody could offer a stolen ticket.", "RFC 8446 §4.2.11"
        ),
        "binder": Entry(
            "A checksum made with the resumed session's key.",
            "It proves that the client really has that session.",
            "RFC 8446 §4.2.11.2",
        ),
        "selected_identity": Entry(
            "Which session the server resumed.",
            "There is no Certificate message in this handshake.",
            "RFC 8446 §4.2.11",
        ),
        "cookie": Entry(
            "Bytes that the client must send back.", "They let a server forget the first hello.", "RFC 8446 §4.2.2"
        ),
        "authorities": Entry(
            "The CAs that the sender trusts.", "A client with several certificates picks by them.", "RFC 8446 §4.2.4"
        ),
        "responder_id_list": Entry(
            "Whose OCSP responses the client takes.", "libpq does not ask for any.", "RFC 6066 §8"
        ),
        "request_extensions": Entry(
            "Extensions of the question for an OCSP response.", "libpq does not ask for any.", "RFC 6066 §8"
        ),
        "sct_list": Entry(
            "Proofs that the certificate stands in public logs.",
            "libpq does not look at them: private CAs are in no log.",
            "RFC 6962 §3.3",
        ),
        "certificate_status_req_list": Entry(
            "The kinds of stapled status that the client takes, in its order.",
            "libpq does not ask for any.",
            "RFC 6961 §2.2",
        ),
        "certificate_status_req_item": Entry("One of them.", "libpq does not ask for any.", "RFC 6961 §2.2"),
        "request": Entry("What the client wants of that kind.", "libpq does not ask for any.", "RFC 6961 §2.2"),
        "sct_version": Entry("The version of the proof.", "There is only v1 here.", "RFC 6962 §3.2"),
        "log_id": Entry(
            "The log, by the SHA-256 of its public key.", "It says whose signature this is.", "RFC 6962 §3.2"
        ),
        "timestamp": Entry(
            "When the log saw the certificate, in milliseconds since 1970.",
            "The log promises to show it soon after.",
            "RFC 6962 §3.2",
        ),
        "sct_extensions": Entry("Room for later versions.", "It is empty today.", "RFC 6962 §3.2"),
        "serialized_sct": Entry("The proof of one log.", "libpq does not look at it.", "RFC 6962 §3.3"),
        "record_size_limit": Entry(
            "The longest record that the sender takes.", "It changes sizes only.", "RFC 8449 §4"
        ),
        "max_fragment_length": Entry(
            "The longest record that the client wants.", "It changes sizes only.", "RFC 6066 §4"
        ),
        "mode": Entry(
            "Whether heartbeats may be sent.",
            "The extension of the Heartbleed bug; PostgreSQL has no use for it.",
            "RFC 6520 §2",
        ),
        "padding": Entry(
            "Zeros that make the hello longer.", "Some old middleboxes fail at certain lengths.", "RFC 7685 §3"
        ),
        "algorithms": Entry(
            "The ways to compress a certificate that the sender can undo.",
            "Some OpenSSL from 3.2 on offer them; the certificates stay the same.",
            "RFC 8879 §3",
        ),
        "filters": Entry(
            "Demands on the client's certificate.", "Nobody uses them with PostgreSQL.", "RFC 8446 §4.2.5"
        ),
        "filter": Entry("A demand on the client's certificate.", "Nobody uses it with PostgreSQL.", "RFC 8446 §4.2.5"),
        "certificate_extension_oid": Entry(
            "An extension that the client's certificate must have.",
            "Nobody uses it with PostgreSQL.",
            "RFC 8446 §4.2.5",
        ),
        "certificate_extension_values": Entry(
            "What that extension must say.", "Nobody uses it with PostgreSQL.", "RFC 8446 §4.2.5"
        ),
        "valid_time": Entry(
            "How long a delegated key is good, in seconds after the certificate began.",
            "Seven days from now at most. PostgreSQL delegates nothing.",
            "RFC 9345 §4",
        ),
        "dc_cert_verify_algorithm": Entry(
            "How the delegated key signs.",
            "A server may sign with a short-lived key in place of its certificate's.",
            "RFC 9345 §4",
        ),
        "subject_public_key_info": Entry("The delegated key.", "The certificate's key has signed it.", "RFC 9345 §4"),
        "new_session_count": Entry("How many tickets the client wants.", "libpq asks for none.", "RFC 9149 §3"),
        "resumption_count": Entry(
            "How many tickets the client wants after a resumption.", "libpq asks for none.", "RFC 9149 §3"
        ),
        "ClientHello.psk_identity": Entry(
            "A session that the client would resume: its ticket and the ticket's age.",
            "It links two connections for anybody who watches.",
            "RFC 8446 §4.2.11",
        ),
        "ClientHello.type": Entry(
            "Whether this is the outer hello or the hidden one (ECH).",
            "On the wire it is the outer one.",
            "RFC 9849 §5",
        ),
        "kdf_id": Entry("How the key of the hidden hello is made.", "It says nothing of the server.", "RFC 9849 §5"),
        "aead_id": Entry("The cipher that seals the hidden hello.", "It says nothing of the server.", "RFC 9849 §5"),
        "config_id": Entry(
            "Which of the server's keys seals the hidden hello.", "It says nothing of the server.", "RFC 9849 §5"
        ),
        "enc": Entry("The client's key for the hidden hello.", "It is new in each connection.", "RFC 9849 §5"),
        "payload": Entry(
            "The real ClientHello, sealed (ECH).",
            "The server name that can be read is that of the front, not of the database.",
            "RFC 9849 §5",
        ),
    },
}
GLOSSARY: dict[str, Entry] = {key: entry for section in SECTIONS.values() for key, entry in section.items()}
