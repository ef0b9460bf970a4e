"""Where and when background workers run."""
import time
import unittest

from harness import LAUNCHER, Cluster, SystemTest, enqueue, is_alive, kill9, wait_until

LIMIT_S = 5.0  # nothing that a user waits for may take longer


class Lifecycle(SystemTest):
    CONF = ("max_worker_processes = 16", "max_prepared_transactions = 4")

    def setUp(self):
        self.create_extension()
        wait_until("a worker in postgres", lambda: self.cluster.worker_pid())
        self.log_start = self.cluster.log_size()

    def tearDown(self):
        self.cluster.reload("switchboard.workers = 1", "switchboard.databases = '*'")
        for name in self.cluster.sql(
                "SELECT datname FROM pg_database WHERE datname ~ '^db'").split():
            self.cluster.run("dropdb", name)
        self.assert_no_crash_loop()

    def assert_no_crash_loop(self):
        log = self.cluster.log_since(self.log_start)
        self.assertNotIn("PANIC", log)
        self.assertLess(log.count("exited with exit code 1"), 4, log)
        self.assertLess(len(log.splitlines()), 300, log)

    def timed(self, text, database="postgres"):
        start = time.monotonic()
        self.cluster.sql(text, database)
        took = time.monotonic() - start
        self.assertLess(took, LIMIT_S, text)
        return took

    def create_database(self, name, extension=True):
        self.cluster.run("createdb", name)
        if extension:
            self.create_extension(name)
            self.wait_for_workers(name)

    def wait_for_workers(self, database, count=1):
        return wait_until(f"{count} workers in {database}",
                          lambda: len(self.cluster.worker_pids(database)) == count)[1]

    def test_starts_when_the_extension_is_created_without_restart(self):
        self.cluster.run("createdb", "db1")
        # One that is just starting elsewhere has no database yet.
        wait_until("no worker", lambda: self.cluster.worker_pids("db1") == [])
        since = time.time()
        self.create_extension("db1")
        self.wait_for_child("db1", since, timeout=LIMIT_S)

    def test_rolled_back_creation_starts_nothing(self):
        self.create_database("db1", extension=False)
        self.cluster.sql("BEGIN; CREATE EXTENSION pg_switchboard; ROLLBACK", "db1")
        time.sleep(0.5)
        self.assertEqual(self.cluster.worker_pids("db1"), [])

    def test_prepared_creation_starts_at_commit_prepared(self):
        self.create_database("db1", extension=False)
        self.cluster.sql("BEGIN; CREATE EXTENSION pg_switchboard; PREPARE TRANSACTION 'x'", "db1")
        time.sleep(0.3)
        self.assertEqual(self.cluster.worker_pids("db1"), [])
        self.cluster.sql("COMMIT PREPARED 'x'", "db1")
        self.wait_for_workers("db1")

    def test_databases_without_the_extension_have_no_worker(self):
        self.create_database("db1", extension=False)
        time.sleep(0.3)
        self.assertEqual(self.cluster.worked_databases(), ["postgres"])

    def test_five_databases_drop_extension_drop_database_while_jobs_run(self):
        for number in range(5):
            self.create_database(f"db{number}", extension=False)
        self.cluster.stub_conf(hold_s=3)
        self.addCleanup(self.cluster.stub_conf)
        since = time.time()
        for name in ("db2", "db3"):
            self.create_extension(name)
            self.cluster.sql(enqueue(50), name)
            self.wait_for_child(name, since)
        wait_until("jobs in flight", lambda: len(self.cluster.stub_events("sent", since)) == 100)
        child_files = len(self.cluster.child_files())

        self.timed("DROP EXTENSION pg_switchboard CASCADE", "db2")
        wait_until("the worker left", lambda: not self.cluster.worker_pids("db2"), LIMIT_S)
        self.timed("DROP DATABASE db2")
        self.timed("DROP DATABASE db3")
        self.assertEqual(self.cluster.worked_databases(), ["postgres"])
        wait_until("their children ended",
                   lambda: len(self.cluster.child_files()) == child_files - 2, LIMIT_S)

    def test_extension_created_again_is_worked_on_again(self):
        self.create_database("db1")
        self.cluster.sql("DROP EXTENSION pg_switchboard CASCADE", "db1")
        wait_until("the worker left", lambda: not self.cluster.worker_pids("db1"), LIMIT_S)
        self.create_extension("db1")
        self.wait_for_workers("db1")
        # At once, so that the worker of the first is still about to leave.
        self.cluster.sql("DROP EXTENSION pg_switchboard CASCADE; CREATE EXTENSION pg_switchboard",
                         "db1")
        since = time.time()
        time.sleep(0.5)
        self.create_extension("db1")
        self.cluster.sql(enqueue(3), "db1")
        wait_until("its jobs are sent", lambda: len(self.cluster.stub_events("sent", since)) == 3)

    def test_failed_drop_database_leaves_the_worker(self):
        self.create_database("db1")
        session = self.cluster.run  # a second connection makes the statement fail
        done = session("sh", "-c", "psql -X -d db1 -c 'SELECT pg_sleep(9)' & sleep 0.3;"
                       "dropdb db1; echo code $?; kill $!", check=False)
        self.assertIn("code 1", done.stdout, done.stderr)
        self.wait_for_workers("db1")

    def test_rename_and_copy_of_a_database_with_a_running_worker(self):
        self.create_database("db1")
        self.timed("ALTER DATABASE db1 RENAME TO db2")
        self.wait_for_workers("db2")
        self.timed("CREATE DATABASE db3 TEMPLATE db2")
        self.wait_for_workers("db2")
        self.wait_for_workers("db3")

    def test_rename_in_a_transaction_that_rolls_back(self):
        self.create_database("db1")
        self.cluster.sql("BEGIN; ALTER DATABASE db1 RENAME TO db2; ROLLBACK")
        self.wait_for_workers("db1")

    def test_move_to_another_tablespace(self):
        self.create_database("db1")
        self.cluster.sql("SET allow_in_place_tablespaces = on; CREATE TABLESPACE other LOCATION ''")
        self.timed("ALTER DATABASE db1 SET TABLESPACE other")
        self.wait_for_workers("db1")
        self.timed("ALTER DATABASE db1 SET TABLESPACE pg_default")
        self.cluster.sql("DROP TABLESPACE other")

    def test_restored_dump_is_worked_on(self):
        self.create_database("db1")
        dump = self.cluster.directory / "dump"
        self.cluster.run("pg_dump", "-Fc", "-f", str(dump), "db1")
        self.cluster.run("createdb", "db2")
        self.cluster.run("pg_restore", "-d", "db2", str(dump))
        self.wait_for_workers("db2")

    def test_list_of_databases_is_read_again_at_reload(self):
        self.create_database("db1")
        self.cluster.reload("""switchboard.databases = 'db1, "no such, database"'""")
        wait_until("only db1 has a worker", lambda: self.cluster.worked_databases() == ["db1"])
        self.assertIn('database "no such, database" of "switchboard.databases" does not exist',
                      self.cluster.log_since(self.log_start))
        self.cluster.reload("switchboard.databases = '*'")
        wait_until("both have one", lambda: self.cluster.worked_databases() == ["db1", "postgres"])

    def test_number_of_workers_grows_and_shrinks_at_reload(self):
        self.cluster.reload("switchboard.workers = 3")
        self.wait_for_workers("postgres", 3)
        wait_until("three children", lambda: len(self.cluster.child_files()) == 3)
        self.cluster.reload("switchboard.workers = 1")
        self.wait_for_workers("postgres", 1)
        wait_until("one child", lambda: len(self.cluster.child_files()) == 1)
        self.cluster.reload("switchboard.workers = 0")
        self.wait_for_workers("postgres", 0)

    def test_bad_values_are_refused_and_the_old_ones_stay(self):
        pid = self.cluster.worker_pid()
        for setting, complaint in (
                ("workers = many", 'invalid value for parameter "switchboard.workers": "many"'),
                ("workers = -1", '-1 is outside the valid range for parameter "switchboard.workers"'),
                ("lease_seconds = 0", 'outside the valid range for parameter "switchboard.lease_')):
            self.cluster.reload(f"switchboard.{setting}")
            wait_until("the log says so",
                       lambda: complaint in self.cluster.log_since(self.log_start))
        self.assertEqual(self.cluster.worker_pid(), pid)

    def test_child_hears_of_new_settings(self):
        since = time.time()
        self.cluster.reload("switchboard.batch_size = 77", "switchboard.allow_http = on")
        settings = self.cluster.wait_for_stub("settings", since)["settings"]
        self.assertEqual((settings["batch_size"], settings["allow_http"]), (77, True))

    def test_child_is_replaced_when_what_it_was_started_with_changes(self):
        child = self.cluster.child_pids()[0]
        since = time.time()
        self.cluster.reload("switchboard.secrets_dir = '/nowhere'")
        new = self.wait_for_child(since=since)
        self.assertNotEqual(new["pid"], child)
        argv = self.cluster.stub_events("start", since)[-1]["argv"]
        self.assertEqual(argv[argv.index("--secrets-dir") + 1], "/nowhere")
        self.cluster.wait_for_stub("goodbye", since, pid=child)

    def test_terminated_worker_drains_and_comes_back(self):
        self.cluster.stub_conf(hold_s=1)
        self.addCleanup(self.cluster.stub_conf)
        kill9(self.cluster.child_pids()[0])  # so that the next one reads it
        since = time.time()
        self.wait_for_child(since=since)
        self.cluster.sql(enqueue(5))
        wait_until("five are sent", lambda: len(self.cluster.stub_events("sent", since)) == 5)
        worker = self.cluster.worker_pid()
        self.cluster.sql(f"SELECT pg_terminate_backend({worker})")
        recorded = self.cluster.wait_for_stub("recorded", since)
        self.assertEqual(recorded["stale"], [])
        self.cluster.wait_for_stub("goodbye", since)
        wait_until("another worker", lambda: self.cluster.worker_pid() not in (None, worker))

    def test_terminated_launcher_comes_back_and_knows_its_workers(self):
        worker = self.cluster.worker_pid()
        launcher = self.cluster.worker_pids(kind=LAUNCHER)[0]
        self.cluster.sql(f"SELECT pg_terminate_backend({launcher})")
        wait_until("another launcher",
                   lambda: self.cluster.worker_pids(kind=LAUNCHER) not in ([], [launcher]))
        self.assertEqual(self.cluster.worker_pid(), worker)
        self.cluster.reload("switchboard.workers = 2")
        self.wait_for_workers("postgres", 2)
        self.assertIn(worker, self.cluster.worker_pids())

    def test_canceling_an_idle_worker_changes_nothing(self):
        worker = self.cluster.worker_pid()
        self.cluster.sql(f"SELECT pg_cancel_backend({worker})")
        since = time.time()
        self.cluster.sql(enqueue(1))
        self.cluster.wait_for_stub("sent", since)
        self.assertEqual(self.cluster.worker_pid(), worker)

    def test_fast_shutdown_records_what_is_in_flight(self):
        self.cluster.stub_conf(hold_s=1)
        self.addCleanup(self.cluster.stub_conf)
        kill9(self.cluster.child_pids()[0])
        since = time.time()
        self.wait_for_child(since=since)
        self.cluster.sql(enqueue(20))
        wait_until("they are sent", lambda: len(self.cluster.stub_events("sent", since)) == 20)
        child = self.cluster.child_pids()[0]
        self.cluster.restart()
        self.assertFalse(is_alive(child))
        self.assertEqual(self.cluster.sql("SELECT count(*) FROM switchboard.jobs_open"), "0")
        self.assertEqual(len(self.cluster.stub_events("sent", since)), 20)

    def test_drop_extension_waits_for_no_worker_and_no_worker_blocks_it(self):
        self.create_database("db1")
        took = self.timed("BEGIN; DROP EXTENSION pg_switchboard CASCADE; SELECT pg_sleep(1); ROLLBACK",
                          "db1")
        self.assertLess(took, 2.5)
        since = time.time()
        self.cluster.sql(enqueue(1), "db1")
        self.cluster.wait_for_stub("sent", since)


class FullHouse(SystemTest):
    CONF = ("max_worker_processes = 3",)

    def test_says_so_once_and_starts_when_there_is_room(self):
        # The launcher and logical replication's take two of the three.
        self.create_extension()
        wait_until("a worker", lambda: self.cluster.worker_pid())
        self.cluster.run("createdb", "db1")
        self.create_extension("db1")
        message = 'no background worker process left for database "db1"'
        wait_until("the log says so", lambda: message in self.cluster.log_since())
        self.assertIn('Increase "max_worker_processes"', self.cluster.log_since())
        time.sleep(2.5)
        self.assertEqual(self.cluster.log_since().count("no background worker process left"), 1)
        self.cluster.sql("DROP EXTENSION pg_switchboard CASCADE")
        wait_until("a worker in db1", lambda: self.cluster.worker_pids("db1"), 30)


class NotPreloaded(unittest.TestCase):
    def test_everything_but_workers_is_there(self):
        cluster = Cluster(stub=False, preload=False)
        self.addCleanup(cluster.destroy)
        cluster.sql("CREATE EXTENSION pg_switchboard; SELECT switchboard._wake()")
        self.assertEqual(cluster.worked_databases(), [])
        cluster.sql("CREATE DATABASE db1; ALTER DATABASE db1 RENAME TO db2; DROP DATABASE db2")


if __name__ == "__main__":
    unittest.main()
