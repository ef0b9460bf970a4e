"""Campaigns on a Vonage account, end to end: workers, carrier, signed webhooks through the gateway."""
import base64
import hashlib
import hmac
import json
import shutil
import subprocess
import time
import unittest

from harness import Cluster, SystemTest, data_owner, wait_until
from programs import Carrier, Gateway

TENANT = "00000000-0000-7000-8000-000000000001"
APPLICATION = "aaaaaaaa-bbbb-cccc-dddd-0123456789ab"
SECRET = "signature-secret-of-the-account"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(body):
    """What Vonage signs a webhook with."""
    claims = {"iat": int(time.time()), "jti": "1", "iss": "Vonage", "application_id": APPLICATION,
              "payload_hash": hashlib.sha256(body).hexdigest()}
    signed = base64url(b'{"alg":"HS256","typ":"JWT"}') + "." + base64url(json.dumps(claims).encode())
    return signed + "." + base64url(hmac.new(SECRET.encode(), signed.encode(), "sha256").digest())


class VonageTest(SystemTest):
    PEOPLE = 40

    @classmethod
    def setUpClass(cls):
        directory = Cluster.make_directory()
        public_key = cls.make_secrets(directory / "secrets")
        cls.cluster = Cluster("switchboard.allow_http = on", "switchboard.egress_allow = '127.0.0.0/8'",
                              f"switchboard.secrets_dir = '{directory / 'secrets'}'", stub=False,
                              directory=directory)
        cls.addClassCleanup(cls.cluster.destroy)
        cls.cluster.sql("CREATE EXTENSION pg_switchboard")
        cls.carrier = Carrier("--seed", "7", "--repeat", "0.1", "--shuffle", speed=60)
        cls.addClassCleanup(cls.carrier.stop)
        cls.carrier.configure(vonage_application=APPLICATION, vonage_public_key=public_key,
                              vonage_signature_secret=SECRET, talk_mean_s=20)
        cls.gateway = Gateway(cls.cluster)
        cls.addClassCleanup(cls.gateway.stop)
        cls.cluster.sql(f"""
            INSERT INTO switchboard.tenants (id, name, timezone) VALUES ('{TENANT}', 'acme', 'UTC');
            INSERT INTO switchboard.compliance_overrides (tenant_id, rule, parameters, reason)
            VALUES ('{TENANT}', 'calling_window', '{{"start":"00:00","end":"24:00"}}', 'test');
            BEGIN;
            SELECT switchboard.set_identity('{TENANT}');
            SELECT switchboard.add_provider_account('vonage', 'voice', jsonb_build_object(
                'application_id', '{APPLICATION}', 'base_url', '{cls.carrier.url}',
                'public_url', '{cls.gateway.url}', 'caller_id', '+12015550100'),
                '{{"private_key": "file:vonage.pem", "signature_secret": "file:vonage_signature"}}');
            COMMIT;""")

    @staticmethod
    def make_secrets(folder):
        """Makes the application's key, and returns its public half."""
        folder.mkdir()
        key = folder / "vonage.pem"
        subprocess.run(["openssl", "genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt",
                        "rsa_keygen_bits:2048", "-out", key], check=True, stderr=subprocess.DEVNULL)
        (folder / "vonage_signature").write_text(SECRET)
        public_key = subprocess.check_output(["openssl", "pkey", "-in", key, "-pubout"], text=True)
        for path in (*folder.iterdir(), folder):
            path.chmod(0o700)
            shutil.chown(path, data_owner().pw_uid, data_owner().pw_gid)
        return public_key

    def new_campaign(self, settings, first_number):
        campaign = self.cluster.sql(f"""
            INSERT INTO switchboard.campaigns (tenant_id, user_id, name, type, status, script, settings, max_attempts,
                                               active_hours)
            VALUES ('{TENANT}', NULL, 'c', 'power', 'draft', 'Hello {{{{first_name}}}}', '{settings}', 1,
                    '{{"start":"00:00","end":"24:00"}}') RETURNING id""")
        self.cluster.sql(f"""
            BEGIN; SELECT switchboard.set_identity('{TENANT}');
            SELECT switchboard.add_campaign_contacts('{campaign}', (
                SELECT jsonb_agg(jsonb_build_object('phone_number', '+' || {first_number} + n, 'first_name', 'P' || n))
                  FROM generate_series(0, {self.PEOPLE - 1}) n));
            COMMIT""")
        return campaign

    def run_to_the_end(self, campaign):
        self.cluster.sql(f"""BEGIN; SELECT switchboard.set_identity('{TENANT}');
                             SELECT switchboard.start_campaign('{campaign}'); COMMIT""")
        wait_until("the campaign is completed", lambda: self.cluster.sql(
            f"SELECT status = 'completed' FROM switchboard.campaigns WHERE id = '{campaign}'") == "t", 90)

    def expect_the_carriers_word(self, campaign):
        """Every call was placed once and ended as the carrier says; every webhook was taken."""
        rows = self.cluster.sql(f"""SELECT ltrim(to_number, '+'), status, coalesce(answered_by::text, '')
            FROM switchboard.call_logs WHERE campaign_id = '{campaign}'""").splitlines()
        ours = {number: status for number, status, _ in (row.split("|") for row in rows)}
        theirs = {call["to"]: call["status"] for call in self.carrier.get("calls")["calls"]
                  if call["to"] in ours}
        self.assertEqual(len(rows), self.PEOPLE)
        self.assertEqual(ours, theirs)
        stats = self.carrier.get("stats")
        self.assertEqual(stats["duplicate_calls"], 0)
        self.assertEqual(stats["webhooks"]["by_status"].keys(), {"200"})
        self.assertEqual(stats["webhooks"]["failed"], 0)

    def test_agentless_campaign(self):  # the first: nobody is an agent yet
        campaign = self.new_campaign('{"voice": "human", "max_lines": 20, "machine_detection": "enable"}', 12025550100)
        self.run_to_the_end(campaign)
        self.expect_the_carriers_word(campaign)
        # In compressed time some have gone before anything could be said.
        said = [call["said"][0] for call in self.carrier.get("calls")["calls"] if call["said"]]
        self.assertGreater(len(said), 5)
        for text in said:
            self.assertRegex(text, "^Hello P[0-9]+$")
        self.assertEqual(self.cluster.sql(
            "SELECT count(*) FROM switchboard.webhook_inbox WHERE error IS NOT NULL OR processed_at IS NULL"), "0")

    def test_campaign_with_agents(self):
        self.carrier.configure(numbers={"sip:away@pbx.example": {"outcome": "no-answer"}},
                               outcomes={"answered": 3, "busy": 1})
        self.cluster.sql(f"""
            BEGIN; SELECT switchboard.set_identity('{TENANT}');
            INSERT INTO switchboard.users (name, role, endpoint, settings)
            SELECT n, 'agent', 'sip:' || n || '@pbx.example', '{{"wrap_up_seconds": 0}}'
              FROM unnest('{{ann,bob,eve,away}}'::text[]) n;
            SELECT switchboard.set_agent_state('available', user_id => u.id) FROM switchboard.users u;
            COMMIT""")
        campaign = self.new_campaign('{"dial_level": 1, "agent_timeout": 10}', 12035550100)
        self.run_to_the_end(campaign)
        self.expect_the_carriers_word(campaign)
        self.assertEqual(self.cluster.sql("""
            SELECT s.state || ': ' || s.reason FROM switchboard.agent_states s JOIN switchboard.users u ON u.id = s.user_id
             WHERE u.name = 'away' AND s.ended_at IS NULL"""), "paused: did not answer")
        # Events of legs that nobody waited for may come after the end of the call.
        wait_until("the three who answer have talked", lambda: self.cluster.sql(f"""
            SELECT string_agg(DISTINCT u.name, ' ' ORDER BY u.name) FROM switchboard.call_logs c
            JOIN switchboard.users u ON u.id = c.user_id
            WHERE c.campaign_id = '{campaign}' AND c.connected_at IS NOT NULL""") == "ann bob eve")
        # Whoever answered and waited for two agents to be rung was connected, or heard that nobody was free.
        self.assertEqual(self.cluster.sql(f"""SELECT count(*) FROM switchboard.call_logs c
            WHERE c.campaign_id = '{campaign}' AND c.answered_at IS NOT NULL AND c.duration > 15
              AND c.connected_at IS NULL AND NOT c.abandoned"""), "0")

    def test_altered_webhook_is_refused(self):
        call, account = self.cluster.sql(f"""
            INSERT INTO switchboard.call_logs (tenant_id, direction, from_number, to_number, provider)
            VALUES ('{TENANT}', 'outbound', '+12015550100', '+12025559999', 'vonage')
            RETURNING id, (SELECT id FROM switchboard.provider_accounts)""").split("|")
        body = json.dumps({"uuid": "u1", "status": "ringing", "direction": "outbound"}).encode()
        path = f"/api/webhooks/vonage/status?account={account}&call={call}"
        bearer = {"Authorization": "Bearer " + token(body), "Content-Type": "application/json"}
        def status():
            return self.cluster.sql(f"SELECT status FROM switchboard.call_logs WHERE id = '{call}'")
        for at in range(len(body)):
            altered = body[:at] + bytes([body[at] ^ 1]) + body[at + 1:]
            self.assertEqual(self.gateway.request(path, altered, **bearer)[0], 403, altered)
        self.assertEqual(status(), "initiated")
        self.assertEqual(self.gateway.request(path, body, **bearer)[0], 200)
        self.assertEqual(status(), "ringing")


if __name__ == "__main__":
    unittest.main()
