"""The wallboard in a browser: figures equal the database, it follows what happens, everybody can use it."""
import unittest

from harness import Cluster, SystemTest, wait_until
from programs import Gateway
from wallboard_page import DESKTOP, PHONE, WallboardPage, contrast

TENANT = "00000000-0000-7000-8000-000000000001"
OTHER = "00000000-0000-7000-8000-000000000002"


class WallboardTest(SystemTest):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(stub=False)
        cls.addClassCleanup(cls.cluster.destroy)
        cls.cluster.sql("CREATE EXTENSION pg_switchboard")
        cls.cluster.sql(f"""
            INSERT INTO switchboard.tenants (id, name, timezone, settings)
            SELECT id, 'acme', 'UTC', '{{"inbound": {{"distribution": "manual"}}}}' FROM unnest(ARRAY['{TENANT}', '{OTHER}']::uuid[]) id;
            INSERT INTO switchboard.users (tenant_id, name, role) VALUES
              ('{TENANT}', 'Sue <script>alert(1)</script>', 'supervisor'), ('{TENANT}', 'Ann', 'agent'), ('{TENANT}', 'Ben', 'agent');
            INSERT INTO switchboard.campaigns (tenant_id, name, type, status) VALUES ('{TENANT}', 'Renewals', 'power', 'active');
            INSERT INTO switchboard.campaign_contacts (tenant_id, campaign_id, phone_number, status)
            SELECT k.tenant_id, k.id, '+1202555' || 1000 + n, (CASE WHEN n <= 30 THEN 'completed' ELSE 'pending' END)::switchboard.campaign_contact_status
              FROM switchboard.campaigns k, generate_series(1, 40) n;
            INSERT INTO switchboard.call_logs (tenant_id, direction, from_number, to_number, status, started_at, queued_at)
            SELECT t, 'inbound', '+12025550' || 100 + n, '+12015550100', 'ringing', now() - n * interval '10 seconds', now() - n * interval '10 seconds'
              FROM generate_series(1, 3) n, unnest(ARRAY['{TENANT}', '{OTHER}']::uuid[]) t WHERE n = 1 OR t = '{TENANT}';
            INSERT INTO switchboard.call_logs (tenant_id, direction, from_number, to_number, status, started_at, answered_at, ended_at, duration)
            SELECT '{TENANT}', 'outbound', '+12015550100', '+12025551' || 100 + n,
                   (CASE WHEN n % 4 = 0 THEN 'no-answer' ELSE 'completed' END)::switchboard.call_status,
                   now(), CASE WHEN n % 4 > 0 THEN now() END, now(), 10 FROM generate_series(1, 20) n;""")
        cls.as_tenant("SELECT switchboard.set_agent_state('available', user_id => (SELECT id FROM switchboard.users WHERE name = 'Ann'))")
        cls.key = cls.as_tenant("SELECT switchboard.create_api_key('wallboard')").splitlines()[-1]
        cls.gateway = Gateway(cls.cluster)
        cls.addClassCleanup(lambda: cls.gateway.stop())   # whichever it is then

    @classmethod
    def as_tenant(cls, statement, tenant=TENANT):
        return cls.cluster.sql(f"SELECT set_config('switchboard.tenant_id', '{tenant}', false) \\g /dev/null\n{statement}")

    def page(self, size=DESKTOP, credential=None):
        page = WallboardPage(self.gateway.url, size)
        self.addCleanup(page.close)
        page.open()
        if credential:
            page.sign_in(credential)
        return page

    def open_board(self, size=DESKTOP):
        page = self.page(size, self.key)
        page.wait_for_board()
        wait_until("the stream is open", lambda: page.state() == "live")
        return page

    def test_figures_equal_the_database(self):
        page = self.open_board()
        count = self.cluster.sql
        self.assertEqual(page.figure("live"), count(
            f"SELECT count(*) FROM switchboard.call_logs WHERE tenant_id = '{TENANT}' AND ended_at IS NULL"))
        self.assertEqual(page.figure("waiting"), count(
            f"SELECT count(*) FROM switchboard.call_logs WHERE tenant_id = '{TENANT}' AND direction = 'inbound' AND ended_at IS NULL"))
        self.assertEqual(page.figure("calls-today"), count(
            f"SELECT count(*) FROM switchboard.call_logs WHERE tenant_id = '{TENANT}' AND started_at >= date_trunc('day', now(), 'UTC')"))
        self.assertEqual(page.figure("answer-rate"), count(f"""
            SELECT round(100.0 * count(answered_at) / count(*), 1) || ' %' FROM switchboard.call_logs
             WHERE tenant_id = '{TENANT}' AND started_at >= date_trunc('day', now(), 'UTC')"""))
        self.assertEqual(page.agent_states()["available"], 1)
        self.assertEqual(sum(page.agent_states().values()), 3)
        [campaign] = page.rows("campaigns")
        self.assertEqual([campaign[0], campaign[2], campaign[3]], ["Renewals", "75 %", "10"])
        self.assertEqual(len(page.rows("queue")), 3)
        self.assertEqual(page.pairs()["State"], count("SELECT switchboard.health() ->> 'status'"))
        self.assertEqual(page.complaints(), [])

    def test_it_follows_what_happens(self):
        page = self.open_board()
        before = int(page.figure("waiting"))
        self.cluster.sql(f"""
            BEGIN;
            SELECT switchboard.set_identity('{TENANT}');
            SELECT switchboard.create_support_request('eve@example.com', 'Where is <b>my</b> order?', 'It is late.');
            COMMIT;""")
        _, took = wait_until("the request is shown", lambda: any("<b>my</b>" in row[1] for row in page.rows("queue")))
        self.assertLess(took, 3)
        self.assertEqual(int(page.figure("waiting")), before + 1)
        self.as_tenant("SELECT switchboard.set_agent_state('available', user_id => (SELECT id FROM switchboard.users WHERE name = 'Ben'))")
        wait_until("Ben is shown", lambda: page.agent_states()["available"] == 2)
        self.as_tenant("SELECT switchboard.set_agent_state('paused', 'lunch', (SELECT id FROM switchboard.users WHERE name = 'Ben'))")
        wait_until("and his lunch", lambda: ["Ben", "paused (lunch)"] in [row[:2] for row in page.rows("agents")])

    def test_ages_count_on_by_themselves(self):
        page = self.open_board()
        first = page.rows("queue")[-1][3]
        wait_until("time passes", lambda: page.rows("queue")[-1][3] != first, 3)

    def test_it_connects_again(self):
        page = self.open_board()
        port = self.gateway.url.rpartition(":")[2]
        self.gateway.stop()
        try:
            wait_until("it says so", lambda: page.state() == "waiting")
        finally:
            type(self).gateway = Gateway(self.cluster, options=("--port", port))
        wait_until("it is live again", lambda: page.state() == "live", 20)

    def test_a_bad_key_is_told(self):
        page = self.page(credential="sbk_wrong")
        wait_until("it says so", lambda: "not accepted" in page.find("#sign-in-error").text)
        self.assertFalse(page.find("#board").is_displayed())

    def test_a_link_with_a_key_leaves_it_nowhere(self):
        page = WallboardPage(self.gateway.url)
        self.addCleanup(page.close)
        page.open(f"/#token={self.key}")
        page.wait_for_board()
        self.assertEqual(page.driver.current_url, self.gateway.url + "/")

    def test_on_a_phone(self):
        page = self.open_board(PHONE)
        self.assertFalse(page.overflows())

    def test_for_keyboard_and_screen_reader(self):
        page = self.open_board()
        self.assertEqual(page.unnamed(), [])
        page.driver.execute_script("document.activeElement.blur(); scrollTo(0, 0)")
        reached = []
        for _ in range(12):
            page.press("\ue004")  # Tab
            reached.append(page.driver.execute_script(
                "const e = document.activeElement; return e.id || e.className || e.tagName"))
        for stop in ("skip", "theme", "sign-out", "scroll"):
            self.assertIn(stop, reached)

    def test_contrast_in_light_and_dark(self):
        page = self.open_board()
        for theme in ("light", "dark"):
            page.look(theme)
            weak = [(tag, ink, ground) for tag, ink, ground in page.colours() if contrast(ink, ground) < 4.5]
            self.assertEqual(weak, [], theme)


if __name__ == "__main__":
    unittest.main()
