"""The handshake of the tutorial that the room comes from, byte for byte, and that of RFC 6455 §1.3."""

from wire import TEXT, Connection, WebSocket, frame

TUTORIAL = (
    b"GET /chat HTTP/1.1\r\n"
    b"Host: server.example.com\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n"
    b"Sec-WebSocket-Protocol: chat, superchat\r\n"
    b"Sec-WebSocket-Version: 13\r\n"
    b"Origin: php.cn\r\n"
    b"\r\n"
)


def test_the_tutorials_request_gets_the_tutorials_answer(serve):
    connection = raw(serve().port, TUTORIAL)
    answer = connection.response()
    assert answer.status == 101
    assert answer.get("Sec-WebSocket-Accept") == "HSmrc0sMlYUkAGmm5OPpG2HaGWk="
    assert answer.get("Sec-WebSocket-Protocol") == "chat"
    assert answer.get("Upgrade").lower() == "websocket"
    assert answer.get("Connection").lower() == "upgrade"
    connection.__class__ = WebSocket
    connection.send(frame(TEXT, "type=add&ming=" + "小明"))
    assert connection.push()["name"] == "小明"


def test_the_tutorials_origin_is_compared_as_it_stands(serve):
    assert raw(serve("--allow-origin", "http://php.cn").port, TUTORIAL).response().status == 403


def test_the_request_of_the_rfc_gets_the_answer_of_the_rfc(server):
    request = TUTORIAL.replace(b"x3JJHMbDL1EzLkh9GBhXDw==", b"dGhlIHNhbXBsZSBub25jZQ==")
    assert raw(server.port, request).response().get("Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def raw(port, request):
    connection = Connection(port)
    connection.send(request)
    return connection
