"""An hour of a call centre in half a minute: fifty agents, a preview and two power campaigns, real workers, the
gateway, and a carrier that loses answers, refuses, repeats and delays. Needs switchboard-carrier and
switchboard-gateway in $SB_BUILD and the installation in $STAGE."""
import pathlib
import subprocess
import threading
import time
import unittest

from crash_table import BUILD, Carrier
from harness import Cluster, data_owner, wait_until

SPEED = 120
SECONDS = 3600 / SPEED
SESSIONS = 10
AGENTS = 50
DRAIN_SECONDS = 25
MESSAGE = "nobody is free"
HERE = pathlib.Path(__file__).resolve().parent


class Session:
    """A psql that stays connected."""

    def __init__(self, cluster):
        self.process = subprocess.Popen(
            ["psql", "-XAtq", "-d", "postgres"], env=cluster.environment(), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def run(self, text):
        self.process.stdin.write(text + "\n\\echo done\n")
        self.process.stdin.flush()
        lines = []
        while (line := self.process.stdout.readline()) not in ("done\n", ""):
            lines.append(line.rstrip("\n"))
        return lines

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class AgentsHour(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = Cluster.make_directory()
        (directory / "secrets").mkdir()
        (directory / "secrets" / "token").write_text("hour-token")
        owner = data_owner()
        for path in (directory / "secrets" / "token", directory / "secrets"):
            path.chmod(0o700)
            subprocess.run(["chown", owner.pw_name, path], check=True)
        cls.carrier = Carrier()
        cls.addClassCleanup(cls.carrier.stop)
        cls.carrier.configure(
            accounts={"AC00000000000000000000000000000000": "hour-token"}, speed=SPEED, seed=7,
            outcomes={"answered": 50, "busy": 10, "no-answer": 20, "machine": 15, "failed": 5},
            talk_mean_s=300, agent_deaf=0.08, repeat=0.1, shuffle=True, late_ms=30, slow_ms=200,
            faults={"slow": 0.02, "reset_before": 0.02, "reset_after": 0.01, "429": 0.02,
                    "500_after": 0.01})
        cls.cluster = Cluster(
            "switchboard.allow_http = on", "switchboard.egress_allow = '127.0.0.0/8'",
            f"switchboard.secrets_dir = '{directory}/secrets'", "track_commit_timestamp = on",
            "max_connections = 60", stub=False, directory=directory)
        cls.addClassCleanup(cls.cluster.destroy)
        cls.cluster.sql("CREATE EXTENSION pg_switchboard")
        cls.gateway = subprocess.Popen(
            [BUILD / "switchboard-gateway", "--port", "0", "--connections", "8", "--dsn",
             f"host={directory} port={cls.cluster.environment()['PGPORT']} user=postgres dbname=postgres"],
            stdout=subprocess.PIPE, text=True)
        cls.addClassCleanup(cls.stop_gateway)
        gateway = cls.gateway.stdout.readline().split()[-1].rpartition("/")[2]
        cls.cluster.run("psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-v",
                        f"carrier={cls.carrier.url}", "-v", f"gateway=http://{gateway}",
                        "-f", str(HERE / "agents_hour.sql"))

    @classmethod
    def stop_gateway(cls):
        cls.gateway.terminate()
        cls.gateway.wait()
        cls.gateway.stdout.close()

    def work(self, agents, until, said):
        """One SQL session that speaks for some agents in turn."""
        session = Session(self.cluster)
        while time.monotonic() < until:
            for agent in agents:
                said += [line for line in session.run(f"SELECT hour.act('{agent}');") if line]
            time.sleep(0.02)
        session.close()

    def as_tenant(self, text):
        return self.cluster.sql(f"""BEGIN;
            SELECT switchboard.set_identity('00000000-0000-7000-8000-000000000001') \\gset
            {text}; COMMIT""")

    def hang_up_what_is_left(self):
        """Nobody starts calls any more; those who talk for ever are hung up, as a supervisor may."""
        self.as_tenant("SELECT switchboard.pause_campaign(id) IS NULL FROM switchboard.campaigns")
        live = """SELECT count(*) FROM switchboard.call_logs
                   WHERE status IN ('initiated', 'ringing', 'answered')"""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and self.cluster.sql(live) != "0":
            time.sleep(0.1)
        self.as_tenant("""SELECT count(switchboard.hang_up(id)) FROM switchboard.call_logs
                           WHERE status IN ('initiated', 'ringing', 'answered')""")
        wait_until("every call has ended", lambda: self.cluster.sql(live) == "0", DRAIN_SECONDS)

    def test_an_hour(self):
        agents = self.cluster.sql("SELECT id FROM switchboard.users ORDER BY id").split()
        self.assertEqual(len(agents), AGENTS)
        self.as_tenant("SELECT switchboard.start_campaign(id) IS NULL FROM switchboard.campaigns")
        until, said = time.monotonic() + SECONDS, []
        sessions = [threading.Thread(target=self.work, args=(agents[n::SESSIONS], until, said))
                    for n in range(SESSIONS)]
        for session in sessions:
            session.start()
        for session in sessions:
            session.join()
        self.hang_up_what_is_left()

        names = self.cluster.run("psql", "-XAq", "-P", "footer=off", "-F", " ", "-d", "postgres", "-c",
                                 "TABLE hour.figures").stdout.split("\n")
        figures = dict(zip(names[0].split(), names[1].split()))
        stats = self.carrier.get("stats")
        print("\n" + ", ".join(f"{name} {value}" for name, value in figures.items())
              + f"; webhooks {stats['webhooks']['posted']}, agents rung {stats['agents']['rung']}, "
              + f"most lines {stats['max_live']} ", end="")

        self.assertEqual(said, [], "agents were told of nothing but what they expect")
        faults = self.cluster.sql("SELECT fault, n FROM hour.faults WHERE n <> 0")
        self.assertEqual(faults, "")
        self.assertGreater(int(figures["connected"]), 100, "agents had something to do")
        self.assertGreater(int(figures["by_preview"]), 20)
        self.assertEqual(stats["agents"]["engaged"], 0, "no agent's phone was rung during a call")
        self.assertEqual(stats["duplicate_calls"], 0, "no call was placed twice")
        self.assertEqual(stats["calls"], int(self.cluster.sql(
            "SELECT count(*) FROM switchboard.call_logs WHERE call_id IS NOT NULL")))
        counted = set(self.cluster.sql("SELECT id FROM switchboard.call_logs WHERE abandoned").split())
        calls = {call["reference"]: call for call in self.carrier.get("calls")["calls"]}
        heard = {id for id, call in calls.items() if any(MESSAGE in text for text in call["said"])}
        self.assertLessEqual(heard, counted, "who hears the message is counted as abandoned")
        # Some hang up while it is on its way; it was too late for them all the same.
        self.assertEqual([calls[id]["said"] for id in counted - heard if calls[id]["said"]], [],
                         "nobody else is counted")
        self.assertNotIn("deadlock detected", self.cluster.log_since())


if __name__ == "__main__":
    unittest.main()
