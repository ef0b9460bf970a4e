"""A standby has no workers until it is promoted."""
import subprocess
import time
import unittest

from harness import CLUSTER, LAUNCHER, Cluster, SystemTest, enqueue, wait_until


class Standby(SystemTest):
    CONF = ("wal_level = replica", "max_wal_senders = 4")

    def make_standby(self):
        self.wait_for_child()
        directory = self.cluster.directory.with_suffix(".standby")
        directory.mkdir(mode=0o755)
        backup = subprocess.run(
            ["sh", "-c", "test $(id -u) = 0 && chown postgres \"$0\" && set -- runuser -u postgres -- \"$@\";"
             "exec \"$@\"", str(directory), "pg_basebackup", "-R", "-D", str(directory / "data"), "-c",
             "fast"], env=self.cluster.environment(), capture_output=True, text=True, cwd="/")
        self.assertEqual(backup.returncode, 0, backup.stderr)
        # Neither a warning about our socket nor a copy of what names processes of this server.
        self.assertEqual(backup.stderr, "")
        self.assertEqual(list((directory / "data" / "pg_switchboard").iterdir()), [])
        (directory / "port").write_text("6702\n")
        standby = Cluster(f"unix_socket_directories = '{directory}'", "port = 6700",
                          directory=directory)
        self.addCleanup(standby.destroy)
        return standby

    def test_promotion_starts_workers(self):
        self.create_extension()
        standby = self.make_standby()
        self.cluster.sql(enqueue(3).replace("payload)", "payload, run_at)").replace(
            "'{\"body\":{}}'", "'{}', clock_timestamp() + interval '2 s'"))
        wait_until("the standby has the jobs", lambda: standby.sql(
            "SELECT count(*) FROM switchboard.jobs_open") == "3")
        self.assertEqual(standby.worked_databases(), [])
        self.assertEqual(standby.worker_pids(kind=LAUNCHER), [])
        self.cluster.stop("immediate")

        since = time.time()
        standby.sql("SELECT pg_promote()")
        wait_until("a worker", lambda: standby.worker_pid(), 5)
        print(f"\npromotion: a worker after {time.time() - since:.2f} s ", end="")
        standby.wait_for_stub("sent", since, timeout=10)
        wait_until("all jobs done", lambda: standby.sql(
            "SELECT count(*) FROM switchboard.jobs_open") == "0")


if __name__ == "__main__":
    unittest.main()
