"""What workers do to the hot table reaches autovacuum, and autovacuum comes."""
import unittest

from harness import SystemTest, enqueue, wait_until


class Vacuum(SystemTest):
    CONF = ("autovacuum_naptime = 1s", "switchboard.poll_interval = 1h")
    JOBS = 8000

    def figure(self, column):
        return int(self.cluster.sql(
            f"SELECT {column} FROM pg_stat_user_tables WHERE relid = 'switchboard.jobs_open'::regclass"))

    def test_hot_table_is_vacuumed(self):
        self.create_extension()
        self.wait_for_child()
        self.cluster.sql(enqueue(self.JOBS))
        wait_until("all jobs are done", lambda: self.cluster.sql(
            "SELECT count(*) FROM switchboard.jobs_open") == "0", 60)
        # Counted by the background worker, which has to report it itself.
        wait_until("the worker reports what it did", lambda: self.figure("n_tup_del") >= self.JOBS, 30)
        wait_until("autovacuum comes", lambda: self.figure("autovacuum_count") > 0, 60)
        wait_until("it removes what is dead", lambda: self.figure("n_dead_tup") < self.JOBS, 60)


if __name__ == "__main__":
    unittest.main()
