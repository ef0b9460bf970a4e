"""Schedules and maintenance by a real pg_cron, in this database and in another one."""
import pathlib
import subprocess
import time
import unittest

from harness import BIN, Cluster, SystemTest, wait_until

LIBRARIES = pathlib.Path(subprocess.check_output([BIN / "pg_config", "--pkglibdir"], text=True).strip())
CRON = ("cron.use_background_workers = on", "switchboard.workers = 0", "max_worker_processes = 20")
TENANT = "00000000-0000-7000-8000-000000000001"
CAMPAIGN = "00000000-0000-7000-8000-0000000000c1"
# A name that every quoting mistake shows in.
ELSEWHERE = "o'th\"er %s ü"


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


@unittest.skipUnless((LIBRARIES / "pg_cron.so").exists(), "pg_cron is not installed")
class CronTest(SystemTest):
    PRELOAD = "pg_cron,pg_switchboard"
    MORE = ()

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(f"shared_preload_libraries = '{cls.PRELOAD}'", *CRON, *cls.MORE,
                              stub=False, preload=False)
        cls.addClassCleanup(cls.cluster.destroy)

    def create_database(self, name):
        self.cluster.sql("CREATE DATABASE \"" + name.replace('"', '""') + '"')
        self.create_extension(name)

    def new_campaign(self, database):
        self.cluster.sql(f"""
            INSERT INTO switchboard.compliance_overrides (tenant_id, rule, parameters, reason)
            VALUES ('{TENANT}', 'calling_window', '{{"start":"00:00","end":"24:00"}}', 'runs at any hour');
            INSERT INTO switchboard.campaigns (id, tenant_id, user_id, name, type, status, active_hours)
            VALUES ('{CAMPAIGN}', '{TENANT}', NULL, 'c', 'preview', 'active', '{{"start":"00:00","end":"24:00"}}');
            INSERT INTO switchboard.campaign_contacts (tenant_id, campaign_id, phone_number)
            VALUES ('{TENANT}', '{CAMPAIGN}', '+12025550101')""", database)

    def schedule(self, database, cron="0 9 * * mon-fri"):
        return self.cluster.sql(
            f"SELECT switchboard.schedule_campaign('{CAMPAIGN}', '{cron}')", database)

    def sqlstate(self, text, database="postgres"):
        code, errors = self.cluster.sql("\\set VERBOSITY verbose\n" + text, database, check=False)
        self.assertNotEqual(code, 0, text)
        return errors.split("ERROR:  ")[1][:5], errors

    def jobs(self, database):
        return self.cluster.sql(f"""SELECT jobname FROM cron.job
            WHERE database = {quoted(database)} ORDER BY jobname""").splitlines()


class CronHereAndElsewhere(CronTest):
    """One pg_cron in database postgres serves that database and another one."""

    def setUp(self):
        self.create_extension()
        self.create_database(ELSEWHERE)
        self.databases = ("postgres", ELSEWHERE)

    def refuse_without_extension(self):
        for database in self.databases:
            self.new_campaign(database)
            state, errors = self.sqlstate(
                f"SELECT switchboard.schedule_campaign('{CAMPAIGN}', '@daily')", database)
            self.assertEqual(state, "SB010")
            self.assertIn('extension pg_cron does not exist in database "postgres"', errors)
            self.assertIn("CREATE EXTENSION pg_cron", errors)

    def schedule_twice(self):
        for database in self.databases:
            job = self.schedule(database)
            self.assertEqual(self.schedule(database, "@hourly"), job)
            self.assertEqual(self.jobs(database), [f"switchboard:{database}:run-due-campaigns"])

    def install_twice(self):
        for database in self.databases:
            installed = self.cluster.sql("SELECT * FROM switchboard.install_maintenance_jobs()", database)
            again = self.cluster.sql("SELECT * FROM switchboard.install_maintenance_jobs()", database)
            self.assertEqual(installed, again)
            self.assertEqual(len(self.jobs(database)), 6)

    def agents_schedule_their_own(self):
        self.cluster.sql("CREATE ROLE cron_ann LOGIN IN ROLE switchboard_app")
        for database in self.databases:
            self.cluster.sql(f"""
                INSERT INTO switchboard.users (tenant_id, name, role, login_role)
                VALUES ('{TENANT}', 'Ann', 'agent', 'cron_ann');
                INSERT INTO switchboard.campaigns (tenant_id, user_id, name)
                SELECT '{TENANT}', id, 'hers' FROM switchboard.users""", database)
            tick = self.schedule(database)
            self.assertEqual(self.cluster.sql("""SET SESSION AUTHORIZATION cron_ann;
                SELECT switchboard.schedule_campaign(id, '@daily') FROM switchboard.campaigns
                 WHERE name = 'hers'""", database), tick)
            for function in ("install_maintenance_jobs", "uninstall_maintenance_jobs"):
                self.assertEqual(self.sqlstate(f"""SET SESSION AUTHORIZATION cron_ann;
                    SELECT switchboard.{function}()""", database)[0], "42501")
        self.assertEqual(self.cluster.sql("SELECT DISTINCT username FROM cron.job"), "postgres")

    def run_by_a_real_tick(self):
        for database in self.databases:
            self.cluster.sql("UPDATE switchboard.campaigns SET next_run_at = now() WHERE name = 'c'", database)

        def runs(database):
            return self.cluster.sql("""SELECT source, queued FROM switchboard.campaign_runs
                                        ORDER BY id""", database).splitlines()
        for database in self.databases:
            wait_until(f"pg_cron runs the campaign in {database}", lambda: runs(database), 90)
            self.assertEqual(runs(database), ["schedule|1"])
            self.assertEqual(self.cluster.sql("""SELECT next_run_at > now() FROM switchboard.campaigns
                                                  WHERE name = 'c'""", database), "t")

        def unfinished():
            return self.cluster.sql("SELECT count(*) FROM cron.job_run_details WHERE end_time IS NULL")
        wait_until("its jobs end", lambda: unfinished() == "0", 30)
        self.assertEqual(self.cluster.sql("""SELECT DISTINCT database, status FROM cron.job_run_details
            ORDER BY 1""").splitlines(), [f"{ELSEWHERE}|succeeded", "postgres|succeeded"])

    def disabled_jobs_stay_disabled(self):
        tick = self.schedule(ELSEWHERE)
        self.cluster.sql(f"SELECT cron.alter_job({tick}, active => false)")
        self.assertEqual(self.schedule(ELSEWHERE), tick)
        self.assertEqual(self.cluster.sql(f"SELECT active FROM cron.job WHERE jobid = {tick}"), "f")

    def errors_come_back(self):
        self.cluster.sql("SELECT cron.unschedule(jobid) FROM cron.job")
        # Whoever waits too long gives up, and the session goes on.
        lock = subprocess.Popen(["psql", "-XAtq", "-d", "postgres", "-c",
                                 "BEGIN; LOCK cron.job; SELECT pg_sleep(30)"],
                                env=self.cluster.environment())
        try:
            wait_until("the table is locked", lambda: self.cluster.sql(
                "SELECT count(*) FROM pg_locks WHERE relation = 'cron.job'::regclass AND granted") != "0")
            began = time.monotonic()
            state, errors = self.sqlstate(
                f"SELECT switchboard.schedule_campaign('{CAMPAIGN}', '@daily')", ELSEWHERE)
            self.assertEqual(state, "55P03", errors)
            self.assertLess(time.monotonic() - began, 10)
            state, errors = self.sqlstate(f"""SET statement_timeout = '300ms';
                SELECT switchboard.schedule_campaign('{CAMPAIGN}', '@daily')""", ELSEWHERE)
            self.assertEqual(state, "57014", errors)
        finally:
            lock.terminate()
            lock.wait()
            self.cluster.sql("""SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                                 WHERE query LIKE '%LOCK cron.job%' AND pid <> pg_backend_pid()""")
        state, _ = self.sqlstate("""BEGIN READ ONLY;
            SELECT switchboard._ensure_tick()""", ELSEWHERE)
        self.assertEqual(state, "25006")
        self.schedule(ELSEWHERE)
        self.assertEqual(self.cluster.sql("""SELECT count(*) FROM pg_stat_activity
            WHERE backend_type = 'pg_switchboard cron errand'"""), "0")

    def leave_nothing_behind(self):
        for database in self.databases:
            self.cluster.sql("SELECT * FROM switchboard.install_maintenance_jobs()", database)
            self.assertEqual(self.cluster.sql("SELECT switchboard.uninstall_maintenance_jobs()", database), "6")
            self.assertEqual(self.cluster.sql("SELECT switchboard.uninstall_maintenance_jobs()", database), "0")
        self.assertEqual(self.cluster.sql("SELECT count(*) FROM cron.job"), "0")

    def test_life_of_schedules(self):
        self.refuse_without_extension()
        self.cluster.sql("CREATE EXTENSION pg_cron")
        self.schedule_twice()
        self.install_twice()
        self.agents_schedule_their_own()
        self.run_by_a_real_tick()
        self.disabled_jobs_stay_disabled()
        self.errors_come_back()
        self.leave_nothing_behind()


class CronWithoutOurLibrary(CronTest):
    """Our module is not preloaded: the background worker loads it."""
    PRELOAD = "pg_cron"
    MORE = ("cron.database_name = 'clock'",)

    def test_schedule(self):
        self.create_extension()
        self.new_campaign("postgres")
        call = f"SELECT switchboard.schedule_campaign('{CAMPAIGN}', '@daily')"
        state, errors = self.sqlstate(call)
        self.assertEqual(state, "SB010")
        self.assertIn('"clock", which does not exist', errors)
        self.cluster.sql("CREATE DATABASE clock")
        self.cluster.sql("CREATE EXTENSION pg_cron VERSION '1.3'", "clock")
        state, errors = self.sqlstate(call)
        self.assertEqual((state, "is older than 1.4" in errors), ("SB010", True), errors)
        self.cluster.sql("ALTER EXTENSION pg_cron UPDATE", "clock")
        self.assertEqual(self.cluster.sql(call), "1")
        self.assertEqual(self.cluster.sql("SELECT database, jobname FROM cron.job", "clock"),
                         "postgres|switchboard:postgres:run-due-campaigns")


class NoWorkerToSpare(CronTest):
    PRELOAD = "pg_cron"
    # The launchers of pg_cron and of logical replication take both.
    MORE = ("cron.database_name = 'clock'", "max_worker_processes = 2")

    def test_is_said(self):
        self.create_extension()
        self.cluster.sql("CREATE DATABASE clock")
        self.cluster.sql("CREATE EXTENSION pg_cron", "clock")
        state, errors = self.sqlstate("SELECT * FROM switchboard.install_maintenance_jobs()")
        self.assertEqual(state, "53400")
        self.assertIn("Raise max_worker_processes", errors)


class NoPgCron(SystemTest):
    CONF = ("switchboard.workers = 0",)
    STUB = False

    def test_is_said(self):
        self.create_extension()
        code, errors = self.cluster.sql(
            "\\set VERBOSITY verbose\nSELECT * FROM switchboard.install_maintenance_jobs()", check=False)
        self.assertEqual(code, 3)
        self.assertIn("SB010: pg_cron is not loaded", errors)
        self.assertIn("shared_preload_libraries", errors)


if __name__ == "__main__":
    unittest.main()
