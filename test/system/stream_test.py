"""Events as a stream through the gateway: who gets what, nothing lost or repeated however often a connection is cut, and
listeners that do not listen."""
import json
import os
import pathlib
import random
import re
import subprocess
import threading
import time
import unittest

from event_client import Refused, SseListener, WebSocketListener
from harness import SystemTest, wait_until
from programs import Gateway

CUTS = int(os.environ.get("SB_STREAM_CUTS", 100))  # of connections, by all listeners together
TENANTS = ["00000000-0000-7000-8000-000000000001", "00000000-0000-7000-8000-000000000002"]
ANN, SUE = "00000000-0000-7000-8000-0000000000a1", "00000000-0000-7000-8000-0000000000a2"
KINDS = (SseListener, WebSocketListener)


class StreamTest(SystemTest):
    OPTIONS = ("--no-access-log", "--stream-recheck", "1", "--stream-patience", "1", "--max-user-streams", "3",
               "--max-per-address", "0")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster.sql(f"""
            CREATE EXTENSION pg_switchboard;
            CREATE ROLE gateway LOGIN IN ROLE switchboard_gateway;
            INSERT INTO switchboard.tenants (id, name) VALUES ('{TENANTS[0]}', 'one'), ('{TENANTS[1]}', 'two');
            INSERT INTO switchboard.users (id, tenant_id, name, role)
            VALUES ('{ANN}', '{TENANTS[0]}', 'ann', 'agent'), ('{SUE}', '{TENANTS[0]}', 'sue', 'supervisor')""")
        cls.gateway = cls.start_gateway()

    @classmethod
    def start_gateway(cls, *options):
        gateway = Gateway(cls.cluster, "postgres user=gateway", (*cls.OPTIONS, *options))
        cls.addClassCleanup(gateway.stop)
        return gateway

    def setUp(self):
        """The feed of a tenant begins behind what other tests left, also in the memory of the gateway."""
        self.cluster.sql("DELETE FROM switchboard.events")
        self.begin = int(self.cluster.sql(f"SELECT switchboard._feed_position('{TENANTS[0]}')"))

    def key(self, tenant=0, user=None, expires="NULL"):
        """An API key, of an agent or supervisor, or of the tenant as a whole."""
        who = "NULL" if user is None else f"'{user}'"
        return self.cluster.sql(f"""BEGIN; SELECT switchboard.set_identity('{TENANTS[tenant]}');
            SELECT switchboard.create_api_key('test', {who}, {expires}); COMMIT""").split()[-1]

    def listen(self, key, kind=SseListener, gateway=None, **more):
        listener = kind((gateway or self.gateway).url, key, **more)
        self.addCleanup(listener.close)
        return listener

    def follow(self, key, kind=SseListener, **more):
        return self.listen(key, kind, **more).wait_until_ready()

    def add(self, count=1, tenant=0, event="new-call", user=None, size=0):
        who = "NULL" if user is None else f"'{user}'"
        self.cluster.sql(f"""INSERT INTO switchboard.events (tenant_id, event, user_id, data)
            SELECT '{TENANTS[tenant]}', '{event}', {who}, jsonb_build_object('n', n, 'text', repeat('x', {size}))
            FROM generate_series(1, {count}) n""")

    def stored(self, tenant=0):
        rows = self.cluster.sql(f"SELECT seq FROM switchboard.events WHERE tenant_id = '{TENANTS[tenant]}' ORDER BY seq")
        return [int(row) for row in rows.split()]

    def read_all(self, listener, count):
        seqs = []
        while len(seqs) < count:
            event = listener.next()
            if event["event"] != "ready":
                seqs.append(event["seq"])
        return seqs

    def assert_ends(self, listener):
        with self.assertRaises((EOFError, ConnectionError)):
            while True:
                listener.next()

    def assert_refused(self, status, *arguments, **more):
        with self.assertRaises(Refused) as refused:
            self.listen(*arguments, **more)
        self.assertEqual(status, refused.exception.status)
        self.assertEqual("application/problem+json", refused.exception.headers["content-type"])
        return json.loads(refused.exception.body)["detail"]


class Delivery(StreamTest):
    def test_an_event_arrives_soon_and_whole(self):
        for kind in KINDS:
            listener = self.follow(self.key(), kind)
            start = time.monotonic()
            self.add(2, size=10)
            events = listener.take(2)
            self.assertLess(time.monotonic() - start, 5)
            self.assertEqual([{"n": 1, "text": "x" * 10}, {"n": 2, "text": "x" * 10}], [e["data"] for e in events])
            self.assertEqual({"seq", "event", "subjectId", "data", "createdAt"}, set(events[0]))
            self.assertRegex(events[0]["createdAt"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")

    def test_headers_keep_proxies_from_holding_events_back(self):
        headers = self.follow(self.key()).headers
        self.assertEqual("text/event-stream", headers["content-type"])
        self.assertEqual("no-store", headers["cache-control"])
        self.assertEqual("no", headers["x-accel-buffering"])
        self.assertEqual("nosniff", headers["x-content-type-options"])
        self.assertIn("x-request-id", headers)

    def test_each_sees_what_is_theirs(self):
        keys = {"ann": self.key(user=ANN), "sue": self.key(user=SUE), "tenant": self.key(), "other": self.key(1)}
        for kind in KINDS:
            listeners = {name: self.follow(key, kind) for name, key in keys.items()}
            self.add(event="everybody")
            self.add(event="of-ann", user=ANN)
            self.add(event="of-sue", user=SUE)
            self.add(event="of-the-other-tenant", tenant=1)
            self.add(event="last")
            self.add(event="last", tenant=1)

            def seen_by(name):
                names = iter(lambda: listeners[name].next()["event"], "last")
                return list(names)
            self.assertEqual(["everybody", "of-ann"], seen_by("ann"))
            self.assertEqual(["everybody", "of-ann", "of-sue"], seen_by("sue"))
            self.assertEqual(["everybody", "of-ann", "of-sue"], seen_by("tenant"))
            self.assertEqual(["of-the-other-tenant"], seen_by("other"))

    def test_old_events_are_for_the_same_people(self):
        self.add(300, event="of-sue", user=SUE)
        self.add(event="everybody")
        for kind in KINDS:
            listener = self.listen(self.key(user=ANN), kind, query={"after": self.begin})
            while (event := listener.next())["event"] == "ready":
                pass
            self.assertEqual("everybody", event["event"])

    def test_names_filter(self):
        for kind in KINDS:
            listener = self.follow(self.key(), kind, query={"events": "new-call,call-assigned"})
            for event in ("campaign-updated", "new-call", "message-received", "call-assigned"):
                self.add(event=event)
            self.assertEqual(["new-call", "call-assigned"], [e["event"] for e in listener.take(2)])

    def test_resumes_by_header_or_parameter(self):
        self.add(5)
        seqs = self.stored()
        key = self.key()
        for more in ({"Last-Event-ID": str(seqs[1])}, {"query": {"lastEventId": seqs[1]}}, {"query": {"after": seqs[1]}},
                     {"Last-Event-ID": str(seqs[1]), "query": {"after": self.begin}}):
            listener = self.listen(key, **more)
            self.assertEqual(seqs[2:], [e["seq"] for e in listener.take(3)], more)
        listener = self.follow(key, WebSocketListener, query={"after": seqs[1]})
        self.assertEqual(seqs[2:], [e["seq"] for e in listener.take(3)])

    def test_who_was_cut_before_the_first_event_has_a_place_too(self):
        key = self.key()
        first = self.follow(key)
        first.close()
        self.add(3)
        again = self.listen(key, **{"Last-Event-ID": first.last_id})
        self.assertEqual(self.stored(), [e["seq"] for e in again.take(3)])

    def test_a_forged_notification_makes_nobody_skip(self):
        listener = self.follow(self.key())
        holder = subprocess.Popen(["psql", "-Xqd", "postgres"], stdin=subprocess.PIPE, text=True,
                                  env=self.cluster.environment(), stdout=subprocess.PIPE)
        self.addCleanup(holder.communicate)
        insert = f"INSERT INTO switchboard.events (tenant_id, event) VALUES ('{TENANTS[0]}', 'first');"
        print(f"BEGIN; {insert} SELECT 'held';", file=holder.stdin, flush=True)
        while "held" not in holder.stdout.readline():
            pass
        self.add(event="second")
        for number in (10, 2**62, -1):
            self.cluster.sql(f"""NOTIFY switchboard_events, '{{"tenant_id": "{TENANTS[0]}", "seq": {number}}}'""")
        self.cluster.sql("NOTIFY switchboard_events, 'no JSON'; NOTIFY switchboard_events")
        time.sleep(0.3)
        print("COMMIT;", file=holder.stdin, flush=True)
        self.assertEqual(["first", "second"], [e["event"] for e in listener.take(2)])

    def test_who_missed_removed_events_is_told(self):
        self.add(3)
        first = self.stored()[0]
        self.cluster.sql("DELETE FROM switchboard.events")
        self.add(1)
        gateway = self.start_gateway()   # which has nothing in memory
        for kind in KINDS:
            listener = self.listen(self.key(), kind, gateway, query={"after": first})
            while (event := listener.next())["event"] == "ready":
                pass
            self.assertEqual("reset", event["event"])
            self.add(event="later")
            self.assertEqual("later", listener.next()["event"])

    def test_from_the_beginning_is_what_is_kept(self):
        self.add(3)
        expected, gateway = self.stored(), self.start_gateway()
        for kind in KINDS:
            listener = self.listen(self.key(), kind, gateway, query={"after": 0})
            self.assertEqual(expected, self.read_all(listener, 3))

    def test_a_position_of_another_database_is_told(self):
        for kind in KINDS:
            listener = self.listen(self.key(), kind, query={"after": 2**60})
            while (event := listener.next())["event"] == "ready":
                pass
            self.assertEqual("reset", event["event"])
            self.add(event="later")
            self.assertEqual("later", listener.next()["event"])


class Admission(StreamTest):
    def test_nobody_without_a_good_credential(self):
        for kind in KINDS:
            self.assert_refused(401, None, kind)
            self.assert_refused(401, "sbk_wrong", kind)
            self.assert_refused(401, None, kind, query={"access_token": "wrong"})

    def test_a_token_in_the_query_serves_pages_that_cannot_set_headers(self):
        for kind in KINDS:
            self.follow(None, kind, query={"access_token": self.key()})

    def test_says_what_is_wrong(self):
        key = self.key()
        self.assertIn('"x"', self.assert_refused(400, key, query={"after": "x"}))
        self.assertIn("events", self.assert_refused(400, key, WebSocketListener, query={"events": "a,,b"}))

    def test_bounded_for_a_user(self):
        key = self.key(user=ANN)
        listeners = [self.listen(key, kind) for kind in (*KINDS, SseListener)]
        self.assertIn("too many", self.assert_refused(429, key))
        self.listen(self.key(user=SUE))
        listeners[0].close()
        wait_until("there is room again", lambda: self.is_let_in(key))

    def is_let_in(self, key):
        try:
            self.listen(key)
        except Refused:
            return False
        return True

    def test_bounded_in_all_and_for_a_tenant(self):
        gateway = self.start_gateway("--max-streams", "3", "--max-tenant-streams", "2")
        for _ in range(2):
            self.listen(self.key(), gateway=gateway)
        self.assert_refused(429, self.key(), gateway=gateway)
        self.listen(self.key(1), gateway=gateway)
        self.assert_refused(503, self.key(1), gateway=gateway)

    def test_ends_when_the_credential_does(self):
        for kind in KINDS:
            listener = self.follow(self.key(expires="now() + interval '2 s'"), kind)
            start = time.monotonic()
            self.assert_ends(listener)
            self.assertLess(time.monotonic() - start, 5)
        self.assertEqual(1008, listener.close_code)

    def test_ends_when_the_key_is_revoked_or_the_user_barred(self):
        for kind in KINDS:
            revoked, barred, kept = (self.follow(self.key(user=user), kind) for user in (SUE, ANN, None))
            self.cluster.sql(f"""
                BEGIN; SELECT switchboard.set_identity('{TENANTS[0]}');
                SELECT switchboard.revoke_api_key(id) FROM switchboard.api_keys
                WHERE user_id = '{SUE}' AND revoked_at IS NULL; COMMIT;
                UPDATE switchboard.users SET active = false WHERE id = '{ANN}'""")
            self.assert_ends(revoked)
            self.assert_ends(barred)
            self.cluster.sql(f"UPDATE switchboard.users SET active = true WHERE id = '{ANN}'")
            self.add()
            self.assertEqual(1, kept.next()["data"]["n"])

    def test_a_supervisor_who_becomes_an_agent_sees_less(self):
        listener = self.follow(self.key(user=SUE))
        self.add(event="of-ann", user=ANN)
        self.assertEqual("of-ann", listener.next()["event"])
        self.cluster.sql(f"UPDATE switchboard.users SET role = 'agent' WHERE id = '{SUE}'")
        self.addCleanup(self.cluster.sql, f"UPDATE switchboard.users SET role = 'supervisor' WHERE id = '{SUE}'")
        time.sleep(2.5)
        self.add(event="of-ann", user=ANN)
        self.add(event="everybody")
        self.assertEqual("everybody", listener.next()["event"])

    def test_pages_of_other_origins_only_when_they_are_allowed(self):
        self.assertNotIn("access-control-allow-origin", self.listen(self.key(), Origin="https://a.example").headers)
        self.cluster.reload("switchboard.cors_origins = 'https://a.example'")
        self.addCleanup(self.cluster.reload, "switchboard.cors_origins = ''")

        def allowed():
            return self.listen(self.key(), Origin="https://a.example").headers.get("access-control-allow-origin")
        wait_until("the setting is known", lambda: allowed() == "https://a.example")


class Trouble(StreamTest):
    WRITERS = 4

    def write(self, seed, stop):
        """Transactions that take their time, with savepoints, of which some are rolled back."""
        dice = random.Random(seed)
        psql = subprocess.Popen(["psql", "-XqAtd", "postgres"], stdin=subprocess.PIPE, text=True,
                                env=self.cluster.environment(), stdout=subprocess.DEVNULL)
        insert = ("INSERT INTO switchboard.events (tenant_id, event, data) SELECT '%s', 'new-call', '{}' "
                  "FROM generate_series(1, %d);")
        while not stop.is_set():
            lines = ["BEGIN;"]
            for _ in range(dice.randint(1, 4)):
                lines.append(insert % (TENANTS[dice.random() < 0.2], dice.randint(1, 3)))
                if dice.random() < 0.3:
                    lines.append("SAVEPOINT s;" + insert % (TENANTS[0], 2) + "ROLLBACK TO s;")
                if dice.random() < 0.3:
                    lines.append(f"SELECT pg_sleep({dice.random() * 0.03});")
            lines.append("ROLLBACK;" if dice.random() < 0.2 else "COMMIT;")
            psql.stdin.write("".join(lines) + "\n")
            psql.stdin.flush()
            time.sleep(dice.random() * 0.03)
        psql.communicate()

    def follow_with_cuts(self, key, kind, cuts, seen, seed, cut_enough):
        """Reads to the event "end", with its connection cut so many times, each time resumed behind the last event seen."""
        dice = random.Random(seed)
        position = self.begin
        for cut in range(cuts + 1):
            listener = kind(self.gateway.url, key, timeout=60, query={"after": position})
            until = time.monotonic() + dice.random() * 0.2
            if cut == cuts:
                cut_enough.set()
            while cut == cuts or time.monotonic() < until:
                event = listener.next()
                if event["event"] == "end":
                    return listener.close()
                if event["event"] != "ready":
                    seen.append(event["seq"])
                    position = event["seq"]
            dice.choice((listener.reset, listener.close))()

    def test_cut_again_and_again_during_writes_each_event_comes_once_and_in_order(self):
        stop, key = threading.Event(), self.key()
        seen, cut_enough = [[] for _ in range(4)], [threading.Event() for _ in range(4)]
        readers = [threading.Thread(target=self.follow_with_cuts,
                                    args=(key, KINDS[i % 2], CUTS // 4, seen[i], i, cut_enough[i])) for i in range(4)]
        writers = [threading.Thread(target=self.write, args=(seed, stop)) for seed in range(self.WRITERS)]
        for thread in readers + writers:
            thread.start()
        for done in cut_enough:
            self.assertTrue(done.wait(60))
        stop.set()
        for writer in writers:
            writer.join()
        expected = self.stored()
        self.add(event="end")
        for reader in readers:
            reader.join(60)
        self.assertGreater(len(expected), CUTS)
        for events in seen:
            self.assertEqual(expected, events)

    def memory(self):
        """Of the gateway, in bytes."""
        status = pathlib.Path(f"/proc/{self.gateway.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024

    def test_who_does_not_read_costs_little_and_loses_nothing(self):
        key = self.key()
        brisk = self.follow(key)
        asleep = [self.follow(key, kind, receive_bytes=4096) for kind in KINDS for _ in range(10)]
        before = self.memory()
        self.add(250, size=40_000)   # 10 MB: more than is kept for all
        expected = self.stored()
        self.assertEqual(expected, self.read_all(brisk, 250))
        self.assertLess(self.memory() - before, 30e6)
        time.sleep(2.5)   # longer than the patience that these tests allow
        for listener in asleep:
            seen = []
            with self.assertRaises((EOFError, ConnectionError)):
                while True:
                    seen.append(listener.next()["seq"])
            self.assertLess(len(seen), 100)
            self.assertEqual(expected[:len(seen)], seen)
        again = self.listen(key, query={"after": seen[-1] if seen else self.begin})
        self.assertEqual(expected[len(seen):], self.read_all(again, 250 - len(seen)))

    def test_a_listener_who_is_behind_catches_up_while_others_are_served(self):
        self.add(5000, size=1000)
        expected, key = self.stored(), self.key()
        gateway = self.start_gateway("--stream-patience", "60")   # they are read one after the other here
        live = self.follow(key, gateway=gateway)
        behind = [self.listen(key, kind, gateway, query={"after": self.begin}) for kind in KINDS for _ in range(3)]
        self.add()
        self.assertEqual(1, live.next()["data"]["n"])
        for listener in behind:
            self.assertEqual(expected, self.read_all(listener, 5000))

    def test_the_server_restarts_and_streams_go_on(self):
        listeners = [self.follow(self.key(), kind) for kind in KINDS]
        self.add(event="before")
        for listener in listeners:
            self.assertEqual("before", listener.next()["event"])
        self.cluster.stop("immediate")
        self.cluster.start_after_crash()
        self.add(event="after")
        for listener in listeners:
            self.assertEqual("after", listener.next()["event"])

    def test_what_a_listener_says_is_ignored_and_too_much_ends_it(self):
        listener = self.follow(self.key(), WebSocketListener)
        self.assertEqual("switchboard", listener.headers["server"], "of what it is made it does not say")
        listener.send(1, b'{"ack": 1}')
        self.add()
        self.assertEqual(1, listener.next()["data"]["n"])
        for _ in range(200):
            listener.send(1, b"x")
        self.assert_ends(listener)

    def test_a_message_without_end_ends_the_connection(self):
        listener = self.follow(self.key(), WebSocketListener)
        with self.assertRaises((EOFError, ConnectionError)):
            listener.send(1, b"x" * 5000)
            while True:
                listener.next()

    def test_stops_soon_and_tells_listeners(self):
        gateway = Gateway(self.cluster, "postgres user=gateway", self.OPTIONS)
        sse, web_socket = (self.listen(self.key(), kind, gateway=gateway).wait_until_ready() for kind in KINDS)
        start = time.monotonic()
        gateway.process.terminate()
        self.assert_ends(sse)
        self.assert_ends(web_socket)
        self.assertEqual(1001, web_socket.close_code)
        web_socket.close()
        self.assertEqual(0, gateway.process.wait())
        gateway.process.stdout.close()
        self.assertLess(time.monotonic() - start, 5)

    def test_nothing_is_kept_of_listeners_who_left(self):
        key = self.key()
        before = len(os.listdir(f"/proc/{self.gateway.process.pid}/fd"))
        for _ in range(20):
            for kind in KINDS:
                self.listen(key, kind).reset()
        wait_until("all are let go",
                   lambda: len(os.listdir(f"/proc/{self.gateway.process.pid}/fd")) <= before)


class WithoutWorker(StreamTest):
    CONF = ("switchboard.workers = 0",)

    def test_events_come_within_seconds_although_nobody_notifies(self):
        listeners = [self.follow(self.key(), kind) for kind in KINDS]
        self.assertEqual([], self.cluster.worker_pids())
        self.add()
        for listener in listeners:
            self.assertEqual(1, listener.next()["data"]["n"])


if __name__ == "__main__":
    unittest.main()
