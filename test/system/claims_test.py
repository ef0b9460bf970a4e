"""32 sessions claim waiting calls for some seconds: each call is claimed once. Then the same while calls arrive, callers
give up, supervisors assign, agents come and go, calls end, workers route, and a power campaign dials for the same agents:
no call has two agents, no agent two calls, nobody deadlocks, and in the end nobody waits who could be served.
SB_CLAIM_SECONDS says how long each lasts (default 3)."""
import os
import pathlib
import re
import subprocess
import unittest

from harness import SystemTest, wait_until

SECONDS = int(os.environ.get("SB_CLAIM_SECONDS", "3"))
SESSIONS = 32
HERE = pathlib.Path(__file__).resolve().parent
# What each session does next, and how often.
MIX = (("SELECT claims.arrive(random() < 0.8)", 8), ("SELECT claims.claim(1 + :client_id)", 10),
       ("SELECT claims.say(1 + :client_id, 'available')", 10), ("SELECT claims.say(1 + :client_id, 'paused')", 2),
       ("SELECT claims.assign(1 + :client_id)", 2), ("SELECT claims.talk_ends(1)", 10), ("SELECT claims.talk_ends(4)", 2),
       ("SELECT claims.give_up()", 4), ("SELECT claims.ask_again()", 4), ("SELECT claims.answer()", 6),
       ("SELECT switchboard._before_claim(10)", 3))


class Claims(SystemTest):
    CONF = ("max_connections = 60", "switchboard.workers = 0", "deadlock_timeout = 100ms")
    STUB = False

    def setUp(self):
        self.cluster.sql("DROP SCHEMA IF EXISTS claims CASCADE; DROP EXTENSION IF EXISTS pg_switchboard CASCADE")
        self.create_extension()
        self.cluster.sql((HERE / "claims.sql").read_text())

    def crowd(self, *scripts):
        """All sessions at it; fails when one of them meets an error. Returns how many transactions a second."""
        arguments = []
        for number, (text, weight) in enumerate(scripts):
            script = self.cluster.directory / f"script-{number}"
            script.write_text(text + ";\n")
            arguments += ["-f", f"{script}@{weight}"]
        done = subprocess.run(["pgbench", "-n", "-c", str(SESSIONS), "-j", "2", "-T", str(SECONDS), *arguments, "postgres"],
                              text=True, capture_output=True, env=self.cluster.environment())
        self.assertEqual(done.returncode, 0, done.stderr)
        return float(re.search(r"tps = ([\d.]+)", done.stdout)[1])

    def wrong(self):
        return self.cluster.sql("SELECT problem, n FROM claims.wrong() WHERE n > 0").splitlines()

    def number(self, query):
        return int(self.cluster.sql(query))

    def test_claims_alone(self):
        self.cluster.sql(f"""SELECT claims.arrive(false) FROM generate_series(1, {SECONDS * 600});
                             ANALYZE switchboard.call_logs""")
        self.crowd(("SELECT claims.claim(1 + :client_id)", 1), ("SELECT claims.talk_ends(1)", 1))
        claimed = self.number("SELECT count(*) FROM claims.claimed")
        self.assertEqual(self.number("SELECT count(DISTINCT call) FROM claims.claimed"), claimed, "each call once")
        self.assertGreater(claimed, 0)
        self.assertEqual(self.wrong(), [])
        print(f"\n{claimed} calls claimed by {SESSIONS} sessions, {claimed / SECONDS:.0f} a second")

    def test_everything_at_once(self):
        self.cluster.sql("""SELECT claims.new_campaign();
            SELECT claims.say(n, 'available') FROM generate_series(1, 8) n; SELECT switchboard._before_claim(10)""")
        rate = self.crowd(*MIX)
        self.assertEqual(self.wrong(), [])
        self.assertEqual(self.cluster.sql("SELECT deadlocks FROM pg_stat_database WHERE datname = 'postgres'"), "0")
        # Agents of a campaign are left for three seconds to whom has just answered; workers ask again meanwhile.
        wait_until("nobody waits who could be served", lambda: self.number(
            "SELECT switchboard._before_claim_queue(clock_timestamp()) \\g /dev/null\nSELECT claims.missed()") == 0, 6)
        self.assertEqual(self.wrong(), [])
        given = self.cluster.sql("""SELECT count(*) FILTER (WHERE c.direction = 'inbound'), count(*) FILTER (WHERE c.direction = 'outbound')
            FROM switchboard.agent_states s JOIN switchboard.call_logs c ON c.id = s.call_log_id WHERE s.state = 'busy'""").split("|")
        print(f"\n{rate:.0f} transactions a second; given: {given[0]} inbound calls, {given[1]} outbound")
        self.assertGreater(int(given[0]), 0)
        self.assertGreater(int(given[1]), 0)


class Missed(SystemTest):
    """A real worker brings together a call and an agent that could not see each other."""

    CONF = ("switchboard.databases = 'postgres'", "switchboard.workers = 1")
    STUB = False

    def test_locked_while_somebody_becomes_free(self):
        self.create_extension()
        self.cluster.sql((HERE / "claims.sql").read_text())
        self.cluster.sql("SELECT claims.arrive(false); UPDATE switchboard.call_logs SET skills = DEFAULT")
        holder = subprocess.Popen(["psql", "-XAtq", "-d", "postgres"], text=True, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, env=self.cluster.environment())
        holder.stdin.write("BEGIN; SELECT 'held' FROM switchboard.call_logs FOR NO KEY UPDATE;\n")
        holder.stdin.flush()
        self.assertEqual(holder.stdout.readline(), "held\n")
        self.cluster.sql("SELECT claims.say(1, 'available')")
        self.assertEqual(self.number("SELECT claims.missed()"), 1, "the call was passed over")
        holder.communicate("COMMIT;\n")
        wait_until("the worker gives the call to the agent", lambda: self.number("SELECT claims.missed()") == 0, 5)
        self.assertEqual(self.cluster.sql("SELECT problem, n FROM claims.wrong() WHERE n > 0"), "")

    def number(self, query):
        return int(self.cluster.sql(query))


if __name__ == "__main__":
    unittest.main()
