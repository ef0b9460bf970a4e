"""Calls at the simulated carrier, changed while they live: looked at, played into, hung up. No webhook can reach
this server, so what it knows about a call it has asked for.
"""
import json
import os
import unittest

from crash_table import TENANT, Carrier
from harness import Cluster, wait_until


class CallControl(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        os.environ["SB_TEST_TOKEN"] = "token"
        cls.carrier = Carrier()
        cls.addClassCleanup(cls.carrier.stop)
        cls.carrier.configure(speed=10, outcomes={"answered": 1}, ring_min_s=1, ring_max_s=1,
                              numbers={"+12025550100": {"talk_s": 3000}})
        cls.cluster = Cluster("switchboard.allow_http = on", "switchboard.egress_allow = '127.0.0.0/8'",
                              stub=False)
        cls.addClassCleanup(cls.cluster.destroy)
        cls.cluster.sql(f"""
            CREATE EXTENSION pg_switchboard;
            INSERT INTO switchboard.tenants (id, name, timezone) VALUES ('{TENANT}', 'control', 'UTC');
            INSERT INTO switchboard.compliance_overrides (tenant_id, rule, parameters, reason)
            VALUES ('{TENANT}', 'calling_window', '{{"start":"00:00","end":"24:00"}}', 'test')""")
        cls.ask(f"""switchboard.add_provider_account('twilio', 'carrier', jsonb_build_object(
            'account_sid', 'AC00000000000000000000000000000000', 'base_url', '{cls.carrier.url}',
            'caller_id', '+12015550100'), '{{"auth_token":"env:SB_TEST_TOKEN"}}')""")

    @classmethod
    def ask(cls, expression):
        """An expression's value, for the tenant."""
        return cls.cluster.sql(f"""BEGIN; DO $$ BEGIN PERFORM switchboard.set_identity('{TENANT}'); END $$;
                                   SELECT {expression}; COMMIT""")

    def call_at_carrier(self, number):
        return [call for call in self.carrier.get("calls")["calls"] if call["to"] == number]

    def wait_for_status(self, call, status):
        wait_until(f"the call is {status}",
                   lambda: json.loads(self.ask(f"switchboard.get_call('{call}')"))["status"] == status, 30)

    def test_a_live_call_is_looked_at_played_into_and_hung_up(self):
        number = "+12025550100"
        call = self.ask(f"""(switchboard.make_call('{number}', metadata => '{{"say": "Hello"}}')).id""")
        self.wait_for_status(call, "answered")
        message = self.cluster.sql(f"""INSERT INTO switchboard.voicemail_drops (tenant_id, name, audio_url)
            VALUES ('{TENANT}', 'hello', 'https://audio.example/hello.mp3') RETURNING id""")
        self.ask(f"(switchboard.drop_voicemail('{call}', '{message}')).id")
        wait_until("the message is played",
                   lambda: "https://audio.example/hello.mp3" in self.call_at_carrier(number)[0]["said"])
        self.assertEqual(self.call_at_carrier(number)[0]["status"], "in-progress")
        self.ask(f"(switchboard.hang_up('{call}')).id")
        wait_until("the carrier hangs up", lambda: self.call_at_carrier(number)[0]["status"] == "completed")
        self.wait_for_status(call, "completed")
        self.assertEqual(self.ask(f"""(SELECT duration > 0 AND answered_by = 'machine'
                                       FROM switchboard.call_logs WHERE id = '{call}')"""), "t")

    def test_a_call_that_was_hung_up_before_it_was_sent_is_never_placed(self):
        number = "+12025550101"
        make = f"""(switchboard.make_call('{number}', metadata => '{{"say": "Hello"}}')).id"""
        call = self.cluster.sql(f"""BEGIN; DO $$ BEGIN PERFORM switchboard.set_identity('{TENANT}'); END $$;
            SELECT (switchboard.hang_up({make})).id; COMMIT""")
        wait_until("the job is over", lambda: self.cluster.sql(
            f"SELECT state FROM switchboard.jobs WHERE subject_id = '{call}'") == "dead")
        self.assertEqual(self.call_at_carrier(number), [])


if __name__ == "__main__":
    unittest.main()
