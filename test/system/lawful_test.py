"""What became unlawful while calls waited for their turn is not dialed, by the word of the carrier: numbers put on the
do-not-call list, consents taken back, windows that close, caps that are lowered, campaigns that are paused.

The account sends a few calls a second, so that most of them wait when the law changes. A call that the carrier has may
have been allowed before the change was committed, never after. Needs switchboard-carrier in $SB_BUILD and the
installation in $STAGE.
"""
import collections
import datetime
import os
import unittest

from crash_table import TENANT, Carrier
from harness import Cluster, wait_until

RATE = 6
EACH = 16  # numbers of each group
SENT_BEFORE = 20  # calls, before anything changes
# What happens to the numbers of a group while their calls wait, and why those calls are refused then.
CHANGES = {
    "listed": ("do-not-call", """INSERT INTO switchboard.do_not_call (tenant_id, phone_number, reason)
        SELECT tenant_id, phone, 'asked' FROM lawful.people WHERE kind = 'listed'"""),
    "revoked": ("consent-revoked", """UPDATE switchboard.consents SET revoked_at = now()
        WHERE phone_number IN (SELECT phone FROM lawful.people WHERE kind = 'revoked')"""),
    "night": ("outside-calling-hours", """INSERT INTO switchboard.compliance_overrides (tenant_id, region, rule, parameters, reason)
        SELECT id, 'US', 'calling_window', '{"start": "09:00", "end": "17:00"}', 'test' FROM switchboard.tenants"""),
    "capped": ("frequency-cap", """INSERT INTO switchboard.compliance_overrides (tenant_id, rule, parameters, reason)
        SELECT id, 'frequency_cap', '{"per_day": 1}', 'test' FROM switchboard.tenants"""),
    "paused": ("campaign-not-active", f"""BEGIN; DO $$ BEGIN PERFORM switchboard.set_identity('{TENANT}');
        PERFORM switchboard.pause_campaign(id) FROM switchboard.campaigns WHERE name = 'paused'; END $$; COMMIT"""),
}
# Everybody's clock shows noon, but that of the night people, for whom it is evening or early morning. Their window is open
# around the clock until it is narrowed. The capped people are on the lists of two campaigns.
SETUP = f"""
CREATE EXTENSION pg_switchboard;
INSERT INTO switchboard.tenants (id, name, timezone) VALUES ('{TENANT}', 'lawful', 'UTC');
CREATE SCHEMA lawful;
CREATE TABLE lawful.people AS
SELECT '{TENANT}'::uuid AS tenant_id, kind, '+1212555' || g * 1000 + n AS phone, n,
       'Etc/GMT' || to_char(-CASE WHEN kind <> 'night' THEN noon WHEN noon > 0 THEN noon - 9 ELSE noon + 9 END, 'FMSG90') AS zone
FROM unnest('{{plain,listed,revoked,night,capped,paused}}'::text[]) WITH ORDINALITY AS k (kind, g), generate_series(1, {EACH}) n,
     (SELECT 12 - extract(hour FROM now() AT TIME ZONE 'UTC')::int AS noon) o;
INSERT INTO switchboard.contacts (tenant_id, phone_number, name, timezone) SELECT tenant_id, phone, kind, zone FROM lawful.people;
INSERT INTO switchboard.consents (tenant_id, phone_number, channel, basis)
SELECT tenant_id, phone, 'voice', 'express' FROM lawful.people WHERE kind = 'revoked';
INSERT INTO switchboard.compliance_overrides (tenant_id, rule, parameters, reason)
VALUES ('{TENANT}', 'calling_window', '{{"start": "00:00", "end": "24:00"}}', 'test');
INSERT INTO switchboard.campaigns (tenant_id, user_id, name, type, script, active_hours, settings)
SELECT '{TENANT}', NULL, name, 'power', 'Hello', '{{"start": "00:00", "end": "24:00"}}',
       '{{"voice": "human", "max_lines": 1000}}' FROM unnest('{{first,second,paused}}'::text[]) name;
BEGIN;
SELECT switchboard.set_identity('{TENANT}');
SELECT switchboard.add_campaign_contacts(c.id, (SELECT jsonb_agg(jsonb_build_object('phone_number', p.phone) ORDER BY p.n, p.kind)
    FROM lawful.people p WHERE c.name = CASE p.kind WHEN 'paused' THEN 'paused' ELSE 'first' END
                            OR c.name = 'second' AND p.kind = 'capped'))
FROM switchboard.campaigns c;
"""
# Nobody picks up: who was dialed is not on a call any more when the second campaign comes to them.
WAITING = """UPDATE switchboard.call_logs SET status = 'busy', ended_at = now() WHERE call_id IS NOT NULL AND status = 'initiated';
             SELECT count(*) FROM switchboard.jobs_open WHERE kind = 'call'"""
# Every call: its group, name at the carrier, when it was allowed, what its job ended with, and what was decided before sending.
OUTCOMES = """
SELECT p.kind, c.to_number, coalesce(c.call_id, ''), coalesce(extract(epoch FROM c.dialed_at), 0), coalesce(j.last_code, ''),
       coalesce(string_agg(CASE WHEN d.allowed THEN 'allowed ' || (d.decided_at = c.dialed_at) ELSE array_to_string(d.codes, ' ') END, ','), '')
FROM switchboard.call_logs c
JOIN lawful.people p ON p.phone = c.to_number
JOIN switchboard.jobs j ON j.subject_id = c.id AND j.kind = 'call'
LEFT JOIN switchboard.dispatch_decisions d ON d.subject_id = c.id AND d.stage = 'send'
GROUP BY p.kind, c.id, j.last_code ORDER BY c.id
"""

Outcome = collections.namedtuple("Outcome", "kind number call_id dialed_at code decisions")


class Lawful(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        os.environ["SB_TEST_TOKEN"] = "token"
        cls.carrier = Carrier(speed=1)
        cls.addClassCleanup(cls.carrier.stop)
        cls.cluster = Cluster("switchboard.allow_http = on", "switchboard.egress_allow = '127.0.0.0/8'", stub=False)
        cls.addClassCleanup(cls.cluster.destroy)
        cls.cluster.sql(SETUP + f"""
            SELECT switchboard.add_provider_account('twilio', 'carrier', jsonb_build_object(
                'account_sid', 'AC00000000000000000000000000000000', 'base_url', '{cls.carrier.url}',
                'caller_id', '+12015550100', 'rate_per_second', {RATE}), '{{"auth_token": "env:SB_TEST_TOKEN"}}');
            SELECT switchboard.start_campaign(id) FROM switchboard.campaigns;
            -- As workers would, but all at once, and the first campaign first.
            SELECT switchboard._serve_campaign(id, {EACH * 7}, clock_timestamp())
            FROM (SELECT id FROM switchboard.campaigns ORDER BY name) c;
            COMMIT""")

    def change_the_law(self):
        """When each change was committed, or a moment later."""
        return {kind: float(self.cluster.sql(f"{change}; SELECT extract(epoch FROM clock_timestamp())"))
                for kind, (_, change) in CHANGES.items()}

    def outcomes(self):
        return [Outcome(kind, number, call_id, float(at), code, decisions) for kind, number, call_id, at, code, decisions
                in (line.split("|") for line in self.cluster.sql(OUTCOMES).splitlines())]

    def judge(self, call, accepted_at, changed_at):
        """What is wrong with how one call ended, or None."""
        if call.call_id not in accepted_at:
            expected, _ = CHANGES.get(call.kind, ("", ""))
            # The evidence has every reason, the job the first. A campaign's being paused is no judgement on anybody.
            reasons = [call.code] if call.kind == "paused" else call.decisions.split()
            return None if expected in reasons and call.code == reasons[0] else "refused for another reason"
        if call.decisions != "allowed true":
            return "dialed without having been allowed"
        if accepted_at[call.call_id] < call.dialed_at:
            return "dialed before it was allowed"
        if call.kind in ("listed", "revoked", "night", "paused") and call.dialed_at > changed_at[call.kind]:
            return "dialed although it was forbidden"
        return None

    def test_what_waits_is_judged_by_the_law_of_its_turn(self):
        self.assertEqual(self.cluster.sql("SELECT count(*) FROM switchboard.call_logs"), str(EACH * 7), "all are queued")
        wait_until("some are sent", lambda: self.carrier.get("stats")["calls"] >= SENT_BEFORE)
        changed_at = self.change_the_law()
        wait_until("nothing waits any more", lambda: self.cluster.sql(WAITING) == "0", 30)

        outcomes = self.outcomes()
        accepted_at = {call["id"]: datetime.datetime.fromisoformat(call["accepted_at"].replace("Z", "+00:00")).timestamp()
                       for call in self.carrier.get("calls")["calls"]}
        wrong = [f"{reason}: {call}" for call in outcomes if (reason := self.judge(call, accepted_at, changed_at))]
        self.assertEqual(wrong, [])
        self.assertEqual(set(accepted_at), {call.call_id for call in outcomes if call.call_id}, "the carrier has no other calls")

        dialed, refused = collections.Counter(), collections.Counter()
        for call in outcomes:
            (dialed if call.call_id else refused)[call.kind] += 1
        print("\ndialed", dict(dialed), "refused", dict(refused), end=" ")
        self.assertEqual(dialed["plain"], EACH, "who may be called is called")
        for kind in CHANGES:
            self.assertGreater(refused[kind], 0, f"some calls still waited: {kind}")
        times = collections.defaultdict(list)
        for call in outcomes:
            if call.kind == "capped" and call.call_id:
                times[call.number].append(call.dialed_at)
        self.assertEqual(len(times), EACH, "who is within the cap is called")
        over = [number for number, at in times.items() if len(at) > 1 and max(at) > changed_at["capped"]]
        self.assertEqual(over, [], "nobody is called over it")


if __name__ == "__main__":
    unittest.main()
