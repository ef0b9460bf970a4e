"""The event feed under fire: writers that roll back, save and dawdle; a reader that follows sees every committed event once and in
order, and listeners are told of what they can read, once. SB_FEED_EVENTS writes more than usual."""
import os
import pathlib
import subprocess
import time

import harness
from harness import SystemTest, wait_until
from libpq import Connection

EVENTS = int(os.environ.get("SB_FEED_EVENTS", "5000"))
WRITERS = 8
TENANTS = ("00000000-0000-7000-8000-000000000001", "00000000-0000-7000-8000-000000000002")


class Feed(SystemTest):
    CONF = ("switchboard.workers = 1", "max_prepared_transactions = 4")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster.sql("CREATE EXTENSION pg_switchboard; "
                        + "".join(f"INSERT INTO switchboard.tenants (id, name) VALUES ('{t}', 't');" for t in TENANTS))
        cls.cluster.sql((pathlib.Path(__file__).parent / "feed.sql").read_text())
        wait_until("a worker serves", cls.cluster.child_pids)

    def setUp(self):
        self.connections = []
        self.addCleanup(lambda: [c.close() for c in self.connections])

    def connect(self):
        connection = Connection(f"host={self.cluster.directory} port={harness.PORT} user=postgres dbname=postgres")
        self.connections.append(connection)
        return connection

    def listen(self):
        listener = self.connect()
        listener.execute("LISTEN switchboard_events")
        return listener

    def start(self, sql):
        return subprocess.Popen(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-c", sql],
                                env=self.cluster.environment(), stdin=subprocess.DEVNULL, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def finish(self, process):
        _, errors = process.communicate()
        self.assertEqual(process.returncode, 0, errors)

    def add(self, connection, tenant=0, event="x"):
        connection.execute(f"SELECT switchboard._add_event('{TENANTS[tenant]}', '{event}', NULL, '{{}}')")

    # --- the reader ---

    def test_a_reader_sees_every_committed_event_once_and_in_order(self):
        sql, listener = self.cluster.sql, self.listen()
        sql("DELETE FROM switchboard.events")
        begin = sql(f"SELECT switchboard._feed_position('{TENANTS[0]}')")
        readers = [self.start(f"CALL feed_test.follow('{TENANTS[0]}', '{reader}', {begin})") for reader in ("true", "naive")]
        started = time.monotonic()
        writers = [self.start(f"CALL feed_test.write('{TENANTS[n % 2]}', '{TENANTS[1 - n % 2]}', {EVENTS // WRITERS}, 0.{n + 1})")
                   for n in range(WRITERS)]
        heard = []
        while any(w.poll() is None for w in writers):
            heard += listener.notifications(0.2)
        for writer in writers:
            self.finish(writer)
        seconds = time.monotonic() - started
        self.add(self.connect(), event="done")
        for reader in readers:
            self.finish(reader)
        tenant = f"tenant_id = '{TENANTS[0]}'"
        seen = "feed_test.seen s WHERE s.reader = 'true'"
        written = int(sql(f"SELECT count(*) FROM switchboard.events WHERE {tenant}"))
        given = int(sql("SELECT last_value FROM switchboard.events_seq"))
        self.assertGreater(written, EVENTS // 4)
        self.assertGreater(given, written * 2)  # the other tenant's, and what was rolled back
        self.assertEqual(sql(f"""SELECT count(*) FROM switchboard.events e FULL JOIN (SELECT s.* FROM {seen}) s USING (seq)
            WHERE ({tenant} OR s.seq IS NOT NULL) AND (s.seq IS NULL OR e.seq IS NULL OR s.event = 'feed-gap' OR NOT {tenant})"""), "0",
            "every committed event is seen, and nothing else")
        self.assertEqual(sql(f"SELECT count(*) - count(DISTINCT seq) FROM {seen}"), "0", "once")
        self.assertEqual(sql(f"""SELECT count(*) FROM (SELECT seq < lag(seq) OVER (ORDER BY place) AS back FROM {seen}) s
            WHERE back"""), "0", "in order")
        # The test must be able to fail: who goes by numbers alone passes over some.
        passed = written - int(sql("SELECT count(*) FROM feed_test.seen s WHERE s.reader = 'naive'"))
        self.assertGreater(passed, 0)
        pages = int(sql(f"SELECT max(page) FROM {seen}"))
        print(f"{given} numbers in {seconds:.1f} s, {written} events in {pages} pages, {len(heard)} notifications; "
              f"by numbers alone {passed} are missed", flush=True)

        def told():
            heard.extend(listener.notifications(0.1))
            return all(max((n["seq"] for n in heard if n["tenant_id"] == t), default=0)
                       == int(sql(f"SELECT max(seq) FROM switchboard.events WHERE tenant_id = '{t}'")) for t in TENANTS)
        wait_until("listeners are told of the last event", told)
        self.assertLess(len(heard), seconds / 0.015 * 2 + 20, "in batches")

    # --- notifications ---

    def test_listeners_are_told_once(self):
        listener, writer = self.listen(), self.connect()
        for _ in range(5):
            self.add(writer)
            heard = listener.notifications(5)
            self.assertEqual(heard, [{"tenant_id": TENANTS[0], "seq": int(writer.value("SELECT switchboard._last_event()"))}])
            self.assertEqual(listener.notifications(0.05), [])

    def test_what_a_transaction_holds_back_is_told_when_it_ends(self):
        for end, ended in (("ROLLBACK", 0), ("COMMIT", 1), ("ROLLBACK TO s", 0), ("PREPARE TRANSACTION 'p'; COMMIT PREPARED 'p'", 1),
                           ("PREPARE TRANSACTION 'p'; ROLLBACK PREPARED 'p'", 0)):
            with self.subTest(end):
                listener, slow, quick = self.listen(), self.connect(), self.connect()
                begin = quick.value(f"SELECT switchboard._feed_position('{TENANTS[0]}')")
                slow.execute("BEGIN; SAVEPOINT s")
                self.add(slow)
                self.add(quick)
                self.add(quick, tenant=1)
                mine = quick.value(f"SELECT max(seq) FROM switchboard.events WHERE tenant_id = '{TENANTS[0]}'")
                heard = listener.notifications(5)
                self.assertEqual([n["tenant_id"] for n in heard], [TENANTS[1]], "the other tenant does not wait")
                self.assertEqual(listener.notifications(0.1), [])
                for step in end.split("; "):
                    slow.execute(step)
                self.assertEqual(listener.notifications(0.9), [{"tenant_id": TENANTS[0], "seq": int(mine)}])
                self.assertEqual(listener.notifications(0.05), [])
                page = quick.execute(f"SELECT seq FROM switchboard._feed_page('{TENANTS[0]}', {begin}, 10)")
                self.assertEqual(len(page), 1 + ended)

    def test_a_prepared_transaction_holds_the_feed_across_a_restart(self):
        slow, quick = self.connect(), self.connect()
        slow.execute("BEGIN")
        self.add(slow)
        slow.execute("PREPARE TRANSACTION 'p'")
        self.add(quick)
        position = quick.value(f"SELECT switchboard._feed_position('{TENANTS[0]}')")
        for connection in self.connections:
            connection.close()
        self.cluster.restart()
        quick = self.connect()
        page = f"SELECT seq FROM switchboard._feed_page('{TENANTS[0]}', {position}, 10)"
        self.assertEqual(quick.execute(page), [])
        quick.execute("COMMIT PREPARED 'p'")
        self.assertEqual(len(quick.execute(page)), 2)

    def test_a_worker_that_comes_back_announces(self):
        listener, writer = self.listen(), self.connect()
        before = self.cluster.worker_pid()
        self.cluster.sql(f"SELECT pg_terminate_backend({before})")
        wait_until("another worker serves", lambda: self.cluster.worker_pid() not in (None, before))
        self.add(writer)
        last = int(writer.value("SELECT switchboard._last_event()"))
        heard = []
        wait_until("it is told", lambda: heard.extend(listener.notifications(1)) or any(n["seq"] == last for n in heard))

    def test_an_idle_worker_asks_nothing(self):
        writer = self.connect()
        self.add(writer)
        time.sleep(0.5)
        asks = """SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'pg_switchboard worker'
                  AND query_start > clock_timestamp() - interval '1 second'"""
        time.sleep(1.5)
        self.assertEqual(writer.value(asks), "0")


class StandAlone(SystemTest):
    """No background workers: a stand-alone worker announces."""
    CONF = ("switchboard.workers = 0",)

    def test_a_stand_alone_worker_announces_and_one_only(self):
        sql = self.cluster.sql
        sql(f"CREATE EXTENSION pg_switchboard; INSERT INTO switchboard.tenants (id, name) VALUES ('{TENANTS[0]}', 't')")
        conninfo = f"host={self.cluster.directory} port={harness.PORT} user=postgres dbname=postgres"
        program = next(pathlib.Path(folder) / "switchboard-worker"
                       for folder in (os.environ.get("STAGE", harness.ROOT / "stage") + str(harness.BIN), str(harness.BIN)))
        workers = [subprocess.Popen([program, "--dsn", conninfo, "--log", "error"]) for _ in range(2)]
        try:
            with Connection(conninfo) as listener, Connection(conninfo) as writer:
                listener.execute("LISTEN switchboard_events")
                wait_until("one has the lock", lambda: writer.value(
                    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 1398166116") == "1")
                for _ in range(3):
                    writer.execute(f"SELECT switchboard._add_event('{TENANTS[0]}', 'x', NULL, '{{}}')")
                    self.assertEqual(listener.notifications(5), [
                        {"tenant_id": TENANTS[0], "seq": int(writer.value("SELECT switchboard._last_event()"))}])
                self.assertEqual(listener.notifications(0.7), [], "told once")
        finally:
            for worker in workers:
                worker.terminate()
            for worker in workers:
                worker.wait(20)
