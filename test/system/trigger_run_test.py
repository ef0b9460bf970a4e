"""The price of what many people bought falls, and the server is killed in the middle: nobody is called twice, nobody is missed,
and triggers, coupons, calls and jobs belong together.

A function triggers everybody in one transaction: killed, it leaves nothing, and is run again. The shop's own UPDATE triggers some
people, and the workers go on with the others: killed, they go on where they were.

SB_TRIGGER_BUYERS: how many, default 20,000; 100,000 take two minutes.
"""
import os
import pathlib
import subprocess
import time
import unittest

from harness import SystemTest, WORKER, kill9, wait_until

MANY = int(os.environ.get("SB_TRIGGER_BUYERS", 20_000))
SOME = 8_000
AT_ONCE = 500
CALL = "SELECT run.price_drop()"
CHANGE = """BEGIN; SELECT switchboard.set_identity(tenant_id) FROM run.shop;
            UPDATE switchboard.products SET price = 849.99; COMMIT"""


class TriggerRun(SystemTest):
    CONF = ("switchboard.workers = 1", "log_lock_waits = on", "shared_buffers = 256MB", "max_wal_size = 4GB")

    def setUp(self):
        self.create_extension()
        self.cluster.sql("DROP SCHEMA IF EXISTS run CASCADE")
        self.cluster.sql(f"\\i {pathlib.Path(__file__).with_name('trigger_run.sql')}")

    def new_shop(self, buyers, batch=AT_ONCE):
        self.cluster.sql(f"SELECT run.new_shop({buyers}, {batch})")
        self.expected = int(self.cluster.sql("SELECT run.expected()"))

    def count(self, what):
        return int(self.cluster.sql(f"SELECT count(*) FROM {what}"))

    def size(self):
        """Grows with every row that is written, committed or not."""
        return int(self.cluster.sql("SELECT pg_relation_size('switchboard.call_triggers')"))

    def begin(self, text):
        return subprocess.Popen(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-c", text],
                                env={**self.cluster.environment(), "PGAPPNAME": "victim"}, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def kill_backend(self, text, written):
        """Kills the backend of a statement when it has written so much more; the server starts again."""
        before = self.size()
        client = self.begin(text)
        wait_until("it writes", lambda: self.size() >= before + written or client.poll() is not None, 60)
        self.assertIsNone(client.poll(), "it was too fast to be killed")
        kill9(int(self.cluster.sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'victim'")))
        self.assertNotEqual(client.wait(), 0)
        client.communicate()
        wait_until("the server is back", self.cluster.accepts_queries, 30)

    def kill_worker(self, done):
        """Kills the worker when so many people more are triggered."""
        before = self.count("switchboard.call_triggers")
        wait_until("the run goes on", lambda: self.count("switchboard.call_triggers") >= before + done, 30)
        pid, _ = wait_until("a worker", self.cluster.worker_pid)
        kill9(pid)
        time.sleep(0.1)
        wait_until("the server is back", self.cluster.accepts_queries, 30)

    def assert_no_faults(self):
        self.assertEqual(self.cluster.sql("SELECT * FROM run.faults()"), "")

    def wait_until_finished(self, timeout=60):
        wait_until("the run is finished", lambda: self.count("switchboard.trigger_runs WHERE finished_at IS NULL") == 0, timeout)

    def test_everybody_at_once(self):
        self.new_shop(MANY)
        self.kill_backend(CALL, 8 << 20)
        self.assertEqual([self.count(f"switchboard.{table}") for table in ("call_triggers", "coupons", "call_logs", "jobs", "trigger_runs")],
                         [0] * 5, "a run that did not end leaves nothing")
        start = time.monotonic()
        self.assertEqual(self.cluster.sql(CALL).split()[0], str(self.expected))
        took = time.monotonic() - start
        print(f"\n{self.expected} triggered in {took:.1f} s, {self.expected / took:.0f} a second", end=" ")
        self.assert_no_faults()
        self.assertTrue(self.cluster.sql(CALL).startswith("0 "), "nobody is called again")
        self.assertEqual(self.count("switchboard.call_triggers"), self.expected)

    def test_the_shop_changes_a_price(self):
        self.new_shop(SOME)
        self.cluster.sql(CHANGE)
        self.kill_worker(500)
        self.kill_worker(1500)
        # By hand at the same time, and killed too.
        client = self.begin("BEGIN; SELECT switchboard.continue_trigger_runs(500); SELECT pg_sleep(60)")
        wait_until("it holds what it has done", lambda: self.cluster.sql(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'victim' AND wait_event = 'PgSleep'") == "1", 30)
        kill9(int(self.cluster.sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'victim'")))
        client.communicate()
        wait_until("the server is back", self.cluster.accepts_queries, 30)
        self.wait_until_finished()
        self.assert_no_faults()
        self.assertEqual(self.count("switchboard.call_triggers"), self.expected)
        self.assertEqual(self.count("switchboard.trigger_runs"), 1)

    def test_workers_are_woken_when_nobody_could_be_called_yet(self):
        self.new_shop(1200)
        self.cluster.sql(CHANGE)
        self.assertEqual(self.count("switchboard.jobs"), 0, "the first people want no calls")
        self.wait_until_finished(10)
        self.assert_no_faults()

    def test_without_workers_it_goes_on_by_hand(self):
        self.cluster.reload("switchboard.workers = 0")
        self.addCleanup(self.cluster.reload, "switchboard.workers = 1")
        wait_until("no worker", lambda: not self.cluster.worker_pids(kind=WORKER))
        self.new_shop(3000, 1000)
        # Too quick to be caught at it: killed before it commits.
        self.kill_backend(CHANGE.replace("COMMIT", "SELECT pg_sleep(60); COMMIT"), 1 << 17)
        self.assertEqual(self.cluster.sql("SELECT price FROM switchboard.products"), "999.99")
        self.cluster.sql(CHANGE)
        while self.count("switchboard.trigger_runs WHERE finished_at IS NULL"):
            self.cluster.sql("SELECT switchboard.continue_trigger_runs(700)")
        self.assert_no_faults()


if __name__ == "__main__":
    unittest.main()
