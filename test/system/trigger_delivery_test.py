"""A price falls, and external call systems call: workers, signed packages out, reports in through the gateway."""
import json
import shutil
import time
import unittest

from harness import Cluster, SystemTest, data_owner, is_alive, kill9, wait_until
from programs import Carrier, Gateway

TENANT = "00000000-0000-7000-8000-000000000001"
SECRETS = {"packages": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "agents": "od-key-0123456789abcdef",
           "token": "token-of-the-webhooks-0123456789"}


def verdict(call):
    """What becomes of a trigger that has one try: a person was to be reached."""
    return "completed" if call["status"] == "completed" and call["outcome"] == "answered" else "failed"


class DeliveryTest(SystemTest):
    PEOPLE = 30

    @classmethod
    def setUpClass(cls):
        directory = Cluster.make_directory()
        cls.make_secrets(directory / "secrets")
        cls.cluster = Cluster("switchboard.allow_http = on", "switchboard.egress_allow = '127.0.0.0/8'",
                              f"switchboard.secrets_dir = '{directory / 'secrets'}'", stub=False,
                              directory=directory)
        cls.addClassCleanup(cls.cluster.destroy)
        cls.cluster.sql("CREATE EXTENSION pg_switchboard")
        cls.gateway = Gateway(cls.cluster)
        cls.addClassCleanup(cls.gateway.stop)
        cls.first_number = 12025550100

    @staticmethod
    def make_secrets(folder):
        folder.mkdir()
        for name, secret in SECRETS.items():
            (folder / name).write_text(secret)
        for path in (*folder.iterdir(), folder):
            path.chmod(0o700)
            shutil.chown(path, data_owner().pw_uid, data_owner().pw_gid)

    def setUp(self):
        self.carrier = Carrier("--seed", "7", "--repeat", "0.2", "--shuffle", speed=200)
        self.addCleanup(self.carrier.stop)
        self.cluster.sql(f"""
            DELETE FROM switchboard.tenants;
            INSERT INTO switchboard.tenants (id, name, timezone) VALUES ('{TENANT}', 'acme', 'UTC');
            INSERT INTO switchboard.compliance_overrides (tenant_id, region, rule, parameters, reason)
            VALUES ('{TENANT}', '*', 'calling_window', '{{"start":"00:00","end":"24:00"}}', 'test'),
                   ('{TENANT}', 'US', 'artificial_voice_consent', '{{"required": false}}', 'test');""")
        self.as_tenant("""
            SELECT switchboard.add_provider_account('webhook', 'packages', jsonb_build_object(
                'base_url', '%s/packages/in'), '{"signing_secret": "file:packages"}');
            SELECT switchboard.add_provider_account('omnidimension', 'agents', jsonb_build_object(
                'base_url', '%s/api/v1', 'agent_id', 1234, 'settle_seconds', 20),
                '{"api_key": "file:agents", "webhook_token": "file:token"}')""" % (self.carrier.url, self.carrier.url))
        account = self.cluster.sql("SELECT id FROM switchboard.provider_accounts WHERE name = 'agents'")
        self.carrier.configure(
            hook_secret=SECRETS["packages"], omnidimension_key=SECRETS["agents"], omnidimension_zone_minutes=330,
            packages_report=f"{self.gateway.url}/api/webhooks/webhook/status",
            omnidimension_webhook=f"{self.gateway.url}/api/webhooks/omnidimension/post-call?account={account}"
                                  f"&token={SECRETS['token']}",
            talk_mean_s=20)

    def as_tenant(self, statements):
        return self.cluster.sql(f"""BEGIN; SELECT switchboard.set_identity('{TENANT}') \\gset
            {statements}; COMMIT""")

    def let_a_price_fall(self, account, people=PEOPLE):
        """A product with buyers of its own, whose calls are made by that account; once each."""
        self.first_number += 1000
        self.as_tenant(f"""
            INSERT INTO switchboard.products (sku, name, price, stock) VALUES ('p', 'iPhone "15" – Pro', 999.99, 5)
            RETURNING id AS product \\gset
            WITH people AS (
                INSERT INTO switchboard.contacts (phone_number, name, email)
                SELECT '+' || {self.first_number} + n, 'Zoë ' || n || ' {{{{name}}}} "李"', n || '@example.com'
                  FROM generate_series(0, {people - 1}) n RETURNING id)
            INSERT INTO switchboard.purchases (contact_id, product_id, quantity, amount_paid, purchased_at)
            SELECT id, :'product', 1, 999.99, now() - interval '90 days' FROM people;
            INSERT INTO switchboard.campaigns (user_id, name, type, status, settings, max_attempts, active_hours, product_id,
                                               discount_percent)
            VALUES (NULL, 'drop', 'manual', 'active',
                    '{{"voice_account": "{account}", "call_time": "now", "voice": "human", "max_lines": 1000}}', 1,
                    '{{"start":"00:00","end":"24:00"}}', :'product', 15);
            UPDATE switchboard.products SET price = 849.99 WHERE id = :'product'""")

    def triggers(self, columns):
        rows = self.cluster.sql(f"""SELECT ltrim(c.to_number, '+'), {columns} FROM switchboard.call_triggers t
            JOIN switchboard.call_logs c ON c.id = t.call_log_id ORDER BY 1""")
        return dict(row.split("|", 1) for row in rows.splitlines())

    def wait_until_over(self, timeout=60):
        wait_until("every triggered call is over", lambda: self.cluster.sql("""
            SELECT count(*) = 0 FROM switchboard.call_triggers WHERE status IN ('scheduled', 'calling')""") == "t", timeout)

    def carried(self):
        return {call["to"].lstrip("+"): call for call in self.carrier.get("calls")["calls"]}

    def expect_each_once(self, people=PEOPLE):
        """Nobody was called twice and nobody missed; calls and triggers are as the call system says."""
        stats = self.carrier.get("stats")
        self.assertEqual((stats["calls"], stats["numbers"], stats["duplicate_calls"]), (people, people, 0))
        calls = self.carried()
        self.assertEqual(self.triggers("c.status"), {to: call["status"] for to, call in calls.items()})
        self.assertEqual(self.triggers("t.status"), {to: verdict(call) for to, call in calls.items()})
        wait_until("every report is taken", lambda: self.carrier.get("stats")["webhooks"]["by_status"].keys() == {"200"})
        wait_until("no job is left", lambda: self.cluster.sql("SELECT count(*) FROM switchboard.jobs_open") == "0", 60)
        stats = self.carrier.get("stats")
        self.assertEqual((stats["calls"], stats["duplicate_calls"]), (people, 0))
        return calls

    def expect_packages(self, calls):
        """The bytes of each body are those of the package."""
        self.assertEqual(self.carrier.get("stats")["refused_packages"], 0)
        self.assertEqual(self.triggers("t.package"), {to: call["package"] for to, call in calls.items()})
        package = json.loads(next(iter(calls.values()))["package"])
        self.assertEqual((package["discount"], package["savings_amount"]), ("15%", 150))
        self.assertIn("Zoë", package["call_script"])

    def kill_the_child(self, times):
        """Kills whichever child is there, again and again."""
        for _ in range(times):
            pid = wait_until("a child", lambda: [p for p in self.cluster.child_pids() if is_alive(p)], 20)[0][0]
            kill9(pid)
            time.sleep(0.7)

    # --- packages by webhook ---

    def test_packages_arrive_once_and_are_reported_back(self):
        self.let_a_price_fall("packages")
        self.wait_until_over()
        calls = self.expect_each_once()
        self.expect_packages(calls)
        self.assertGreater(len({call["status"] for call in calls.values()}), 1)
        answered = [to for to, call in calls.items() if call["answered_at"]]
        self.assertEqual(self.cluster.sql("""SELECT count(*) FROM switchboard.call_recordings
            WHERE transcription = 'Hello. Yes.' AND sentiment = 'positive'"""), str(len(answered)))
        self.assertEqual(self.cluster.sql("""SELECT count(*) FROM switchboard.audit_log
            WHERE action = 'deliver-call-package'"""), str(self.PEOPLE))

    def test_packages_survive_a_crash_of_the_worker(self):
        self.carrier.configure(answer_ms=400)
        self.let_a_price_fall("packages")
        self.kill_the_child(3)
        self.wait_until_over()
        self.expect_packages(self.expect_each_once())

    def test_packages_whose_answers_are_lost_are_called_once(self):
        # What is reported at once needs no second delivery.
        self.carrier.configure(faults={"500_after": 0.2, "reset_after": 0.2, "half_body": 0.1, "503": 0.1}, late_ms=8000)
        self.let_a_price_fall("packages")
        self.wait_until_over(120)
        self.expect_each_once()
        self.assertGreater(self.carrier.get("stats")["packages"], self.PEOPLE)

    def test_a_receiver_that_does_not_answer_in_time(self):
        self.carrier.configure(next_faults=[{"on": "create", "fault": "hang"}])
        self.let_a_price_fall("packages", 1)
        self.wait_until_over()
        self.expect_each_once(1)

    def test_a_receiver_that_is_down_for_a_while(self):
        self.carrier.configure(packages_status=500)
        self.let_a_price_fall("packages", 10)
        time.sleep(2)
        self.assertEqual(self.carrier.get("stats")["calls"], 0)
        self.assertEqual(set(self.triggers("t.status").values()) - {"scheduled", "calling"}, set())
        self.carrier.configure(packages_status=202)
        self.wait_until_over(120)
        self.expect_each_once(10)

    def test_an_endpoint_that_is_gone(self):
        self.carrier.configure(packages_status=410)
        self.let_a_price_fall("packages", 1)
        self.wait_until_over()
        self.assertEqual(self.carrier.get("stats")["calls"], 0)
        self.assertEqual(self.cluster.sql("""SELECT t.status || ' ' || c.status || ' ' || c.error_code
            FROM switchboard.call_triggers t JOIN switchboard.call_logs c ON c.id = t.call_log_id"""), "failed failed http_410")

    # --- agents of OmniDimension ---

    def expect_contexts(self, calls):
        told = {to: json.loads(call["package"])["call_context"] for to, call in calls.items()}
        for context in told.values():
            self.assertTrue(context.pop("job_id"))
            self.assertTrue(context.pop("call_log_id"))
        self.assertEqual({to: json.loads(package) for to, package in self.triggers("t.package").items()}, told)
        self.assertIn('"savings_amount": 150.00', next(iter(calls.values()))["package"])

    def test_agents_call_once_and_tell_how_it_went(self):
        self.let_a_price_fall("agents")
        self.wait_until_over()
        calls = self.expect_each_once()
        self.expect_contexts(calls)
        machines = [call for call in calls.values() if call["outcome"] == "machine"]
        self.assertEqual(self.cluster.sql("""SELECT count(*) FROM switchboard.call_dispositions
            WHERE disposition = 'voicemail'"""), str(len(machines)))

    def test_agents_call_once_though_the_worker_crashes(self):
        self.carrier.configure(answer_ms=400, outcomes={"answered": 1})
        self.let_a_price_fall("agents")
        self.kill_the_child(3)
        self.wait_until_over(120)
        self.expect_contexts(self.expect_each_once())

    def test_agents_whose_dispatch_is_not_answered_call_once(self):
        self.carrier.configure(faults={"500_after": 0.2, "reset_after": 0.2}, outcomes={"answered": 1})
        self.let_a_price_fall("agents")
        self.wait_until_over(120)
        self.expect_each_once()

    def test_doubts_are_settled_by_the_logs_alone(self):
        self.carrier.configure(omnidimension_webhook="", outcomes={"answered": 1},
                               next_faults=[{"on": "create", "fault": "500_after", "count": 2}])
        self.let_a_price_fall("agents", 2)
        wait_until("the logs tell the ids", lambda: self.cluster.sql("""SELECT count(*) = 2 FROM switchboard.call_logs
            WHERE call_id IS NOT NULL""") == "t", 60)
        self.assertEqual(self.triggers("c.call_id"), {to: call["id"] for to, call in self.carried().items()})
        self.assertEqual(self.carrier.get("stats")["duplicate_calls"], 0)


if __name__ == "__main__":
    unittest.main()
