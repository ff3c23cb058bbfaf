"""Catalogue section B, rows 14 to 31: what may stand in front of a WebSocket connection (RFC 9112, RFC 9110)."""

import pytest

import wire
from wire import HEAD_LIMIT, KIB, MIB, URI_LIMIT, request, upgrade_request

SECOND = request("/second")


def refused(connection, data, *statuses, patience=wire.PATIENCE):
    """Sends, and asserts: one answer with one of these statuses, and then the end of the connection."""
    connection.send(data)
    answer = connection.response(patience)
    assert answer.status in statuses, answer.head
    connection.expect_end()
    return answer


@pytest.mark.parametrize("make", [request, upgrade_request], ids=["page", "upgrade"])
def test_row_14_a_field_of_20_megabytes_is_refused_at_once(server, connect, make):
    data = make("/", "X-Large: " + "a" * (20 * MIB))
    server.forget_peak()
    resident, processor = server.resident(), server.processor_seconds()
    refused(connect(), data, 431, 400)
    # 50 ms are the row's; the canary uses some as well.
    assert server.processor_seconds() - processor < 0.05 + 0.1
    assert server.peak() - resident < 2 * MIB


def test_row_14_a_head_just_under_the_limit_is_accepted_and_one_just_over_it_is_not(connect):
    bare = len(upgrade_request("/", "X-Large: "))
    fits = connect()
    fits.send(upgrade_request("/", "X-Large: " + "a" * (HEAD_LIMIT - bare - 64)))
    assert fits.response().status == 101
    refused(connect(), upgrade_request("/", "X-Large: " + "a" * (HEAD_LIMIT - bare + 64)), 431)


def test_row_15_a_head_in_single_bytes_costs_linear_time(server, connect):
    def cost(size):
        before = server.processor_seconds()
        connection = connect()
        connection.send_bytewise(upgrade_request("/", "X-Slow: " + "a" * size))
        assert connection.response().status == 101
        return server.processor_seconds() - before

    cost(KIB)
    short, long = min(cost(3 * KIB) for _ in range(3)), cost(12 * KIB)
    assert long < 8 * short + 0.2, f"3 KiB took {short:.3f} s, 12 KiB took {long:.3f} s"


def test_row_16_2001_fields_are_refused(connect):
    refused(connect(), request("/", *["a:b"] * 2001), 431)
    refused(connect(), upgrade_request("/", *["a:b"] * 2001), 431)


def test_row_16_100_fields_are_accepted_and_101_are_not(connect):
    fits = connect()
    fits.send(request("/", *["a:b"] * 99))  # and Host
    assert fits.response().status == 200
    refused(connect(), request("/", *["a:b"] * 100), 431)


def test_row_17_70000_fields_are_refused(connect):
    refused(connect(), request("/", *["a:b"] * 70_000), 431)


@pytest.mark.parametrize("name, value", [(79 * KIB, 79 * KIB), (9 * KIB, 9 * KIB), (17 * KIB, 1), (1, 17 * KIB)])
def test_row_18_name_and_value_count_together(connect, name, value):
    refused(connect(), request("/", "n" * name + ": " + "v" * value), 431)


@pytest.mark.parametrize("method, statuses", [("GET", (431, 400)), ("POST", (431, 400, 405))])
def test_row_19_10000_trailer_fields_are_refused(connect, method, statuses):
    body = b"1\r\nx\r\n0\r\n" + b"t: v\r\n" * 10_000 + b"\r\n"
    refused(connect(), request("/", "Transfer-Encoding: chunked", method=method, body=body + SECOND), *statuses)


@pytest.mark.parametrize("length", [URI_LIMIT + 1, 64 * KIB])
@pytest.mark.parametrize("make", [request, upgrade_request], ids=["page", "upgrade"])
def test_row_20_a_long_target_is_refused(connect, make, length):
    refused(connect(), make("/" + "a" * (length - 1)), 414)


def test_row_20_a_target_at_the_limit_is_accepted(connect):
    connection = connect()
    connection.send(upgrade_request("/?" + "a" * (URI_LIMIT - 2)))
    assert connection.response().status == 101


@pytest.mark.parametrize(
    "byte", [b"\r", b"\n", b"\0", b" ", b"\x01", b"\x0b", b"\x1b", b"\x7f", b"\x80", b"\xc3\xa9", b"\xff"],
    ids=lambda byte: byte.hex(),
)
@pytest.mark.parametrize("make", [request, upgrade_request], ids=["page", "upgrade"])
def test_row_21_a_target_with_other_bytes_than_a_url_has_is_refused_and_not_reflected(server, connect, make, byte):
    answer = refused(connect(), make(b"/mark" + byte + b"er"), 400)
    assert b"mark" not in answer.head + answer.body
    log = server.log_bytes()
    log.decode()  # no half character of a client's
    assert not any(raw < 0x20 and raw not in b"\n\t" or raw == 0x7F for raw in log)


@pytest.mark.parametrize("method", [b"GET\tX", b"get", b"G" * KIB, b"G\x00T", b"G\xc9T", b"", b"GE(T", b"BREW"])
def test_row_22_a_method_that_is_none_is_refused(connect, method):
    refused(connect(), request("/", method=method), 400, 405)
    refused(connect(), upgrade_request("/", method=method), 400, 405)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("fields", [
    ("Transfer-Encoding: chunked", "Content-Length: 5"),
    ("Content-Length: 5", "Transfer-Encoding: chunked"),
    ("Content-Length: 5", "transfer-encoding:\tchunked"),
], ids=["encoding first", "length first", "tab"])
def test_row_23_two_ways_to_frame_a_body_are_refused(connect, method, fields):
    refused(connect(), request("/", *fields, method=method, body=b"0\r\n\r\n" + SECOND), 400)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("fields", [
    ("Transfer-Encoding: xchunked",),
    ("Transfer-Encoding: chunked, identity",),
    ("Transfer-Encoding: \x0bchunked",),
    ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
    ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    ("Transfer-Encoding: chunked chunked",),
    ("Transfer-Encoding: identity, chunked, chunked",),
    ("Transfer-Encoding : chunked",),
    ("Transfer-Encoding: \"chunked\"",),
], ids=lambda fields: "+".join(fields).encode().hex()[-20:])
def test_row_24_an_unclear_transfer_encoding_is_refused(connect, method, fields):
    refused(connect(), request("/", *fields, method=method, body=b"0\r\n\r\n" + SECOND), 400)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "value",
    ["+5", "5,5", "5, 6", "", "-1", "18446744073709551616", "99999999999999999999999", "0x5", "5 5", "5a", "١"],
)
def test_row_25_a_content_length_that_is_no_number_is_refused(connect, method, value):
    line = b"Content-Length: " + value.encode()
    refused(connect(), request("/", line, method=method, body=b"12345" + SECOND), 400)


@pytest.mark.parametrize("values", [("5", "6"), ("5", "5"), ("0", "5")])
def test_row_25_two_content_lengths_are_refused(connect, values):
    fields = [f"Content-Length: {value}" for value in values]
    refused(connect(), request("/", *fields, method="POST", body=b"12345" + SECOND), 400)


@pytest.mark.parametrize("method, statuses", [("GET", (400,)), ("POST", (400, 405))])
@pytest.mark.parametrize("body", [
    b"FFFFFFFFFFFFFFFFF\r\nx\r\n0\r\n\r\n",
    b"1;" + b"e" * MIB + b"\r\nx\r\n0\r\n\r\n",
    b"1\nx\n0\n\n",
    b"-1\r\nx\r\n0\r\n\r\n",
    b"0x1\r\nx\r\n0\r\n\r\n",
], ids=["17 digits", "extension of 1 MB", "bare LF", "negative", "prefix"])
def test_row_26_a_malformed_chunk_is_refused(server, connect, method, statuses, body):
    server.forget_peak()
    resident = server.resident()
    refused(connect(), request("/", "Transfer-Encoding: chunked", method=method, body=body + SECOND), *statuses)
    assert server.peak() - resident < 2 * MIB


@pytest.mark.parametrize("line", [
    "X-Folded: a\r\n b", "X-Folded: a\r\n\tb", "X-Space : a", "X-Tab\t: a", ": a", " : a", "nothing", "X(Y): a",
    "X\x00Y: a", "X-Nul: a\x00b", "X-Return: a\rb",
], ids=lambda line: line.encode().hex())
@pytest.mark.parametrize("make", [request, upgrade_request], ids=["page", "upgrade"])
def test_row_27_a_malformed_field_is_refused(connect, make, line):
    refused(connect(), make("/", line), 400)


@pytest.mark.parametrize("make", [request, upgrade_request], ids=["page", "upgrade"])
@pytest.mark.parametrize("host, more", [
    (None, ()), ("", ()), ("127.0.0.1", ("Host: 127.0.0.1",)), ("127.0.0.1", ("Host: evil.example",)), ("a b", ()),
    ("user@host", ()), ("host:port", ()), ("a/b", ()),
], ids=["missing", "empty", "twice", "two", "space", "user", "port", "path"])
def test_row_28_exactly_one_host_is_needed(connect, make, host, more):
    refused(connect(), make("/", *more, host=host), 400)


@pytest.mark.parametrize("target, fields, host", [
    ("/", ("Sec-WebSocket-Protocol: chat\rX-Injected: 1",), "127.0.0.1"),
    ("/", ("Sec-WebSocket-Protocol: chat%0d%0aX-Injected: 1",), "127.0.0.1"),
    ("/", ("Sec-WebSocket-Protocol: chat\u0085X-Injected",), "127.0.0.1"),
    ("/", ("Sec-WebSocket-Extensions: permessage-deflate%0d%0aX-Injected: 1",), "127.0.0.1"),
    ("/%0d%0aX-Injected:%201", (), "127.0.0.1"),
    ("/?room=%0d%0aX-Injected:%201", (), "127.0.0.1"),
    ("/", ("Origin: http://a%0d%0aX-Injected: 1",), "127.0.0.1"),
    ("/", (), "a%0d%0aX-Injected: 1"),
])
@pytest.mark.parametrize("make", [request, upgrade_request], ids=["page", "upgrade"])
def test_row_29_a_response_is_never_split(connect, make, target, fields, host):
    connection = connect()
    connection.send(make(target, *fields, host=host))
    answer = connection.response(head_only=True)  # asserts that there is no control character in it
    assert b"injected" not in answer.head.lower()


def test_row_30_1000_pipelined_requests_without_reading_use_little_memory(server, connect):
    server.forget_peak()
    resident = server.resident()
    clients = [connect(receive_buffer=4096) for _ in range(10)]
    for client in clients:
        client.send(request("/") * 1000, reading=False, patience=1)
    # The page is answered in order; while nobody reads, the answers must not pile up.
    for client in clients:
        client.read(1)
        client.received[:0] = b"H"
    assert server.peak() - resident < 16 * MIB


def test_row_30_pipelined_requests_are_answered_in_order(connect):
    connection = connect()
    connection.send(request("/", "X-Number: 1") * 20 + request("/nowhere"))
    answers = []
    while True:
        answers.append(connection.response())
        if (answers[-1].get("Connection") or "").lower() == "close" or len(answers) == 21:
            break
    assert [answer.status for answer in answers[:20]] == [200] * min(20, len(answers))
    assert len(answers) <= 20 or answers[20].status == 404


@pytest.mark.parametrize("head", [
    b"GET /\r\n", b"GET /\r\n\r\n", b"GET\r\n\r\n", b"\0\0\0\0\r\n\r\n",
    request("/", version="HTTP/2.0"), request("/", version="HTTP/1.2x"), request("/", version="HTTP/11.1"),
    request("/", version="HTP/1.1"), request("/", version="http/1.1"), request("/", version="HTTP/0.9"),
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
], ids=lambda head: head.split(b"\r\n")[0].decode("latin-1").encode("unicode_escape").decode())
def test_row_31_other_versions_of_http_are_refused(connect, head):
    refused(connect(), head + b"\r\n", 400, 505)


@pytest.mark.parametrize("version", ["HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/3.0"])
def test_row_31_no_upgrade_but_on_http_1_1(connect, version):
    refused(connect(), upgrade_request("/", version=version), 400, 505)


def test_section_b_leaves_nothing_behind(pool):
    for watched in pool.values():
        watched.assert_nothing_left()
