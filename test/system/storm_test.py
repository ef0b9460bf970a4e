"""A busy hour in a minute: 32 sessions do everything at once on the same campaigns, two workers send.

Nobody may deadlock or wait for a row of statistics, and afterwards every number must be a recount's,
every agent's day without gap or overlap, and every call ended. SB_STORM_SECONDS says how long it lasts.
"""
import os
import pathlib
import re
import subprocess
import unittest

from harness import Cluster, SystemTest

SECONDS = int(os.environ.get("SB_STORM_SECONDS", "20"))
SESSIONS = 32
# What sessions do, and how often.
SCENES = {"hook": 80, "agent_state": 16, "preview": 10, "dispose": 16, "hang_up": 6, "make_call": 4,
          "look": 6, "note": 4, "import": 6, "drop_people": 6, "short_campaign": 4, "do_not_call": 2, "forgive": 2,
          "score": 4, "run": 4, "recycle": 1, "pause": 1, "resume": 3, "erase_call": 4,
          "voicemail": 4,
          "report": 4}
# Errors that callers cause: refused, too late, on another call, nobody there.
EXPECTED = {"SB003", "SB004", "SB005", "SB007", "P0002"}
STATISTICS = re.compile(r"stat_deltas|rollup")


class Storm(SystemTest):
    maxDiff = None
    CONF = ("max_connections = 60", "switchboard.workers = 0", "log_lock_waits = on",
            "deadlock_timeout = 100ms", "timezone = 'UTC'", "track_functions = none")
    STUB = False

    def write_script(self, name, text):
        path = self.cluster.directory / name
        path.write_text(text)
        path.chmod(0o644)
        return str(path)

    def pgbench(self, role, clients, scripts):
        command = ["pgbench", "-n", "-U", role, "-c", str(clients), "-j", "2", "-T", str(SECONDS)]
        for script in scripts:
            command += ["-f", script]
        return subprocess.Popen(command + ["postgres"], env=self.cluster.environment(), text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def storm(self):
        scenes = [f"{self.write_script(kind, f'SELECT storm.play({kind!r}, :client_id);')}@{weight}"
                  for kind, weight in SCENES.items()]
        work = self.write_script("work", """SELECT storm.claim('w' || :client_id);
            SELECT storm.note_sending('w' || :client_id);\n\\sleep 5 ms\n""")
        watch = subprocess.Popen(["psql", "-XAtq", "-d", "postgres"], env=self.cluster.environment(),
                                 stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        watch.stdin.write("SELECT storm.sample()\n\\watch 0.05\n")
        watch.stdin.flush()
        housekeeping = self.write_script("housekeeping", """\\set job random(1, 3)
            SELECT switchboard.run_maintenance((ARRAY['liveness', 'statistics', 'retention'])[:job]);
            \\sleep 200 ms\n""")
        runs = [self.pgbench("storm_app", SESSIONS, scenes), self.pgbench("storm_worker", 2, [work]),
                self.pgbench("postgres", 1, [housekeeping])]
        outputs = [run.communicate()[0] for run in runs]
        watch.terminate()
        watch.wait()
        for run, output in zip(runs, outputs):
            self.assertEqual(run.returncode, 0, output)
            self.assertNotIn("aborted", output)

    def settle(self):
        """The campaigns stop, what is queued is sent or refused, and all calls end."""
        self.cluster.sql("UPDATE switchboard.campaigns SET status = 'paused' WHERE status = 'active'")
        for _ in range(20):
            for worker in ("w0", "w1"):
                self.cluster.sql(f"""SELECT storm.claim('{worker}'); SELECT storm.note_sending('{worker}');
                    SELECT storm.claim('{worker}'); SELECT storm.end_calls()""")
            if self.count("switchboard.call_logs WHERE ended_at IS NULL") == 0 \
                    and self.count("switchboard.jobs_open") == 0:
                return

    def count(self, what):
        return int(self.cluster.sql(f"SELECT count(*) FROM {what}"))

    def nothing(self, what, query):
        self.assertEqual(self.cluster.sql(query), "", what)

    def check_outcomes(self):
        expected = ", ".join(f"'{code}'" for code in sorted(EXPECTED | {"ok"}))
        self.nothing("errors that nobody caused", f"""SELECT kind, outcome, count(*), min(message), min(context)
            FROM storm.played WHERE outcome NOT IN ({expected}) GROUP BY 1, 2""")
        self.nothing("things that never once went well", f"""SELECT kind FROM unnest('{{{",".join(SCENES)}}}'::text[]) kind
            WHERE NOT EXISTS (SELECT FROM storm.played p WHERE p.kind = kind.kind AND p.outcome = 'ok')""")

    def deadlocks_in_log(self):
        """What the victims waited for, and what those who held it waited for in the same second."""
        entries = re.split(r"\n(?=\d{4}-\d\d-\d\d .*LOG: )", self.cluster.log_since())
        found = []
        for entry in entries:
            if "detected deadlock" in entry:
                second = entry[:19]
                holders = re.findall(r"holding the lock: (\d+)", entry)
                found += [entry] + [e for e in entries if e.startswith(second) and "waiting" in e
                                    and any(f"process {pid} " in e for pid in holders)]
        return "\n---\n".join(found)

    def check_waits(self):
        self.assertEqual(self.cluster.sql("SELECT deadlocks FROM pg_stat_database WHERE datname = 'postgres'"), "0",
                         self.deadlocks_in_log())
        self.nothing("waits for statistics", """SELECT relation, lock, count(*) FROM storm.waits
            WHERE relation ~ 'stat_deltas|rollup' AND lock !~ '^extend' GROUP BY 1, 2""")
        waited_in_log = re.findall(r'still waiting.*(?:\n.*){0,4}?in relation "(\w+)"', self.cluster.log_since())
        self.assertEqual([name for name in waited_in_log if STATISTICS.search(name)], [])
        self.assertNotIn("dialing what is due failed", self.cluster.log_since())

    def check_numbers(self):
        self.nothing("statistics that are not a recount's", """SELECT name, stats, test_dialer.recount(id)
            FROM switchboard.dialer_campaigns WHERE stats <> test_dialer.recount(id)""")
        before = self.figures()
        self.cluster.sql("SELECT switchboard.rebuild_call_rollups()")
        self.assertEqual(before, self.figures())

    def figures(self):
        self.cluster.sql("SELECT switchboard.run_maintenance('statistics')")
        self.assertEqual(self.count("switchboard.call_rollup_deltas"), 0)
        return (self.cluster.sql("""SELECT switchboard.get_analytics() #- '{analytics,recentCalls}'
                                     FROM storm.cast, switchboard.set_identity(tenant)"""),
                # Arrays may end with zeros or without.
                self.cluster.sql("""SELECT md5(string_agg(regexp_replace(r::text, '(,0)+}', '}', 'g'), ' ' ORDER BY r.tenant_id,
                    r.campaign_id, r.audience, r.minutes, r.starts_at)) FROM switchboard.call_rollups r"""))

    def check_agents(self):
        self.nothing("days with gaps or overlaps", """SELECT user_id, ended_at, next FROM (
            SELECT s.user_id, s.ended_at, lead(s.started_at) OVER w AS next
              FROM switchboard.agent_states s WINDOW w AS (PARTITION BY user_id ORDER BY started_at, ended_at NULLS LAST, id)) s
             WHERE s.ended_at IS DISTINCT FROM s.next""")
        self.nothing("agents who are still busy", "SELECT * FROM switchboard.agent_states WHERE ended_at IS NULL AND state = 'busy'")

    def check_calls(self):
        self.nothing("calls without an end", """SELECT status, count(*) FROM switchboard.call_logs
            WHERE status IN ('initiated', 'ringing', 'answered') OR ended_at IS NULL GROUP BY 1""")
        self.nothing("open jobs", "SELECT kind, state, count(*) FROM switchboard.jobs_open GROUP BY 1, 2")
        self.nothing("people being called by nobody", """SELECT l.id FROM switchboard.campaign_contacts l
            WHERE l.status = 'calling' UNION ALL SELECT q.id FROM switchboard.dialer_queues q WHERE q.status = 'calling'""")
        # A call may be erased between its end and the last word about it.
        self.nothing("webhooks that needed a second try", """SELECT event, error, count(*) FROM switchboard.webhook_inbox
            WHERE error <> 'unknown call' OR error IS NULL AND (processed_at IS NULL OR attempts > 0) GROUP BY 1, 2""")
        self.nothing("calls placed twice", """SELECT subject_id FROM switchboard.jobs
            WHERE kind = 'call' GROUP BY 1 HAVING count(*) > 1""")
        self.nothing("calls against a do-not-call", """SELECT c.id FROM switchboard.call_logs c
            JOIN switchboard.do_not_call d ON d.phone_number = c.to_number AND c.dialed_at > d.created_at + interval '2 s'""")

    def test_everything_at_once(self):
        self.create_extension()
        self.cluster.sql("DELETE FROM switchboard.tenants")
        self.cluster.sql(f"\\i {pathlib.Path(__file__).with_name('storm.sql')}")
        self.storm()
        self.settle()
        print("\n" + self.cluster.sql("""SELECT kind || ': ' || string_agg(outcome || ' ' || n, ', ' ORDER BY n DESC)
            FROM (SELECT kind, outcome, count(*) AS n FROM storm.played GROUP BY 1, 2) p GROUP BY kind ORDER BY 1"""))
        print("seen waiting, of", self.count("storm.samples"), "looks:")
        print(self.cluster.sql("""SELECT format('%s x %s (%s)', count(*), relation, lock) FROM storm.waits
            GROUP BY relation, lock ORDER BY count(*) DESC"""))
        for check in (self.check_outcomes, self.check_waits, self.check_calls, self.check_agents, self.check_numbers):
            with self.subTest(check.__name__):
                check()


if __name__ == "__main__":
    unittest.main()
