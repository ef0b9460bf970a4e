"""Workers wake when a transaction with work for them commits, and sleep otherwise."""
import statistics
import time
import unittest

from harness import SystemTest, enqueue, wait_until


class Wake(SystemTest):
    CONF = ("max_prepared_transactions = 4", "switchboard.poll_interval = 1h")

    def setUp(self):
        self.create_extension()
        self.wait_for_child()
        wait_until("all quiet", lambda: self.cluster.sql(
            "SELECT count(*) FROM switchboard.jobs_open") == "0")
        time.sleep(0.2)

    def run_and_count_wakes(self, text):
        """Runs statements; the sent jobs and the wake-ups of the child half a second later."""
        since = time.time()
        self.cluster.sql(text)
        time.sleep(0.5)
        return (len(self.cluster.stub_events("sent", since)),
                len(self.cluster.stub_events("wake", since)))

    def test_plain_insert(self):
        self.assertEqual(self.run_and_count_wakes(enqueue(3)), (3, 1))

    def test_insert_into_the_partition(self):
        self.assertEqual(
            self.run_and_count_wakes(enqueue(1).replace("switchboard.jobs", "switchboard.jobs_open")),
            (1, 1))

    def test_many_statements_of_a_transaction_wake_once(self):
        statements = ";".join([enqueue(1)] * 20)
        sent, wakes = self.run_and_count_wakes(f"BEGIN; {statements}; COMMIT")
        self.assertEqual((sent, wakes), (20, 1))

    def test_function_that_enqueues(self):
        self.assertEqual(self.run_and_count_wakes("""DO $$ BEGIN PERFORM switchboard._enqueue_jobs(
            '[{"kind":"webhook","tenant_id":"00000000-0000-7000-8000-000000000001","payload":{}}]');
            END $$"""), (1, 1))

    def test_nothing_before_commit_and_nothing_after_rollback(self):
        self.assertEqual(
            self.run_and_count_wakes(f"BEGIN; {enqueue(1)}; SELECT pg_sleep(0.3); ROLLBACK"), (0, 0))

    def test_subtransactions(self):
        self.assertEqual(self.run_and_count_wakes(
            f"BEGIN; SAVEPOINT a; {enqueue(1)}; RELEASE a; COMMIT"), (1, 1))
        self.assertEqual(self.run_and_count_wakes(
            f"BEGIN; SAVEPOINT a; {enqueue(1)}; ROLLBACK TO a; COMMIT"), (0, 0))
        self.assertEqual(self.run_and_count_wakes(f"""DO $$ BEGIN
            BEGIN {enqueue(1)}; EXCEPTION WHEN OTHERS THEN NULL; END; END $$"""), (1, 1))

    def test_two_phase_commit(self):
        self.assertEqual(self.run_and_count_wakes(
            f"BEGIN; {enqueue(1)}; PREPARE TRANSACTION 'two'"), (0, 0))
        self.assertEqual(self.run_and_count_wakes("COMMIT PREPARED 'two'"), (1, 1))
        self.cluster.sql(f"BEGIN; {enqueue(1)}; PREPARE TRANSACTION 'two'")
        self.assertEqual(self.run_and_count_wakes("ROLLBACK PREPARED 'two'"), (0, 0))

    def test_wake_function(self):
        self.assertEqual(self.run_and_count_wakes("SELECT switchboard._wake()"), (0, 1))

    def test_job_due_later_is_sent_when_it_is_due(self):
        since = time.time()
        self.cluster.sql(enqueue(1).replace("payload)", "payload, run_at)").replace(
            "'{\"body\":{}}'", "'{}', clock_timestamp() + interval '0.7 s'"))
        sent = self.cluster.wait_for_stub("sent", since)
        self.assertGreater(sent["t"] - since, 0.65)
        self.assertLess(sent["t"] - since, 2)

    def test_latency_from_insert_to_wake_and_claim(self):
        rounds = 100
        since = time.time()
        inserted = [float(t) for t in self.cluster.sql("".join(
            f"SELECT extract(epoch FROM clock_timestamp()); {enqueue(1)};"
            "SELECT pg_sleep(0.03) \\gset\n" for _ in range(rounds))).split()]
        wait_until("all sent", lambda: len(self.cluster.stub_events("sent", since)) == rounds)
        for event in ("wake", "sent"):
            times = [e["t"] for e in self.cluster.stub_events(event, since)]
            # On a busy machine a wake-up may stand for two inserts.
            late = sorted(1000 * (next(t for t in times if t >= start) - start)
                          for start in inserted)
            p50, p99 = statistics.median(late), late[int(0.99 * rounds)]
            print(f"\ninsert to {event}, idle: p50 {p50:.2f} ms, p99 {p99:.2f} ms, "
                  f"max {late[-1]:.2f} ms ", end="")
            self.assertLess(p50, 25)

    def test_idle_workers_run_no_statements(self):
        def last_activity():
            """When the worker last began and ended a statement, and its CPU ticks."""
            pid = self.cluster.worker_pid()
            with open(f"/proc/{pid}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
            return (self.cluster.sql(f"""SELECT query_start, state_change, xact_start
                FROM pg_stat_activity WHERE pid = {pid}"""), int(fields[11]) + int(fields[12]))

        time.sleep(6.5)  # five seconds after the last work the queue is looked at once more
        statements, ticks = last_activity()
        time.sleep(4)
        statements_later, ticks_later = last_activity()
        self.assertEqual(statements_later, statements)
        self.assertLessEqual(ticks_later - ticks, 1)
        self.assertEqual(self.cluster.stub_events(since=time.time() - 4), [])

    def test_writes_of_the_worker_are_seen_by_autovacuum(self):
        def updates():
            return int(self.cluster.sql("""SELECT n_tup_upd + n_tup_del FROM pg_stat_all_tables
                WHERE relid = 'switchboard.jobs_open'::regclass"""))

        before = updates()
        self.cluster.sql(enqueue(50))
        wait_until("the counters rise by what was claimed and finished",
                   lambda: updates() >= before + 100, 5)


if __name__ == "__main__":
    unittest.main()
