"""What is killed comes back, and nobody else notices."""
import subprocess
import time
import unittest

from harness import SystemTest, enqueue, is_alive, kill9, wait_until


class Crash(SystemTest):
    CONF = ("max_worker_processes = 16", "fsync = on")

    def setUp(self):
        self.cluster.stub_conf()
        self.create_extension()
        wait_until("a worker", lambda: self.cluster.worker_pid(), 20)
        self.replace_child()
        self.log_start = self.cluster.log_size()

    def tearDown(self):
        self.cluster.reload("switchboard.workers = 1")

    def child(self):
        """The child that is there and alive."""
        return wait_until("a child", lambda: [pid for pid in self.cluster.child_pids()
                                              if is_alive(pid)], 20)[0][0]

    def replace_child(self, **conf):
        """Kills the child; the next one reads the conf. Returns its hello."""
        self.cluster.stub_conf(**conf)
        old = self.child()
        kill9(old)
        return wait_until("its successor", lambda: [
            e for e in self.cluster.stub_events("hello") if e["pid"] == self.child() != old], 20)[0]

    def sent_counts(self, since):
        counts = {}
        for event in self.cluster.stub_events("sent", since):
            counts[event["job"]] = counts.get(event["job"], 0) + 1
        return counts

    def wait_until_done(self, timeout=20):
        return wait_until("the queue is empty", lambda: self.cluster.sql(
            "SELECT count(*) FROM switchboard.jobs_open") == "0", timeout)[1]

    def wait_for_server(self):
        return wait_until("the server is back", self.cluster.accepts_queries, 30)[1]

    def test_killed_child_disturbs_no_query_and_jobs_go_on_within_a_second(self):
        subprocess.run(["pgbench", "-i", "-q", "postgres"], env=self.cluster.environment(),
                       check=True, capture_output=True)
        bench = subprocess.Popen(["pgbench", "-n", "-S", "-c", "4", "-T", "5", "postgres"],
                                 env=self.cluster.environment(), text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        pauses = []
        for _ in range(3):
            time.sleep(1.2)
            since = time.time()
            kill9(self.child())
            self.cluster.sql(enqueue(10))
            first = self.cluster.wait_for_stub("sent", since)
            pauses.append(first["t"] - since)
        output = bench.communicate()[0]
        print(f"\nchild killed: jobs went on after {min(pauses):.2f} to {max(pauses):.2f} s ", end="")
        self.assertEqual(bench.returncode, 0, output)
        self.assertIn("number of failed transactions: 0", output)
        self.assertLess(min(pauses), 1.0)
        self.assertLess(max(pauses), 4.0)
        self.wait_until_done()

    def test_claims_of_a_killed_child_are_sent_again_within_a_second(self):
        self.replace_child(hold_s=30)
        since = time.time()
        self.cluster.sql(enqueue(10))
        wait_until("in flight", lambda: len(self.sent_counts(since)) == 10)
        self.cluster.stub_conf()
        killed = time.time()
        kill9(self.child())
        wait_until("sent again", lambda: len(self.cluster.stub_events("sent", killed)) == 10)
        last = max(e["t"] for e in self.cluster.stub_events("sent", killed))
        print(f"\nclaims of a killed child were sent again after {last - killed:.2f} s ", end="")
        self.assertLess(last - killed, 2.0)
        self.wait_until_done()

    def in_flight(self, count=20, hold_s=3):
        """Brings jobs into flight; returns the child, which is going to survive."""
        self.replace_child(hold_s=hold_s)
        self.since = time.time()
        self.cluster.sql(enqueue(count))
        wait_until("in flight", lambda: len(self.sent_counts(self.since)) == count)
        return self.child()

    def assert_child_recorded_everything(self, child, count=20):
        self.wait_until_done()
        self.assertEqual(self.child(), child)
        self.assertEqual(set(self.sent_counts(self.since).values()), {1})
        recorded = self.cluster.stub_events("recorded", self.since)
        self.assertEqual(sum(len(event["jobs"]) for event in recorded), count)
        self.assertEqual([event["stale"] for event in recorded if event["stale"]], [])

    def test_child_survives_a_killed_worker_and_records(self):
        child = self.in_flight()
        kill9(self.cluster.worker_pid())
        time.sleep(0.2)
        self.wait_for_server()
        self.assert_child_recorded_everything(child)

    def test_child_survives_a_killed_backend_and_records(self):
        child = self.in_flight()
        subprocess.run(["psql", "-X", "-d", "postgres", "-c",
                        "COPY (SELECT 1) TO PROGRAM 'kill -9 $PPID'"],
                       env=self.cluster.environment(), capture_output=True)
        self.wait_for_server()
        self.assert_child_recorded_everything(child)

    def test_child_survives_a_killed_postmaster_and_records(self):
        child = self.in_flight(hold_s=4)
        worker = self.cluster.worker_pid()
        kill9(self.cluster.postmaster_pid())
        wait_until("the worker follows its postmaster", lambda: not is_alive(worker), 5)
        self.assertTrue(is_alive(child))
        self.cluster.start_after_crash()
        self.assert_child_recorded_everything(child)

    def test_child_that_died_with_the_server_is_replaced_and_its_claims_freed(self):
        child = self.in_flight(hold_s=30)
        self.cluster.stub_conf()
        kill9(child)
        kill9(self.cluster.worker_pid())
        killed = time.time()
        self.wait_for_server()
        self.wait_until_done()
        self.assertEqual(len(self.sent_counts(killed)), 20)
        self.assertLess(max(e["t"] for e in self.cluster.stub_events("sent", killed)) - killed, 6)

    def test_peer_frees_the_claims_of_a_worker_whose_slot_is_gone(self):
        self.cluster.reload("switchboard.workers = 2")
        wait_until("two children", lambda: len(self.cluster.child_files()) == 2)
        self.cluster.stub_conf(hold_s=30)
        second = int(self.cluster.child_files()[1].read_text().split()[0])
        since = time.time()
        kill9(second)
        second = self.wait_for_child(since=since)["pid"]
        self.cluster.sql(enqueue(30))
        wait_until("in flight", lambda: [e for e in self.cluster.stub_events("sent", since)
                                         if e["pid"] == second] or
                   self.cluster.sql("SELECT count(*) FROM switchboard.jobs_open") == "0")
        # Only one worker comes back: nobody but the first can know of the second's claims.
        self.cluster.stub_conf()
        with open(self.cluster.data / "postgresql.conf", "a") as file:
            file.write("switchboard.workers = 1\n")
        kill9(second)
        kill9(self.cluster.postmaster_pid())
        self.cluster.start_after_crash()
        self.wait_until_done(10)
        self.assertEqual(len(self.cluster.child_files()), 1)

    def test_program_that_fails_at_once_is_tried_with_growing_pauses(self):
        self.cluster.stub_conf(mode="exit")
        since = time.time()
        kill9(self.child())
        time.sleep(4)
        starts = [e["t"] for e in self.cluster.stub_events("start", since)]
        self.assertGreater(len(starts), 2)
        self.assertLess(len(starts), 9)
        self.assertIn("exited with code 3", self.cluster.log_since(self.log_start))
        self.cluster.stub_conf()
        self.wait_for_child(since=since, timeout=20)

    def test_missing_program_is_said_once_with_a_hint(self):
        self.cluster.reload("switchboard.worker_path = '/nowhere/switchboard-worker'")
        self.addCleanup(self.cluster.reload, "switchboard.worker_path = "
                        f"'{self.cluster.directory / 'stub_worker'}'")
        wait_until("the log says so", lambda: 'could not start "/nowhere/switchboard-worker"'
                   in self.cluster.log_since(self.log_start))
        time.sleep(2)
        log = self.cluster.log_since(self.log_start)
        self.assertEqual(log.count("could not start a worker child"), 1)
        self.assertIn("Install switchboard-worker", log)

    def test_child_that_breaks_the_protocol_is_killed_and_replaced_with_growing_pauses(self):
        self.cluster.stub_conf(mode="garbage")
        kill9(self.child())
        wait_until("the log says so", lambda: "breaks the protocol"
                   in self.cluster.log_since(self.log_start))
        time.sleep(2)
        self.assertLess(self.cluster.log_since(self.log_start).count("breaks the protocol"), 7)
        self.cluster.stub_conf()
        since = time.time()
        self.cluster.sql(enqueue(1))
        self.cluster.wait_for_stub("sent", since)

    def test_child_that_does_not_stop_is_killed_and_its_claims_freed(self):
        self.replace_child(mode="deaf", hold_s=30)
        self.cluster.reload("switchboard.drain_timeout = 1s")
        self.addCleanup(self.cluster.reload, "switchboard.drain_timeout = 10s")
        since = time.time()
        self.cluster.sql(enqueue(5))
        wait_until("in flight", lambda: len(self.sent_counts(since)) == 5)
        self.cluster.stub_conf()
        start = time.monotonic()
        self.cluster.restart()
        self.assertLess(time.monotonic() - start, 8)
        self.assertIn("did not end in time", self.cluster.log_since(self.log_start))
        self.wait_until_done()


if __name__ == "__main__":
    unittest.main()
