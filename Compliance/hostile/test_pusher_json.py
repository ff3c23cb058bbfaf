"""JSON of the Pusher protocol (rows 104 to 112): what is no message, what is too deep, too large or ambiguous.

Each gets an answer that says so, on the WebSocket a `pusher:error`, over HTTP a 400; nothing of it ends the process,
and nothing is half understood.
"""

import json

import pytest

import pusher_wire
import wire
from pusher_wire import API, App, Client, compact, error_of
from wire import KIB, TEXT, frame

APP = App("1", "json-key", "json-secret-of-the-tests", {"client_events": True, "limits": {"client_event": 64_000}})
CONFIGURATION = pusher_wire.write_configuration([APP])
MESSAGE_LIMIT = 64 * KIB
BODY_LIMIT = 256 * KIB
DEPTH_LIMIT = 32
NO_MESSAGES = ["null", "[]", '""', "1", "true", "[null]", "{}", "", " ", "nul", '{"event"', '{"event":"pusher:ping"}x',
               "{'event':'pusher:ping'}", '{"event":null}', '{"event":1}', '{"event":{}}', "undefined", "NaN", "}{"]


@pytest.fixture
def pusher(serve):
    return serve("--config", CONFIGURATION, *pusher_wire.UNHURRIED)


@pytest.fixture
def client(pusher):
    return Client(pusher.port, APP)


@pytest.fixture
def api(pusher):
    return API(pusher.port, APP)


def nested(depth, opening="[", closing="]", inner=""):
    return opening * depth + inner + closing * depth


class TestMessages:
    """On the WebSocket."""

    @pytest.mark.parametrize("text", NO_MESSAGES)
    def test_what_is_no_message_gets_an_error_and_the_connection_lives(self, client, text):
        """Row 104."""
        client.text(text)
        client.expect_error(None)
        client.expect_nothing()

    def test_the_tenth_message_that_is_none_is_the_last(self, client):
        """Row 104."""
        for text in (NO_MESSAGES * 2)[:9]:
            client.text(text)
            client.expect_error(None)
        client.text("null")
        client.expect_error(1008)
        client.expect_close(1008)

    def test_a_storm_of_what_is_no_message_ends_with_1008(self, pusher):
        """Row 104."""
        for _ in range(20):
            client = Client(pusher.port, APP)
            client.send(frame(TEXT, "null") * 500)
            client.expect_close(1008)

    @pytest.mark.parametrize("message", [
        {"event": "pusher:subscribe"},
        {"event": "pusher:subscribe", "data": None},
        {"event": "pusher:subscribe", "data": 1},
        {"event": "pusher:subscribe", "data": []},
        {"event": "pusher:subscribe", "data": "no JSON"},
        {"event": "pusher:subscribe", "data": "[]"},
        {"event": "pusher:subscribe", "data": {}},
        {"event": "pusher:subscribe", "data": {"channel": None}},
        {"event": "pusher:subscribe", "data": {"channel": 1}},
        {"event": "pusher:subscribe", "data": {"channel": ["a"]}},
        {"event": "pusher:subscribe", "data": {"channel": {"a": 1}}},
        {"event": "pusher:subscribe", "data": {"channel": "private-a", "auth": 1}},
        {"event": "pusher:subscribe", "data": {"channel": "private-a", "auth": ["KEY:x"]}},
        {"event": "pusher:subscribe", "data": {"channel": "presence-a", "auth": "", "channel_data": {"user_id": "1"}}},
        {"event": "pusher:subscribe", "data": {"channel": "presence-a", "auth": "", "channel_data": 7}},
        {"event": "pusher:subscribe", "data": {"channel": "a", "recover": 1}},
        {"event": "pusher:subscribe", "data": {"channel": "a", "recover": "e:1"}},
        {"event": "pusher:subscribe", "data": {"channel": "a", "recover": []}},
        {"event": "pusher:unsubscribe"},
        {"event": "pusher:unsubscribe", "data": {"channel": 1}},
        {"event": "pusher:signin"},
        {"event": "pusher:signin", "data": {"auth": "", "user_data": {"id": "1"}}},
        {"event": "pusher:signin", "data": {"auth": 1, "user_data": "{}"}},
        {"event": "client-a"},
        {"event": "client-a", "channel": 1, "data": {}},
        {"event": "client-a", "channel": None, "data": {}},
    ], ids=compact)
    def test_a_missing_member_or_one_of_a_wrong_type_gets_an_error(self, client, message):
        """Row 106."""
        client.text(compact(message))
        client.expect_error(None)
        client.expect_nothing()

    @pytest.mark.parametrize("channel_data", [
        "null", "[]", "1", '"x"', "{}", "no JSON", '{"user_id":null}', '{"user_id":{}}', '{"user_id":["a"]}',
        '{"user_id":true}', '{"user_id":""}', '{"user_info":{}}',
    ])
    def test_signed_channel_data_of_a_wrong_form_is_refused(self, client, channel_data):
        """Row 106."""
        client.expect_refusal("presence-form", 400, channel_data=channel_data)
        client.expect_nothing()

    @pytest.mark.parametrize("user_data", [
        "null", "[]", "1", '"x"', "{}", "no JSON", '{"id":null}', '{"id":1.5}', '{"id":""}', '{"id":"a b"}',
        '{"id":"a","watchlist":1}', '{"id":"a","watchlist":[1.5]}', '{"id":"a","watchlist":{"b":1}}',
    ])
    def test_signed_user_data_of_a_wrong_form_is_refused(self, client, user_data):
        """Row 106."""
        client.say("pusher:signin", {"auth": APP.user_auth(client.socket_id, user_data), "user_data": user_data})
        client.expect_error(4009)
        client.expect_nothing()

    def test_data_goes_on_at_a_depth_of_32_and_not_deeper(self, pusher):
        """Row 107: the envelope is the first level."""
        sender, hearer = Client(pusher.port, APP), Client(pusher.port, APP)
        for member in sender, hearer:
            member.subscribe("private-depth")
        whole = nested(DEPTH_LIMIT - 1)
        sender.text(f'{{"event":"client-deep","channel":"private-depth","data":{whole}}}')
        hearer.expect("client-deep", data=json.loads(whole))
        sender.text(f'{{"event":"client-deep","channel":"private-depth","data":{nested(DEPTH_LIMIT)}}}')
        sender.expect_error(None)
        sender.say("client-last", {}, channel="private-depth")
        hearer.expect("client-last")

    @pytest.mark.parametrize("opening, closing, inner", [("[", "]", ""), ('{"a":', "}", "1"), ("[", "", "")])
    @pytest.mark.parametrize("depth", [33, 34, 160, 256, 511, 512, 4_000])
    def test_deeper_messages_get_an_error(self, client, depth, opening, closing, inner):
        """Row 107."""
        client.text(nested(depth, opening, closing, inner))
        client.expect_error(None)
        client.text(f'{{"event":"pusher:subscribe","data":{nested(depth, opening, closing, inner)}}}')
        client.expect_error(None)
        inside = compact(nested(depth, opening, closing, inner))
        client.text(f'{{"event":"pusher:subscribe","data":{inside}}}')
        client.expect_error(None)
        client.expect_nothing()

    @pytest.mark.parametrize("depth", [33, 511, 5_000])
    def test_what_was_signed_is_not_deeper_either(self, client, depth):
        """Row 107."""
        client.expect_refusal("presence-depth", 400, channel_data=f'{{"user_id":"1","user_info":{nested(depth)}}}')
        user_data = f'{{"id":"1","user_info":{nested(depth)}}}'
        client.say("pusher:signin", {"auth": APP.user_auth(client.socket_id, user_data), "user_data": user_data})
        client.expect_error(4009)
        client.expect_nothing()

    def test_a_depth_of_100000_is_larger_than_any_message(self, client):
        """Row 107."""
        client.text(nested(100_000))
        client.expect_close(1009)

    @pytest.mark.parametrize("number", [
        "1e999999", "-1e999999", "18446744073709551616", "-9223372036854775809", "-0", "1.5",
        "1E2", "0.0",
        "9" * 60_000, "1e-999999", "-1e0",
    ], ids=lambda number: number[:24])
    def test_numbers_that_no_position_and_no_user_can_have(self, client, number):
        """Row 108."""
        client.text(
            '{"event":"pusher:subscribe","data":{"channel":"numbers","recover":{"epoch":"e","offset":%s}}}' % number)
        reply = client.expect("pusher_internal:subscription_succeeded", channel="numbers", recovered=False, gap=None)
        assert isinstance(reply["epoch"], str) and isinstance(reply["offset"], int), reply
        client.expect_refusal("presence-numbers", 400, channel_data='{"user_id":%s}' % number)
        client.expect_nothing()

    @pytest.mark.parametrize("number", ["01", "+1", ".5", "1.", "1e", "0x10", "--1", "1_000", "Infinity", "-"])
    def test_what_only_looks_like_a_number_gets_an_error(self, client, number):
        """Row 108."""
        client.text('{"event":"client-a","channel":"private-a","data":%s}' % number)
        client.expect_error(None)
        client.expect_nothing()

    def test_a_number_travels_as_it_was_written(self, pusher):
        """Row 108: nothing converts it on its way."""
        sender, hearer = Client(pusher.port, APP), Client(pusher.port, APP)
        for member in sender, hearer:
            member.subscribe("private-number")
        for number in "1e999999", "123456789012345678901234567890", "-0.0", "1.10":
            sender.text('{"event":"client-n","channel":"private-number","data":%s}' % number)
            payload = hearer.message().payload.decode()
            assert f'"data":{number}' in payload, payload

    @pytest.mark.parametrize("first, last, expected",
                             [("open", "private-closed", None), ("private-closed", "open", "open")])
    @pytest.mark.parametrize("name", ["channel", r"ch\u0061nnel"])
    def test_of_a_member_that_is_there_twice_the_last_one_counts(self, client, first, last, expected, name):
        """Row 109: for the right to a channel as for the channel."""
        client.text('{"event":"pusher:subscribe","data":{"channel":"%s","%s":"%s"}}' % (first, name, last))
        if expected is None:
            event = client.expect("pusher:subscription_error", channel=last)
            assert event["data"]["status"] == 401
        else:
            client.expect("pusher_internal:subscription_succeeded", channel=expected)
        client.expect_nothing()

    def test_of_an_identity_that_is_there_twice_the_last_one_counts(self, client):
        """Row 109: in what was signed, too."""
        reply = client.subscribe("presence-twice", channel_data='{"user_id":"eve","user_id":"bob"}')
        assert json.loads(reply["data"])["presence"]["ids"] == ["bob"]

    def test_an_event_that_is_there_twice_is_the_last_one(self, client):
        """Row 109."""
        client.text('{"event":"pusher:ping","event":"pusher:subscribe","data":{"channel":"b"}}')
        client.expect("pusher_internal:subscription_succeeded", channel="b")

    def test_proto_is_a_name_as_any_other(self, pusher):
        """Row 109."""
        client = Client(pusher.port, APP)
        client.text('{"__proto__":{"channel":"a"},"event":"pusher:subscribe","data":{"__proto__":{"channel":"b"}}}')
        client.expect_error(None)
        client.subscribe("__proto__")
        reply = client.subscribe("presence-proto", channel_data='{"user_id":"__proto__","user_info":{"__proto__":1}}')
        assert '"hash":{"__proto__":{"__proto__":1}}' in reply["data"], reply
        client.expect_nothing()

    @pytest.mark.parametrize("text", [
        '\ufeff{"event":"pusher:ping","data":{}}',
        r'{"event":"pusher:subscribe","data":{"channel":"\ud800"}}',
        r'{"event":"pusher:subscribe","data":{"channel":"a\udc00"}}',
        r'{"event":"pusher:subscribe","data":{"channel":"\udc00\ud800"}}',
        r'{"event":"\ud800","data":{}}',
        r'{"event":"client-a","channel":"private-\ud800","data":"x"}',
        r'{"event":"pusher:ping","data":"\ud800"}',
        '{"event":"client-a","channel":"private-a","data":"\n"}',
        '{"event":"client-a","channel":"private-a","data":"\x00"}',
        '{"event":"pusher:subscribe","data":{"channel":"a\x1f"}}',
        '{"event":"pusher:ping","data":{}}\x00',
        r'{"event":"pusher:subscribe","data":"{\"channel\":\"\\ud800\"}"}',
        r'{"event":"client-a","channel":"private-a","data":"\x41"}',
        r'{"event":"client-a","channel":"private-a","data":"\u12"}',
        '{"event":"pusher:ping","data":{},}',
        '{"event":"pusher:ping",/**/"data":{}}',
    ], ids=ascii)
    def test_text_that_is_no_clean_json_gets_an_error(self, client, text):
        """Row 109: byte order mark, lone surrogates, control characters, and what parsers disagree about."""
        client.text(text)
        client.expect_error(None)
        client.expect_nothing()

    @pytest.mark.parametrize("data", [r'"\ud800"', r'"a\uDFFFb\/"', r'{"\ud83d":["\ude00"]}'])
    def test_half_a_surrogate_pair_travels_in_data_as_it_was_written(self, pusher, api, data):
        sender, hearer = Client(pusher.port, APP), Client(pusher.port, APP)
        for member in sender, hearer:
            member.subscribe("private-halves")
        sender.text('{"event":"client-a","channel":"private-halves","data":%s}' % data)
        assert hearer.message().payload.decode().endswith('"data":%s}' % data)
        if data.startswith('"'):
            body = '{"name":"b","channels":["private-halves"],"data":%s}' % data
            assert api.post("/events", body.encode()).status == 200
            assert hearer.message().payload.decode().endswith('"data":%s}' % data)

    def test_half_a_surrogate_pair_elsewhere_costs_nobody_the_connection(self, client):
        for _ in range(20):
            client.text(r'{"event":"pusher:subscribe","data":{"channel":"\ud800"}}')
            client.expect_error(None)
        client.expect_nothing()

    @pytest.mark.parametrize("number", ["9007199254740993", "9223372036854775807", "18446744073709551615"])
    def test_numeric_ids_of_64_bits_are_their_digits(self, pusher, number):
        """Row 108."""
        watcher, client = Client(pusher.port, APP), Client(pusher.port, APP)
        watcher.join("presence-digits", "anna")
        data = '{"user_id":%s}' % number
        reply = client.subscribe(
            "presence-digits", auth=APP.auth(client.socket_id, "presence-digits", data), channel_data=data)
        assert number in json.loads(reply["data"])["presence"]["hash"], reply
        assert json.loads(watcher.expect("pusher_internal:member_added")["data"])["user_id"] == number

    def test_a_nul_that_is_escaped_is_data_but_no_name(self, pusher):
        """Row 109."""
        sender, hearer = Client(pusher.port, APP), Client(pusher.port, APP)
        sender.expect_refusal("nul\0", 400, auth="")
        for member in sender, hearer:
            member.subscribe("private-nul")
        sender.say("client-nul", "a\0b", channel="private-nul")
        hearer.expect("client-nul", data="a\0b")
        sender.say("client-\0", "x", channel="private-nul")
        sender.expect_error(4301)
        sender.say("client-😀", "😀", channel="private-nul")
        hearer.expect("client-😀", data="😀")

    def test_bytes_that_are_no_utf8_end_the_connection(self, client):
        """Row 109 (RFC 6455 §8.1)."""
        client.text(b'{"event":"pusher:subscribe","data":{"channel":"\xff"}}')
        client.expect_close(1007)

    def test_objects_with_as_many_members_as_a_message_holds(self, pusher):
        """Row 110."""
        before = pusher.processor_seconds()
        for keys in (lambda number: f"{number:x}"), (lambda number: "k" * (number % 50)), (lambda number: ""):
            client, members, size = Client(pusher.port, APP), [], 0
            while size < MESSAGE_LIMIT - 100:
                members.append(f'"{keys(len(members))}":0')
                size += len(members[-1]) + 1
            for _ in range(5):
                client.text('{%s"event":"pusher:ping","data":{}}' % "".join(member + "," for member in members))
                client.expect("pusher:pong")
                client.text('{"event":"pusher:subscribe","data":{%s}}' % ",".join(members))
                client.expect_error(None)
                if client.received:
                    break
            client.close()
        assert pusher.processor_seconds() - before < 5

    def test_a_message_of_the_limit_is_read_and_one_byte_more_is_not(self, client):
        """Row 110."""
        text = '{"event":"pusher:ping","data":"%s"}'
        filling = MESSAGE_LIMIT - len(text) + 2
        client.text(text % ("x" * filling))
        client.expect("pusher:pong")
        client.text(text % ("x" * (filling + 1)))
        client.expect_close(1009)

    @pytest.mark.parametrize("text", [
        '451-["message",{"_placeholder":true,"num":0}]', '4999999999-["message"]', "40", "2probe",
        '{"event":"pusher:subscribe","data":{"channel":"a"},"attachments":1e9}',
    ])
    def test_announced_attachments_are_never_waited_for(self, client, text):
        """Row 111: this protocol has none; whoever announces some gets an answer at once."""
        client.text(text)
        event = client.next_event()
        assert event["event"] in ("pusher:error", "pusher_internal:subscription_succeeded"), event
        client.expect_nothing()

    @pytest.mark.parametrize("payload", [b"\0", b'{"event":"pusher:ping","data":{}}'])
    def test_binary_messages_end_the_connection(self, client, payload):
        client.send(frame(wire.BINARY, payload))
        client.expect_error(1003)
        client.expect_close(1003)


class TestBodies:
    """Over HTTP."""

    @pytest.mark.parametrize("body", [
        "null", "[]", '""', "1", "true", "{}", " ", "nul", '{"name":"a"}', "[null]",
        '{"channels":["a"],"data":"x"}', '{"name":"a","data":"x"}', '{"name":"a","channels":["a"]}',
        '{"name":1,"channels":["a"],"data":"x"}', '{"name":null,"channels":["a"],"data":"x"}',
        '{"name":"","channels":["a"],"data":"x"}', '{"name":"a","channels":1,"data":"x"}',
        '{"name":"a","channels":"a","data":"x"}', '{"name":"a","channels":{},"data":"x"}',
        '{"name":"a","channels":[],"data":"x"}', '{"name":"a","channels":[1],"data":"x"}',
        '{"name":"a","channels":[null],"data":"x"}', '{"name":"a","channels":[["a"]],"data":"x"}',
        '{"name":"a","channel":["a"],"data":"x"}', '{"name":"a","channels":["a"],"data":1}',
        '{"name":"a","channels":["a"],"data":null}', '{"name":"a","channels":["a"],"data":{}}',
        '{"name":"a","channels":["a"],"data":"x","socket_id":1}',
        '{"name":"a","channels":["a"],"data":"x","socket_id":"1"}',
        '{"name":"a","channels":["a"],"data":"x","socket_id":"1.1\\n"}',
        '{"name":"a","channels":["a"],"data":"x","info":1}',
        '{"name":"a","channels":["a"],"data":"x","info":"everything"}',
    ])
    def test_events_of_a_wrong_form_are_a_bad_request(self, api, body):
        """Rows 104 and 106."""
        answer = api.post("/events", body.encode())
        assert answer.status == 400, answer
        error_of(answer)

    @pytest.mark.parametrize("body", [
        "null", "[]", "{}", '{"batch":null}', '{"batch":1}', '{"batch":{}}', '{"batch":"x"}', '{"batch":[]}',
        '{"batch":[{}]}', '{"batch":[{"name":"a","channel":"a","data":1}]}', '{"batch":[{"name":"a","data":"x"}]}',
        '{"batch":[{"name":"a","channels":["a"],"data":"x"}]}',
    ])
    def test_batches_of_a_wrong_form_are_a_bad_request(self, api, body):
        """Rows 104 and 106."""
        answer = api.post("/batch_events", body.encode())
        if body == '{"batch":[]}':
            assert answer.status in (200, 400), answer  # nothing to do, and nothing wrong
            return
        assert answer.status == 400, answer
        error_of(answer)

    @pytest.mark.parametrize("item", ["null", "1", "[]", '"a"', "{}", "[null]"])
    def test_an_item_of_a_batch_that_is_no_event_is_named(self, api, item):
        """Row 105; and nothing of the batch is published."""
        channel = "row-105"
        whole = '{"name":"a","channel":"%s","data":"x"}' % channel
        before = api.history(channel)["offset"]
        answer = api.post("/batch_events", f'{{"batch":[{whole},{whole},{item},{whole}]}}'.encode())
        assert answer.status == 400, answer
        assert "2" in error_of(answer), answer
        assert api.history(channel)["offset"] == before

    @pytest.mark.parametrize("depth, status", [(31, 200), (32, 400), (160, 400), (511, 400), (100_000, 400)])
    @pytest.mark.parametrize("opening, closing", [("[", "]"), ("[", "")])
    def test_bodies_are_not_deeper_than_32(self, api, depth, status, opening, closing):
        """Row 107."""
        deep = nested(depth, opening, closing)
        answer = api.post("/events", f'{{"name":"a","channels":["a"],"data":"x","more":{deep}}}'.encode())
        assert answer.status == (status if closing else 400), answer
        answer = api.post("/batch_events", deep.encode())
        assert answer.status == 400, answer

    @pytest.mark.parametrize("number", ["1e999999", "9223372036854775808", "-0", "9" * 200_000],
                             ids=lambda text: text[:24])
    def test_numbers_are_not_converted(self, api, number):
        """Row 108."""
        for body, status in (
            (f'{{"name":"a","channels":["a"],"data":"x","more":{number}}}', 200),
            (f'{{"name":"a","channels":["a"],"data":{number}}}', 400),
            (f'{{"name":{number},"channels":["a"],"data":"x"}}', 400),
            (f'{{"name":"a","channels":["a"],"data":"x","socket_id":{number}}}', 400),
        ):
            assert api.post("/events", body.encode()).status == status, body[:100]

    def test_ten_million_digits_are_more_than_a_body_may_have(self, api):
        """Row 108."""
        assert api.post("/events", b"9" * 10_000_000).status == 413

    def test_of_a_member_that_is_there_twice_the_last_one_counts(self, api, pusher):
        """Row 109."""
        client = Client(pusher.port, APP)
        for channel in "first", "last":
            client.subscribe(channel)
        body = r'{"name":"no","n\u0061me":"yes","channel":"first","channel":"last","data":"1","data":"2"}'
        assert api.post("/events", body.encode()).status == 200
        client.expect("yes", channel="last", data="2")
        api.published("first", "end")
        client.expect("end", channel="first")

    @pytest.mark.parametrize("body", [
        b'\xef\xbb\xbf{"name":"a","channels":["a"],"data":"x"}',
        rb'{"name":"a","channels":["\ud800"],"data":"x"}',
        rb'{"name":"\udc00","channels":["a"],"data":"x"}',
        b'{"name":"a","channels":["a"],"data":"\x01"}',
        b'{"name":"a","channels":["a"],"data":"\n"}',
        rb'{"name":"a\u0000","channels":["a"],"data":"x"}',
        rb'{"name":"a","channels":["a\u0000"],"data":"x"}',
        b'{"name":"a","channels":["a"],"data":"\xff"}',
        b'{"name":"a","channels":["a"],"data":"\xc0\x80"}',
        b'{"name":"a","channels":["a"],"data":"\xed\xa0\x80"}',
        b'{"name":"a","channels":["a"],"data":"x"}\0',
        b'{"name":"a","channels":["a"],"data":"x"}{}',
    ], ids=ascii)
    def test_text_that_is_no_clean_json_is_a_bad_request(self, api, body):
        """Row 109."""
        answer = api.post("/events", body)
        assert answer.status == 400, answer
        error_of(answer)

    def test_data_travels_as_it_is(self, api, pusher):
        """Row 109: what is data is nobody's to judge."""
        client = Client(pusher.port, APP)
        client.subscribe("as-it-is")
        texts = "", "null", "\0", '{"a":1,"a":2}', "\ufeff", "[" * 5000, "\u2028</script>", '"', "\\", "😀ée\u0301"
        for data in texts:
            assert api.publish("as-it-is", "data", data).status == 200
            client.expect("data", data=data)
        api.post("/events", rb'{"name":"data","channels":["as-it-is"],"data":"\ud83d\ude00\/\u0041"}')
        client.expect("data", data="😀/A")

    def test_objects_with_as_many_members_as_a_body_holds(self, api, pusher):
        """Row 110."""
        before = pusher.processor_seconds()
        for members in [f'"{number:x}":0' for number in range(22_000)], ['"":0'] * 40_000, ['"name":"a"'] * 20_000:
            body = '{"channels":["a"],"data":"x","name":"a",%s}' % ",".join(members)
            assert len(body) < BODY_LIMIT
            for _ in range(3):
                assert api.post("/events", body.encode()).status == 200
        assert pusher.processor_seconds() - before < 5


class TestRate:
    """Row 112, at the default limits."""

    def test_a_thousand_subscribes_and_unsubscribes_at_once(self, serve):
        server = serve("--config", CONFIGURATION)
        for _ in range(5):
            client = Client(server.port, APP)
            pair = [compact({"event": event, "data": {"channel": "churn"}})
                    for event in ("pusher:subscribe", "pusher:unsubscribe")]
            client.send(b"".join(frame(TEXT, text) for text in pair * 500))
            # Who leaves in the same breath gets no answer; who stays does, and the connection stays, too.
            client.say("pusher:subscribe", {"channel": "stays"})
            while (event := client.next_event())["channel"] != "stays":
                assert event["event"] == "pusher_internal:subscription_succeeded", event
            assert event["event"] == "pusher_internal:subscription_succeeded", event
            client.close()
        api = API(server.port, APP)
        wire.eventually(
            lambda: json.loads(api.get("/channels").body) == {"channels": {}}, 5, "channels stay behind")
        client = Client(server.port, APP)
        client.subscribe("churn")
        api.published("churn", "still", "here")
        client.expect("still", data="here")

    def test_messages_above_the_rate_are_answered_later_and_none_is_lost(self, serve):
        server = serve("--config", CONFIGURATION)
        client = Client(server.port, APP)
        client.send(b"".join(frame(TEXT, '{"event":"pusher:ping","data":{}}') for _ in range(150)))
        for _ in range(150):
            client.expect("pusher:pong")
        client.say("pusher:ping", {})
        client.expect("pusher:pong")


def test_nothing_is_left(pool):
    for watched in pool.values():
        watched.assert_nothing_left()
