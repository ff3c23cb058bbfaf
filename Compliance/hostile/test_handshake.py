"""Catalogue section C, rows 42 to 54: the opening handshake (RFC 6455 §4.2)."""

import base64

import pytest

import wire
from wire import KEY, KIB, TEXT, Connection, WebSocket, frame, request, say_frame, upgrade_request

SMUGGLED = request("/smuggled")


def refused(connection, data, *statuses):
    """Sends, and asserts: one answer with one of these statuses, then the end; nothing behind it was a request."""
    connection.send(data)
    answer = connection.response()
    assert answer.status in statuses, answer.head
    connection.expect_end()
    return answer


@pytest.mark.parametrize("key, more", [
    (None, ()), (KEY, (f"Sec-WebSocket-Key: {KEY}",)), (KEY, ("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",)),
    (f"{KEY}, {KEY}", ()),
], ids=["none", "twice", "two", "list"])
def test_row_42_exactly_one_key_is_needed(connect, key, more):
    refused(connect(), upgrade_request("/", *more, key=key), 400)


@pytest.mark.parametrize("key", [
    "", "abc", "====", "A" * 24, "A" * 23 + "=", base64.b64encode(b"x" * 15).decode(),
    base64.b64encode(b"x" * 17).decode(), KEY.rstrip("="), KEY + "=", "dGhlIHNhbXBsZSBub25jZ!==",
    "dGhlIHNhbXBsZSBub25jZR==", "_-hlIHNhbXBsZSBub25jZQ==", "dGhl IHNhbXBsZSBub25jZQ==", "A" * 10 * KIB,
    base64.b64encode(b"x" * 6 * KIB).decode(),
], ids=lambda key: key[:26] or "empty")
def test_row_43_the_key_is_16_bytes_in_base64(connect, key):
    refused(connect(), upgrade_request("/", key=key), 400)


def test_row_43_a_key_of_1_mb_is_over_the_limit_for_the_head(connect):
    refused(connect(), upgrade_request("/", key="A" * 1_000_000), 400, 431)


@pytest.mark.parametrize("version", [None, "8", "7", "0", "", "14", "013", "13.0", "13, 8", "8, 13", "-13", "x" * KIB])
def test_row_44_only_version_13_and_the_answer_names_it(connect, version):
    answer = refused(connect(), upgrade_request("/", version_field=version), 426)
    assert answer.get("Sec-WebSocket-Version") == "13"


def test_row_44_two_version_fields_are_refused(connect):
    answer = refused(connect(), upgrade_request("/", "Sec-WebSocket-Version: 8"), 426, 400)
    assert answer.status == 400 or answer.get("Sec-WebSocket-Version") == "13"


@pytest.mark.parametrize("method", ["POST", "PUT", "HEAD", "OPTIONS", "CONNECT", "DELETE"])
def test_row_45_only_get_upgrades(connect, method):
    connection = connect()
    target = "/" if method != "CONNECT" else "127.0.0.1:80"
    connection.send(upgrade_request(target, method=method) + SMUGGLED)
    answer = connection.response(head_only=method == "HEAD")
    assert answer.status in (400, 405), answer.head
    connection.expect_end()


@pytest.mark.parametrize("field, body", [
    ("Content-Length: 5", b"12345"), ("Content-Length: 5", SMUGGLED),
    ("Transfer-Encoding: chunked", b"5\r\n12345\r\n0\r\n\r\n"), ("Transfer-Encoding: chunked", b"0\r\n\r\n"),
])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_row_45_an_upgrade_has_no_body(connect, method, field, body):
    refused(connect(), upgrade_request("/", field, method=method, body=body + SMUGGLED), 400, 405)


@pytest.mark.parametrize("connection_field, upgrade", [
    ("keep-alive", "websocket"), (None, "websocket"), ("upgraded", "websocket"), ("Upgrade", None),
    ("Upgrade", "websockets"), ("Upgrade", "h2c"),
])
def test_row_46_without_both_tokens_it_is_an_ordinary_get(connect, connection_field, upgrade):
    page = connect()
    page.send(upgrade_request("/", connection=connection_field, upgrade=upgrade))
    answer = page.response()
    assert answer.status == 200 and b"<html" in answer.body.lower()

    chat = connect()
    chat.send(upgrade_request("/chat", connection=connection_field, upgrade=upgrade))
    answer = chat.response()
    assert answer.status == 426 and answer.get("Sec-WebSocket-Version") == "13"


@pytest.mark.parametrize("connection_field, upgrade", [
    ("keep-alive, Upgrade", "websocket"), ("UPGRADE", "WebSocket"), ("upgrade", "h2c, websocket"),
    (",, Upgrade ,", "websocket"),
])
def test_row_46_both_fields_are_lists_of_tokens_in_any_case(connect, connection_field, upgrade):
    connection = connect()
    connection.send(upgrade_request("/", connection=connection_field, upgrade=upgrade))
    assert connection.response().status == 101


@pytest.mark.parametrize("version", ["777", "8", None])
@pytest.mark.parametrize("together", [True, False], ids=["one segment", "two segments"])
def test_row_47_nothing_is_smuggled_behind_a_refused_upgrade(connect, version, together):
    connection = connect()
    handshake = upgrade_request("/", version_field=version)
    if together:
        refused(connection, handshake + SMUGGLED, 426)
    else:
        connection.send(handshake)
        answer = connection.response()
        assert answer.status == 426
        connection.send(SMUGGLED)
        connection.expect_end()


def test_row_48_frames_in_the_segment_of_the_request_are_handled_in_order(server):
    frames = frame(TEXT, "type=add&ming=early") + b"".join(say_frame(f"early {number}") for number in range(50))
    early = WebSocket(server.port, behind=frames)
    assert early.push()["type"] == "madd"
    assert [early.said() for _ in range(50)] == [f"early {number}" for number in range(50)]


@pytest.mark.parametrize("cut", [1, 2, 3, 5, 6, 7, 20])
def test_row_48_a_frame_cut_at_the_end_of_the_first_segment_is_whole(server, cut):
    first = frame(TEXT, "type=add&ming=cut")
    cut_short = WebSocket(server.port, behind=first[:cut])
    cut_short.send(first[cut:])
    assert cut_short.push()["type"] == "madd"


@pytest.mark.parametrize("size", [12 * KIB, 100 * KIB])
def test_row_48_a_large_frame_behind_the_request_is_handled_or_the_connection_closed(server, size):
    behind = frame(TEXT, "type=add&ming=large") + say_frame("x" * size) + say_frame("last")
    connection = Connection(server.port)
    connection.send(upgrade_request("/") + behind)
    assert connection.response().status == 101
    connection.__class__ = WebSocket
    try:
        assert connection.push()["type"] == "madd"
        assert connection.said() == "x" * size
        assert connection.said() == "last"
    except wire.Ended:
        assert size > 16 * KIB, "16 KiB are buffered"


def test_row_49_a_client_that_goes_during_the_handshake_harms_nobody(server):
    handshake = upgrade_request("/") + frame(TEXT, "type=add&ming=gone")
    for number in range(300):
        connection = Connection(server.port)
        connection.send(handshake[: len(handshake) - number % 80])
        if number % 3 == 0:
            connection.reset()
        elif number % 3 == 1:
            connection.finish_sending()
        else:
            connection.close()


@pytest.mark.parametrize("behind", [b"", frame(TEXT, "type=add&ming=x")[:4], frame(TEXT, "type=add&ming=x")],
                         ids=["nothing", "half a frame", "a frame"])
@pytest.mark.parametrize("together", [True, False], ids=["at once", "after the answer"])
def test_row_49_a_client_that_ends_its_side_is_let_go(server, behind, together):
    """RFC 6455 knows no half-open connection (row 9 says within 1 s)."""
    connection = Connection(server.port)
    connection.send(upgrade_request("/") + behind)
    if together:
        connection.finish_sending()
        assert connection.response().status == 101
    else:
        assert connection.response().status == 101
        connection.finish_sending()
    connection.rest(patience=2)


@pytest.mark.parametrize("length", [0, 1, 40, len(upgrade_request("/")) - 1])
def test_row_49_a_request_that_can_not_become_whole_any_more_is_let_go(connect, length):
    connection = connect()
    connection.send(upgrade_request("/")[:length])
    connection.finish_sending()
    connection.rest(patience=2)


@pytest.mark.parametrize("value", [
    " " * 50_000, "," * 50_000, "chat" + " " * 50_000 + "x", " " * 12_000, "," * 12_000, "chat" + " " * 12_000 + "x",
    "chat" + ", " * 6000, "chat," * 2400, "chat;" * 2400, "\t, " * 4000,
], ids=lambda value: f"{value[:6]!r} {len(value)}")
def test_row_50_subprotocols_of_spaces_and_commas_cost_linear_time(server, connect, value):
    before = server.processor_seconds()
    refused(connect(), upgrade_request("/", "Sec-WebSocket-Protocol: " + value), 400, 431)
    # Less than 1 ms for each KiB, and something for the canary.
    assert server.processor_seconds() - before < 0.001 * len(value) / KIB + 0.1


DECLINED_PARAMETERS = [
    "client_max_window_bits=-1", "client_max_window_bits=31", "client_max_window_bits=07", "client_max_window_bits=7",
    "client_max_window_bits=16", "client_max_window_bits=0", "client_max_window_bits=99999999999999999999",
    "client_max_window_bits=\"\"", "client_max_window_bits=1e1", "server_max_window_bits", "server_max_window_bits=-8",
    "server_max_window_bits=16", "server_max_window_bits=08", "server_max_window_bits=18446744073709551625",
    "server_no_context_takeover=1", "client_no_context_takeover=true", "unknown", "__proto__=1", "constructor",
    "server_max_window_bits=10; server_max_window_bits=10", "client_no_context_takeover; client_no_context_takeover",
    "a;" * 30 + "b", "a;" * 3000 + "b", "client_max_window_bits=\"15", "client_max_window_bits=15\"", "=", "=15", ";;",
]


@pytest.mark.parametrize("mode", ["off", "shared", "dedicated"])
@pytest.mark.parametrize("parameters", DECLINED_PARAMETERS, ids=lambda parameters: parameters[:40])
def test_row_51_malformed_extension_parameters_are_declined_or_refused(serve, mode, parameters):
    server = serve("--compression", mode) if mode != "off" else serve()
    connection = Connection(server.port)
    connection.send(upgrade_request("/", "Sec-WebSocket-Extensions: permessage-deflate; " + parameters))
    answer = connection.response()
    assert answer.status in (101, 400), answer.head
    if answer.status == 101:
        assert answer.all("Sec-WebSocket-Extensions") == []
    else:
        connection.expect_end()


@pytest.mark.parametrize("value", [
    "__proto__", "constructor; toString=valueOf", "hasOwnProperty; __proto__=__proto__", "x" * 8000, "a, " * 4000 + "b",
    ",", "\"permessage-deflate\"", "permessage-deflate=1", "permessage deflate", "permessage-deflate; a=\"\\\"",
    "permessage-deflate;" * 500,
], ids=lambda value: value[:30])
@pytest.mark.parametrize("mode", ["off", "shared"])
def test_row_51_strange_extensions_are_declined_or_refused(serve, mode, value):
    server = serve("--compression", mode) if mode != "off" else serve()
    connection = Connection(server.port)
    connection.send(upgrade_request("/", "Sec-WebSocket-Extensions: " + value))
    answer = connection.response()
    assert answer.status in (101, 400), answer.head
    assert answer.all("Sec-WebSocket-Extensions") == []


def test_row_51_10000_parameters_are_over_the_limit_for_the_head(connect):
    value = "permessage-deflate" + "; a" * 10_000
    refused(connect(), upgrade_request("/", "Sec-WebSocket-Extensions: " + value), 400, 431)


@pytest.mark.parametrize("offer", ["superchat", "Chat", "chat2, xchat", "graphql-ws, mqtt", "c" * 8000])
def test_row_52_an_unknown_subprotocol_is_never_echoed(connect, offer):
    connection = connect()
    connection.send(upgrade_request("/", "Sec-WebSocket-Protocol: " + offer))
    answer = connection.response()
    assert answer.status in (101, 400)
    assert answer.all("Sec-WebSocket-Protocol") == []


LISTED = ("--allow-origin", "http://page.example", "--allow-origin", "https://good.com")
WILDCARD = ("--allow-origin", "https://*.good.com", "--allow-origin", "null")


def test_row_53_a_foreign_origin_with_a_cookie_is_refused(serve):
    server = serve(*LISTED)
    answer = refused(
        Connection(server.port),
        upgrade_request("/", "Origin: https://evil.example", "Cookie: session=valid") + frame(TEXT, "type=add&ming=x"),
        403)
    assert b"evil" not in answer.head + answer.body


def test_row_53_a_listed_origin_is_accepted(serve):
    server = serve(*LISTED)
    for origin in ("http://page.example", "https://good.com", "https://good.com:443"):
        WebSocket(server.port, "/", "Origin: " + origin)
    WebSocket(server.port)  # no page, no origin


@pytest.mark.parametrize("origin", [
    "null", "https://good.com.evil.com", "https://goodXcom", "http://good.com", "https://good.com:444",
    "https://good.com:80", "https://good.com@evil.com", "https://user@good.com", "https://user:word@good.com",
    "HTTPS://GOOD.COM", "https://Good.com", "https://xn--god-1na.com", "https://g\xf6od.com", "https://good.com.",
    "https://good.com/", "https://good.com/path", "https://good.com:", "https://good.com:443x", "https://good.com ,x",
    "https://good.com https://good.com", "https://good.com, https://good.com", "https://evilgood.com", "good.com",
    "//good.com", "https://", "https://good", "https://sub.good.com", "file://", "https://good.com?x",
    "https://good.com#x", "https://good.com\\.evil.com", "https://good.com%2eevil.com", "",
], ids=lambda origin: origin.encode("unicode_escape").decode())
def test_row_54_an_origin_that_only_looks_like_a_listed_one_is_refused(serve, origin):
    server = serve(*LISTED)
    statuses = (403,) if origin.isascii() else (403, 400)
    refused(Connection(server.port), upgrade_request("/", "Origin: " + origin), *statuses)


@pytest.mark.parametrize("second", ["https://good.com", "https://evil.example"])
def test_row_54_two_origins_are_refused(serve, second):
    server = serve(*LISTED)
    refused(Connection(server.port), upgrade_request("/", "Origin: https://good.com", "Origin: " + second), 403, 400)


def test_row_54_a_wildcard_stands_for_exactly_one_label(serve):
    server = serve(*WILDCARD)
    WebSocket(server.port, "/", "Origin: https://a.good.com")
    WebSocket(server.port, "/", "Origin: null")
    for origin in ("https://good.com", "https://.good.com", "https://a.b.good.com", "https://agood.com",
                   "https://a.good.com.evil.com", "https://a.evil.com", "https://a.good.com:444", "http://a.good.com"):
        refused(Connection(server.port), upgrade_request("/", "Origin: " + origin), 403)


def test_section_c_leaves_nothing_behind(pool):
    for watched in pool.values():
        watched.assert_nothing_left()
