"""The HTTP API of the Pusher protocol (rows 136 to 145): who may publish, once, how much, and how fast.

Row 142, with two nodes, waits until there can be two; on one node Compliance/pusher/test_idempotency.py has it.
"""

import gzip
import hashlib
import json
import random
import threading
import time
import urllib.parse
import zlib

import pytest

import pusher_wire
import wire
from pusher_wire import API, App, Client, error_of
from wire import KIB, MIB

APP = App("1", "api-key", "api-secret-of-the-tests", {"client_events": True})
ONCE = App("2", "once-key", "once-secret-of-the-tests", {"refuse_replay": True})
SLOW = App("3", "slow-key", "slow-secret-of-the-tests", {"limits": {"request_rate": 50}})
OFF = App("4", "off-key", "off-secret-of-the-tests", {"enabled": False})
CONFIGURATION = pusher_wire.write_configuration([APP, ONCE, SLOW, OFF])
BODY_LIMIT = 256 * KIB
EVENTS = "/apps/1/events"
BODY = b'{"name":"event","channels":["signed"],"data":"x"}'


@pytest.fixture
def pusher(serve):
    return serve("--config", CONFIGURATION, *pusher_wire.UNHURRIED)


@pytest.fixture
def api(pusher):
    return API(pusher.port, APP)


@pytest.fixture
def post(api):
    """Sends BODY with a query as it is."""
    return lambda query, body=BODY, *fields: api.exchange("POST", f"{EVENTS}?{query}", body, *fields)


def refused(answer):
    assert answer.status == 401, answer
    error_of(answer)


class TestSignatures:
    """Rows 136 and 137."""

    @pytest.mark.parametrize("place", [0, 1, 31, 62, 63])
    def test_one_digit_makes_another_signature(self, post, place):
        query = APP.query("POST", EVENTS, BODY)
        assert post(query).status == 200
        start = query.index("auth_signature=") + len("auth_signature=") + place
        wrong = "0" if query[start] != "0" else "1"
        refused(post(query[:start] + wrong + query[start + 1 :]))

    @pytest.mark.parametrize("signature", [
        "", "x", "0", "0" * 63, "0" * 64, "0" * 65, "g" * 64, "%00" * 64, "0" * 3000, "é" * 32, "true", "null", "[]",
        "{}",
        "%", "%zz", "' OR 1=1 --", "%C0%80",
    ], ids=lambda text: ascii(text)[:12])
    def test_what_is_no_signature_is_refused(self, post, signature):
        query = APP.query("POST", EVENTS, BODY).partition("auth_signature=")[0]
        refused(post(query + "auth_signature=" + urllib.parse.quote(signature, safe="%[]{}")))

    def test_forms_that_others_take_for_a_signature(self, post):
        query = APP.query("POST", EVENTS, BODY)
        before, _, right = query.partition("auth_signature=")
        for wrong in (
            f"auth_signature[]={right}", f"auth_signature%5B%5D={right}", f"auth_signature[0]={right}",
            f"auth_signature={right.upper()}",
            f"auth_signature={right}&auth_signature={right}", f"auth_signature={right}&auth_signature=x",
            f"auth_signature=x&auth_signature={right}", f"auth_signature={right}&auth_signature[]={right}",
            f"auth_signature={right}%20",
            f"auth_signature=%00{right}", f"auth_signature={right}%0a", f"auth_signature=+{right}",
            f"auth_signature={right[:-1]}",
            f"auth_signature={right}0", "auth_signature", "auth_signature=", "", f"AUTH_SIGNATURE={right}x",
            f"auth_signature=0x{right}",
        ):
            refused(post(before + wrong))
        assert post(before + "auth_signature=" + "".join(f"%{ord(digit):02x}" for digit in right)).status == 200

    @pytest.mark.parametrize("name", ["auth_key", "auth_timestamp", "auth_version", "body_md5"])
    def test_a_parameter_that_is_missing_empty_twice_or_an_array(self, post, name):
        refused(post(APP.query("POST", EVENTS, BODY, **{name: None})))
        refused(post(APP.query("POST", EVENTS, BODY, **{name: ""})))
        right = APP.query("POST", EVENTS, BODY)
        value = [pair.partition("=")[2] for pair in right.split("&") if pair.startswith(name + "=")][0]
        refused(post(f"{right}&{name}={value}"))
        refused(post(f"{right}&{name}[]={value}"))
        refused(post(right.replace(f"{name}=", f"{name}[]=")))

    def test_the_method_and_the_path_are_signed(self, api, post):
        refused(post(APP.query("GET", EVENTS, BODY)))
        refused(post(APP.query("POST", "/apps/1/batch_events", BODY)))
        refused(post(APP.query("POST", EVENTS + "/", BODY)))
        refused(post(APP.query("POST", "/events", BODY)))
        path = "/apps/1/channels"
        refused(api.exchange("GET", f"{path}?{APP.query('GET', path)}&info=subscription_count"))
        query = APP.query("GET", path, b"", {"filter_by_prefix": "a"}).replace("prefix=a", "prefix=b")
        refused(api.exchange("GET", f"{path}?{query}"))

    def test_another_version_key_or_app(self, post, api):
        refused(post(APP.query("POST", EVENTS, BODY, auth_version="2.0")))
        refused(post(APP.query("POST", EVENTS, BODY, auth_key="none")))
        refused(post(APP.query("POST", EVENTS, BODY, auth_key=SLOW.key)))
        refused(post(SLOW.query("POST", EVENTS, BODY)))
        refused(post(App("1", APP.key, "another secret").query("POST", EVENTS, BODY)))
        target = "/apps/none/events"
        assert api.exchange("POST", f"{target}?{APP.query('POST', target, BODY)}", BODY).status == 404
        target = f"/apps/{OFF.id}/events"
        assert api.exchange("POST", f"{target}?{OFF.query('POST', target, BODY)}", BODY).status == 403

    def test_nothing_of_a_refused_request_is_published(self, api, pusher):
        client = Client(pusher.port, APP)
        client.subscribe("signed")
        refused(api.exchange(
            "POST", f"{EVENTS}?{APP.query('POST', EVENTS, BODY, signature='0' * 64)}", BODY))
        api.published("signed", "last")
        client.expect("last")


class TestTime:
    """Row 138."""

    @pytest.mark.parametrize("seconds, status", [
        (-590, 200), (-1, 200), (0, 200), (590, 200), (-610, 401), (-660, 401), (-3600, 401), (610, 401), (10**9, 401),
    ])
    def test_a_signature_is_good_for_600_seconds(self, post, seconds, status):
        assert post(APP.query("POST", EVENTS, BODY, auth_timestamp=int(time.time()) + seconds)).status == status

    @pytest.mark.parametrize("timestamp",
                             ["0", "-1", "x", "1e9", "9" * 400, str(2**63), str(2**64), "1.5", " 1", "+1", "１"],
                             ids=lambda text: ascii(text)[:12])
    def test_a_timestamp_that_is_none(self, post, timestamp):
        refused(post(APP.query("POST", EVENTS, BODY, auth_timestamp=timestamp)))

    def test_a_timestamp_with_something_around_it(self, post):
        now = int(time.time())
        for timestamp in f"{now}x", f"{now}.0", f"{now} ", f"0x{now:x}", f"{now}e0":
            refused(post(APP.query("POST", EVENTS, BODY, auth_timestamp=timestamp)))

    def test_inside_its_window_a_request_is_carried_out_again(self, post, api):
        """Two honest requests of one second can bear one signature."""
        query, before = APP.query("POST", EVENTS, BODY), api.history("signed")["offset"]
        assert [post(query).status for _ in range(3)] == [200] * 3
        assert api.history("signed")["offset"] == before + 3

    def test_unless_the_app_refuses_that(self, pusher):
        api, target = API(pusher.port, ONCE), "/apps/2/events"
        query = ONCE.query("POST", target, BODY, auth_timestamp=int(time.time()) - 1)
        assert api.exchange("POST", f"{target}?{query}", BODY).status == 200
        refused(api.exchange("POST", f"{target}?{query}", BODY))
        refused(API(pusher.port, ONCE).exchange("POST", f"/prefix{target}?{query}", BODY))
        pairs = query.split("&")
        refused(api.exchange("POST", f"{target}?{'&'.join(reversed(pairs))}", BODY))
        # What was refused for another reason has not been used.
        path = "/apps/2/channels/signed/history"
        assert len(json.loads(api.exchange("GET", f"{path}?{ONCE.query('GET', path)}").body)["events"]) == 1


class TestBodies:
    """Row 139."""

    @pytest.mark.parametrize("digest", [
        "0" * 32, hashlib.md5(b"another body").hexdigest(), hashlib.md5(BODY).hexdigest().upper(),
        hashlib.md5(BODY).hexdigest() + "0",
        hashlib.md5(BODY).hexdigest()[:-1], hashlib.sha256(BODY).hexdigest(), "x", hashlib.md5(b"").hexdigest(),
    ])
    def test_a_digest_of_another_body_is_refused(self, post, digest):
        refused(post(APP.query("POST", EVENTS, BODY, body_md5=digest)))

    def test_a_body_that_was_changed_is_refused(self, post, api):
        query, before = APP.query("POST", EVENTS, BODY), api.history("signed")["offset"]
        for body in BODY.replace(b'"x"', b'"y"'), BODY + b" ", BODY[:-1], b" " + BODY:
            refused(post(query, body))
        assert api.history("signed")["offset"] == before

    def test_a_get_may_have_the_digest_of_nothing_but_no_body(self, api):
        path = "/apps/1/channels"
        empty = hashlib.md5(b"").hexdigest()
        assert api.exchange("GET", f"{path}?{APP.query('GET', path, b'', {'body_md5': empty})}").status == 200
        assert api.exchange("GET", f"{path}?{APP.query('GET', path, b'', {'body_md5': '0' * 32})}").status == 401
        for query in APP.query("GET", path), APP.query("GET", path, b"{}"):
            answer = api.exchange("GET", f"{path}?{query}", b"{}")
            assert answer.status in (400, 401), answer

    @pytest.mark.parametrize("coding", ["", " ", "deflate", "br", "identity, gzip", "gzip, identity", "x-gzip", "gzip;q=1"])
    def test_another_encoding_than_gzip_is_not_supported(self, post, coding):
        """Row 33."""
        answer = post(APP.query("POST", EVENTS, BODY), BODY, f"Content-Encoding: {coding}")
        assert answer.status == 415 and answer.get("Accept-Encoding") == "gzip, identity", answer

    @pytest.mark.parametrize("coding", ["identity", "Identity"])
    def test_identity_counts_as_absent(self, post, coding):
        assert post(APP.query("POST", EVENTS, BODY), BODY, f"Content-Encoding: {coding}").status == 200

    @pytest.mark.parametrize("coding", ["gzip", "GZIP"])
    def test_a_gzip_body_is_read_and_what_was_sent_is_signed(self, api, post, coding):
        before, sent = api.history("signed")["offset"], gzip.compress(BODY)
        assert post(APP.query("POST", EVENTS, sent), sent, f"Content-Encoding: {coding}").status == 200
        refused(post(APP.query("POST", EVENTS, BODY), sent, f"Content-Encoding: {coding}"))
        assert api.history("signed")["offset"] == before + 1

    @pytest.mark.parametrize("damage", [
        lambda body: body + b"\0", lambda body: body + b"x" * 1000, lambda body: body * 2, lambda body: body[:-1],
        lambda body: body[:12], lambda body: body[:-4] + b"\0\0\0\0", lambda body: body[2:], lambda body: BODY,
        lambda body: zlib.compress(BODY), lambda body: b"\x1f\x8b",
    ])
    def test_what_is_not_exactly_one_gzip_member_is_400(self, api, post, damage):
        before, sent = api.history("signed")["offset"], damage(gzip.compress(BODY))
        assert post(APP.query("POST", EVENTS, sent), sent, "Content-Encoding: gzip").status == 400
        assert api.history("signed")["offset"] == before

    def test_a_bomb_takes_no_more_than_the_limit_of_a_body(self, pusher, post):
        """Row 33: a body of the limit that would become 240 MiB, and one below the limit but above the ratio."""
        bombs = [gzip.compress(b" " * (240 * MIB), 9)[:BODY_LIMIT], gzip.compress(BODY + b" " * 100_000)]
        before = pusher.resident()
        for _ in range(20):
            for sent in bombs:
                assert post(APP.query("POST", EVENTS, sent), sent, "Content-Encoding: gzip").status == 413
        assert pusher.resident() - before < 16 * MIB

    @pytest.mark.parametrize("count, status", [(BODY_LIMIT, 200), (BODY_LIMIT + 1, 413)])
    def test_a_gzip_body_may_be_inflated_to_the_limit(self, post, count, status):
        # Random letters, so that the ratio stays below 20.
        text = "".join(random.Random(7).choices("abcdefghijklmnop", k=60_000))
        body = b'{"name":"event","channels":["signed"],"data":"%s"}' % text.encode()
        sent = gzip.compress(body + b" " * (count - len(body)))
        assert post(APP.query("POST", EVENTS, sent), sent, "Content-Encoding: gzip").status == status

    def test_no_page_of_another_origin_may_read_an_answer(self, post):
        """Row 56."""
        answer = post(APP.query("POST", EVENTS, BODY), BODY, "Origin: https://evil.example")
        assert not [name for name, _ in answer.fields if name.lower().startswith("access-control-")], answer

    def test_a_body_of_10_mb_is_refused_by_its_length(self, pusher):
        """Row 143: before it is sent."""
        connection = wire.Connection(pusher.port)
        target = f"{EVENTS}?{APP.query('POST', EVENTS, BODY)}"
        connection.send(wire.request(target, "Content-Length: 10000000", method="POST"))
        assert connection.response().status == 413
        connection.expect_end()

    @pytest.mark.parametrize("framing", ["length", "chunked"])
    def test_a_body_of_10_mb_is_not_kept(self, pusher, framing):
        """Row 143."""
        pusher.forget_peak()
        before = pusher.resident()
        connections = []
        for _ in range(3):
            connection = wire.Connection(pusher.port)
            target = f"{EVENTS}?{APP.query('POST', EVENTS, BODY)}"
            if framing == "length":
                connection.send(wire.request(target, "Content-Length: 10000000", method="POST"))
                connection.send(b"x" * 10_000_000)
            else:
                connection.send(wire.request(target, "Transfer-Encoding: chunked", method="POST"))
                connection.send((b"10000\r\n" + b"x" * 65536 + b"\r\n") * 153)
            connections.append(connection)
        for connection in connections:
            answer = connection.rest()  # nothing, if the reset of the connection has overtaken it
            assert not answer or answer.startswith(b"HTTP/1.1 413 "), answer
        assert pusher.peak() < before + 4 * MIB

    def test_a_body_of_the_limit_is_read_and_one_byte_more_is_not(self, api):
        """Row 143."""
        small = b'{"name":"a","channels":["a"],"data":"x"}'
        assert api.post("/events", small + b" " * (BODY_LIMIT - len(small))).status == 200
        assert api.post("/events", small + b" " * (BODY_LIMIT + 1 - len(small))).status == 413

    def test_data_of_the_limit_is_taken_and_one_byte_more_is_not(self, api):
        assert api.publish("large", "event", "é" * 32_768).status == 200
        answer = api.publish("large", "event", "é" * 32_768 + "a")
        assert answer.status == 413, answer
        error_of(answer)


class TestIdempotency:
    """Rows 140 and 141."""

    def test_the_same_body_gets_the_same_answer_and_is_published_once(self, api, pusher):
        client = Client(pusher.port, APP)
        client.subscribe("once")
        answers = [api.publish("once", "event", "x", "Idempotency-Key: key-140", info="position") for _ in range(5)]
        assert {(answer.status, answer.body) for answer in answers} == {(200, answers[0].body)}
        # Over another connection, and signed in another second.
        time.sleep(1.1)
        again = API(pusher.port, APP).publish("once", "event", "x", "Idempotency-Key: key-140", info="position")
        assert (again.status, again.body) == (200, answers[0].body)
        api.published("once", "last")
        client.expect("event", data="x")
        client.expect("last")

    @pytest.mark.parametrize("change", [
        {"data": "y"}, {"event": "other"}, {"channel": "twice-other"}, {"channel": ["twice", "b"]},
        {"info": "position"},
    ], ids=str)
    def test_another_body_is_a_conflict_and_not_published(self, api, change):
        first = {"channel": "twice", "event": "event", "data": "x"}
        key = f"Idempotency-Key: key-141-{abs(hash(str(change)))}"
        assert api.publish(first["channel"], first["event"], first["data"], key).status == 200
        before = api.history("twice")["offset"], api.history("twice-other")["offset"]
        second = first | change
        more = {"info": second.pop("info")} if "info" in second else {}
        answer = api.publish(second["channel"], second["event"], second["data"], key, **more)
        assert answer.status == 409, answer
        error_of(answer)
        assert api.publish(first["channel"], first["event"], first["data"], key).status == 200
        assert (api.history("twice")["offset"], api.history("twice-other")["offset"]) == before

    def test_a_batch_and_an_event_do_not_share_a_key(self, api):
        key = "Idempotency-Key: key-141-batch"
        assert api.post("/batch_events", {"batch": [{"name": "a", "channel": "batch", "data": "x"}]}, key).status == 200
        assert api.post("/events", {"batch": [], "name": "a", "channel": "batch", "data": "x"}, key).status == 409
        assert api.post("/batch_events", {"batch": [{"name": "a", "channel": "batch", "data": "x"}]}, key).status == 200
        assert api.history("batch")["offset"] == 1

    def test_the_key_of_one_app_is_not_that_of_another(self, pusher):
        key = "Idempotency-Key: key-141-apps"
        assert API(pusher.port, APP).publish("apps", "event", "x", key).status == 200
        assert API(pusher.port, SLOW).publish("apps", "event", "y", key).status == 200

    def test_without_a_key_nothing_is_a_repetition(self, api):
        before = api.history("often")["offset"]
        for _ in range(3):
            api.published("often", "event", "x")
        assert api.history("often")["offset"] == before + 3

    @pytest.mark.parametrize("key", ["", " ", "k" * 256, "k" * 8000, "a\tb", "é"])
    def test_a_key_that_is_none_is_a_bad_request(self, api, key):
        before = api.history("no-key")["offset"]
        answer = api.publish("no-key", "event", "x", f"Idempotency-Key: {key}")
        assert answer.status == 400, answer
        assert api.history("no-key")["offset"] == before

    def test_a_request_that_was_refused_does_not_take_its_key(self, api):
        key = "Idempotency-Key: key-refused"
        assert api.publish("taken", "pusher:event", "x", key).status == 400
        body = b'{"name":"event","channels":["taken"],"data":"x"}'
        refused(api.post("/events", body, key, signature="0" * 64))
        assert api.publish("taken", "event", "x", key).status == 200
        assert api.history("taken")["offset"] == 1


class TestSizes:
    """Row 144."""

    @pytest.mark.parametrize("count, status", [(100, 200), (101, 400), (1_000, 400), (10_000, 413)])
    def test_events_of_a_batch(self, api, count, status):
        before = api.history("many")["offset"]
        answer = api.post("/batch_events", {"batch": [{"name": "a", "channel": "many", "data": ""}] * count})
        assert answer.status == status, answer
        assert api.history("many")["offset"] == before + (count if status == 200 else 0)

    @pytest.mark.parametrize("count, is_taken", [(100, True), (101, False), (1_000, False), (10_000, False)])
    def test_channels_of_an_event(self, api, count, is_taken):
        before = api.history("c0")["offset"]
        answer = api.publish([f"c{number}" for number in range(count)], "a")
        assert answer.status in ((200,) if is_taken else (400, 413)), answer
        assert api.history("c0")["offset"] == before + is_taken

    def test_a_channel_that_is_named_100_times_gets_it_once(self, api, pusher):
        client = Client(pusher.port, APP)
        client.subscribe("same")
        assert api.publish(["same"] * 100, "event").status == 200
        api.published("same", "last")
        client.expect("event")
        client.expect("last")

    def test_an_encrypted_channel_is_alone(self, api):
        assert api.publish(["private-encrypted-a", "b"], "event").status == 400
        assert api.publish(["private-encrypted-a"], "event").status == 200


class TestRate:
    """Row 145."""

    def test_a_flood_of_one_key_is_429_and_harms_nobody(self, pusher, api):
        client = Client(pusher.port, APP)
        client.subscribe("beside")
        target = f"/apps/{SLOW.id}/events"
        one = wire.request(
            f"{target}?{SLOW.query('POST', target, BODY)}", "Content-Type: application/json",
            f"Content-Length: {len(BODY)}",
            method="POST", body=BODY)
        answers = []

        def flood():
            connection = wire.Connection(pusher.port)
            for _ in range(500):
                connection.send(one)
                answers.append(connection.response())

        began = time.monotonic()
        threads = [threading.Thread(target=flood) for _ in range(8)]
        for thread in threads:
            thread.start()
        for number in range(20):  # another key, all the while
            api.published("beside", "event", str(number))
            client.expect("event", data=str(number))
        for thread in threads:
            thread.join()
        seconds = time.monotonic() - began
        assert len(answers) == 4_000
        taken = [answer for answer in answers if answer.status == 200]
        late = [answer for answer in answers if answer.status == 429]
        assert len(taken) + len(late) == len(answers)
        assert 50 <= len(taken) <= 100 + 50 * seconds, f"{len(taken)} in {seconds:.1f} s"
        for answer in late:
            assert 1 <= int(answer.get("Retry-After")) <= 60
            error_of(answer)

    def test_what_is_not_signed_takes_nothing_from_those_who_sign(self, pusher):
        api, target = API(pusher.port, SLOW), f"/apps/{SLOW.id}/channels"
        wire.eventually(lambda: api.get("/channels").status == 200, 10, "the key has its rate again")
        time.sleep(1.1)
        wrong = f"{target}?{SLOW.query('GET', target, signature='0' * 64)}"
        assert {api.exchange("GET", wrong).status for _ in range(300)} == {401}
        assert api.get("/channels").status == 200


class TestForms:
    @pytest.mark.parametrize("method, path, status", [
        ("GET", "/apps/1/events", 405), ("PUT", "/apps/1/events", 405), ("DELETE", "/apps/1/channels", 405),
        ("POST", "/apps/1/channels", 405), ("GET", "/apps/1", 404), ("GET", "/apps/1/", 404), ("GET", "/apps/", 404),
        ("GET", "/apps/1/nothing", 404), ("GET", "/apps/1/channels/a/b/c", 404),
        ("POST", "/apps/1/users/a/nothing", 404),
        ("GET", "/apps/1/channels/public/users", 400), ("GET", "/apps/1/channels/", 404),
    ])
    def test_what_is_not_there(self, api, method, path, status):
        answer = api.exchange(method, f"{path}?{APP.query(method, path)}")
        assert answer.status in ((400, 404) if path.endswith("/channels/") else (status,)), answer

    def test_an_empty_list_is_an_object(self, api):
        """Trap 3 of the protocol's notes."""
        assert api.get("/channels", {"filter_by_prefix": "nobody-"}).body == b'{"channels":{}}'

    def test_many_requests_on_one_connection(self, api):
        """Row 36."""
        for number in range(500):
            assert api.publish("keep-alive", "event", str(number)).status == 200
        connection = api.connection
        assert api.get("/channels").status == 200
        assert api.connection is connection

    def test_requests_in_a_row_are_answered_in_their_order(self, pusher):
        connection, bodies = wire.Connection(pusher.port), []
        for number in range(50):
            body = json.dumps({"name": "event", "channels": ["row"], "data": str(number), "info": "position"}).encode()
            bodies.append(wire.request(f"{EVENTS}?{APP.query('POST', EVENTS, body)}", f"Content-Length: {len(body)}",
                                       method="POST", body=body))
        connection.send(b"".join(bodies))
        offsets = [json.loads(connection.response().body)["channels"]["row"]["position"]["offset"] for _ in range(50)]
        assert offsets == list(range(offsets[0], offsets[0] + 50))


def test_nothing_is_left(pool):
    for watched in pool.values():
        watched.assert_nothing_left()
