"""Customers call, at Twilio and at Vonage: many callers, few agents; nobody is lost, nobody is served twice.
Real workers, gateway, carrier. SB_INBOUND_CALLERS: how many (default 40).
"""
import json
import os
import time
import unittest

from harness import Cluster, SystemTest, kill9, wait_until
from programs import Carrier, Gateway
import vonage_test   # not its classes: they would be tested here again
from vonage_test import APPLICATION, SECRET, TENANT

CALLERS = int(os.environ.get("SB_INBOUND_CALLERS", "40"))
AGENTS = 4
SPEED = 20
ACCOUNT = "AC00000000000000000000000000000000"
TOKEN = "token-of-the-account"


class InboundTest(SystemTest):
    @classmethod
    def setUpClass(cls):
        directory = Cluster.make_directory()
        public_key = vonage_test.VonageTest.make_secrets(directory / "secrets")
        os.environ["SB_TEST_TOKEN"] = TOKEN
        cls.cluster = Cluster("switchboard.allow_http = on", "switchboard.egress_allow = '127.0.0.0/8'",
                              f"switchboard.secrets_dir = '{directory / 'secrets'}'", stub=False, directory=directory)
        cls.addClassCleanup(cls.cluster.destroy)
        cls.cluster.sql("CREATE EXTENSION pg_switchboard")
        cls.carrier = Carrier("--seed", "11", "--repeat", "0.2", "--shuffle", speed=SPEED)
        cls.addClassCleanup(cls.carrier.stop)
        cls.carrier.configure(vonage_application=APPLICATION, vonage_public_key=public_key,
                              vonage_signature_secret=SECRET, talk_mean_s=15, agent_ring_s=2)
        cls.gateway = Gateway(cls.cluster)
        cls.addClassCleanup(cls.gateway.stop)
        cls.cluster.sql(f"""INSERT INTO switchboard.tenants (id, name, timezone, settings) VALUES ('{TENANT}', 'acme', 'UTC',
            '{{"wrap_up_seconds": 0, "inbound": {{"max_wait": 600, "announce_position": true, "agent_timeout": 10}}}}')""")
        cls.accounts = dict(zip(("twilio", "vonage"), (cls.ask(f"switchboard.add_provider_account({account})") for account in (
            f"""'twilio', 'twilio', jsonb_build_object('account_sid', '{ACCOUNT}', 'base_url', '{cls.carrier.url}',
                'public_url', '{cls.gateway.url}'), '{{"auth_token": "env:SB_TEST_TOKEN"}}'""",
            f"""'vonage', 'vonage', jsonb_build_object('application_id', '{APPLICATION}', 'base_url', '{cls.carrier.url}',
                'public_url', '{cls.gateway.url}'),
                '{{"private_key": "file:vonage.pem", "signature_secret": "file:vonage_signature"}}'"""))))

    def setUp(self):
        self.carrier.request("/control/reset", b"{}")
        self.cluster.sql(f"""BEGIN; SELECT switchboard.set_identity('{TENANT}');
            SELECT switchboard.set_agent_state('offline', NULL, id) FROM switchboard.users WHERE active; COMMIT;
            UPDATE switchboard.users SET active = false""")

    @classmethod
    def ask(cls, expression):
        return cls.cluster.sql(f"""BEGIN; DO $$ BEGIN PERFORM switchboard.set_identity('{TENANT}'); END $$;
                                   SELECT {expression}; COMMIT""")

    def new_agents(self, count, state="available"):
        """Their endpoints."""
        self.cluster.sql(f"""
            INSERT INTO switchboard.users (tenant_id, name, endpoint)
            SELECT '{TENANT}', 'agent' || n, 'client:agent' || n FROM generate_series(1, {count}) n;
            BEGIN; SELECT switchboard.set_identity('{TENANT}');
            SELECT switchboard.set_agent_state('{state}', NULL, id) FROM switchboard.users WHERE active; COMMIT""")
        return {f"agent{n}" for n in range(1, count + 1)}

    def call_in(self, provider, first, count, **more):
        def url(event):
            return f"{self.gateway.url}/api/webhooks/{provider}/{event}?account={self.accounts[provider]}"
        order = {"provider": provider, "url": url("incoming" if provider == "twilio" else "answer"), "status_url": url("status"),
                 "to": "+12015550100", "from": first, "count": count, "account": ACCOUNT, "token": TOKEN, **more}
        status, answer = self.carrier.request("/control/inbound", json.dumps(order).encode())
        self.assertEqual(status, 200, answer)

    def wait_for_the_end(self, callers, timeout=60):
        def over():
            stats = self.carrier.get("stats")
            return stats["calls"] == callers and stats["live"] == 0
        wait_until("the callers have gone", over, timeout)
        wait_until("that is known", lambda: self.cluster.sql(
            """SELECT count(*) = 0 FROM switchboard.call_logs WHERE status IN ('initiated', 'ringing', 'answered')""") == "t")

    def theirs(self):
        """What the carrier did: number of the caller -> agents who picked up."""
        calls = self.carrier.get("calls")["calls"]
        return {"+" + call["from"].lstrip("+"): call["talked"] for call in calls}

    def expect_the_carriers_word(self, callers):
        def open_events():
            return self.cluster.sql("""SELECT event, external_id, error FROM switchboard.webhook_inbox
                                       WHERE processed_at IS NULL OR error IS NOT NULL""")
        try:
            wait_until("every event is acted on", lambda: open_events() == "")
        except AssertionError:
            self.fail(open_events())
        theirs = self.theirs()
        rows = [row.split("|") for row in self.cluster.sql("""
            SELECT c.from_number, c.status, coalesce(c.overflow, ''), replace(coalesce(u.endpoint, ''), 'client:', ''), c.abandoned
            FROM switchboard.call_logs c LEFT JOIN switchboard.users u ON u.id = c.user_id
            WHERE c.direction = 'inbound'""").splitlines()]
        rows = [row for row in rows if row[0] in theirs]
        self.assertEqual(len(rows), callers, "each call is recorded once")
        for number, status, overflow, agent, abandoned in rows:
            talked = theirs.pop(number)
            self.assertLessEqual(len(talked), 1, f"{number} is served once")
            expected = ("completed", talked[0].replace("client:", "")) if talked else ("no-answer", agent)
            self.assertEqual((status, agent), expected, number)
            self.assertEqual(abandoned == "t", not talked and not overflow, number)
        self.assertEqual(theirs, {}, "nobody is lost")
        stats = self.carrier.get("stats")
        self.assertEqual(stats["agents"]["engaged"], 0, "no agent is rung while on a call")
        self.assertEqual(stats["webhooks"]["failed"], 0)
        self.assertEqual(set(stats["webhooks"]["by_status"]), {"200"})
        self.assertEqual(self.cluster.sql("""SELECT count(*) FROM switchboard.agent_states
            WHERE ended_at IS NULL AND state NOT IN ('available', 'paused', 'offline')"""), "0", "nobody is left busy")
        return rows

    def test_many_callers_few_agents(self):
        since = self.cluster.sql("SELECT clock_timestamp()")
        self.new_agents(AGENTS)
        self.call_in("twilio", "+12025550200", CALLERS // 2, every_s=1, patience_s=80)
        self.call_in("vonage", "+12025551200", CALLERS - CALLERS // 2, every_s=1, patience_s=80)
        self.wait_for_the_end(CALLERS)
        rows = self.expect_the_carriers_word(CALLERS)
        served = [row for row in rows if row[1] == "completed"]
        self.assertGreater(len(served), CALLERS // 4)
        level = json.loads(self.ask(f"switchboard.service_level('{since}')"))
        self.assertEqual((level["offered"], level["answered"]), (CALLERS, len(served)))

    def test_agents_who_do_not_pick_up(self):
        self.new_agents(3)
        self.carrier.configure(numbers={"agent1": {"outcome": "no-answer"}, "client:agent1": {"outcome": "no-answer"}})
        self.addCleanup(self.carrier.configure, numbers={})
        self.call_in("twilio", "+12025552200", 3, patience_s=300, exact=True)
        self.call_in("vonage", "+12025553200", 3, patience_s=300, exact=True)
        self.wait_for_the_end(6)
        rows = self.expect_the_carriers_word(6)
        self.assertEqual({row[1] for row in rows}, {"completed"}, "everybody is served in the end")
        self.assertEqual(self.cluster.sql("""SELECT s.reason FROM switchboard.agent_states s JOIN switchboard.users u ON u.id = s.user_id
            WHERE u.name = 'agent1' AND u.active AND s.ended_at IS NULL AND s.state = 'paused'"""), "did not answer")

    def test_callers_hang_up_at_every_instant(self):
        self.new_agents(2)
        for n in range(24):
            self.call_in("twilio" if n % 2 else "vonage", f"+1202555{4200 + n}", 1, patience_s=n * 0.5, exact=True)
            time.sleep(0.02)
        self.wait_for_the_end(24)
        self.expect_the_carriers_word(24)

    def test_messages_and_callbacks(self):
        self.call_in("twilio", "+12025555200", 2, patience_s=600)
        self.call_in("vonage", "+12025555300", 2, patience_s=600)
        self.wait_for_the_end(4)
        wait_until("the messages are there", lambda: self.cluster.sql(
            "SELECT count(*) FROM switchboard.support_requests WHERE source = 'voicemail' AND phone_number ~ '^.12025555'") == "4")
        self.assertEqual(self.cluster.sql("""SELECT count(*), min(r.duration) FROM switchboard.call_recordings r
            JOIN switchboard.call_logs c ON c.id = r.call_id WHERE c.voicemail_at IS NOT NULL AND c.from_number ~ '^.12025555'"""), "4|8")
        self.new_agents(1, "paused")
        self.cluster.sql("""UPDATE switchboard.tenants SET settings = jsonb_set(settings, '{inbound,callback_key}', '"1"')""")
        self.addCleanup(self.cluster.sql, "UPDATE switchboard.tenants SET settings = settings #- '{inbound,callback_key}'")
        self.call_in("twilio", "+12025555400", 1, patience_s=600, key="1")
        self.call_in("vonage", "+12025555500", 1, patience_s=600, key="1")
        self.wait_for_the_end(6)
        self.assertEqual(self.cluster.sql("""SELECT string_agg(phone_number, ' ' ORDER BY phone_number)
            FROM switchboard.support_requests WHERE callback_at IS NOT NULL AND phone_number ~ '^.12025555'"""), "+12025555400 +12025555500")
        self.expect_the_carriers_word(6)

    def test_a_worker_that_dies(self):
        self.new_agents(1, "paused")
        self.call_in("twilio", "+12025556200", 2, patience_s=1200, exact=True)
        self.call_in("vonage", "+12025556300", 2, patience_s=1200, exact=True)
        wait_until("they wait", lambda: self.cluster.sql("SELECT count(*) FROM switchboard.call_logs WHERE in_queue") == "4")
        for pid in self.cluster.child_pids():
            kill9(pid)
        self.cluster.sql(f"""BEGIN; SELECT switchboard.set_identity('{TENANT}');
            SELECT switchboard.set_agent_state('available', NULL, id) FROM switchboard.users WHERE active; COMMIT""")
        self.wait_for_the_end(4)
        self.expect_the_carriers_word(4)


if __name__ == "__main__":
    unittest.main()
