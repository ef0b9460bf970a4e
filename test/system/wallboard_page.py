"""The wallboard in headless Chromium, driven as a user would, and what it shows."""
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from harness import wait_until

PHONE = (390, 844)
DESKTOP = (1440, 900)


class WallboardPage:
    def __init__(self, url, size=DESKTOP):
        options = Options()
        for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
                         "--hide-scrollbars", f"--window-size={size[0]},{size[1]}"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.url = url
        self.width = size[0]
        self.driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        # A window cannot be as narrow as a phone; the page's own size can.
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size[0] < 600})

    def close(self):
        self.driver.quit()

    def open(self, path="/"):
        self.driver.get(self.url + path)

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def sign_in(self, credential):
        """By keyboard alone."""
        wait_until("the form has the focus", lambda: self.focused() == "token")
        self.press(credential + Keys.ENTER)

    def press(self, keys):
        self.driver.switch_to.active_element.send_keys(keys)

    def focused(self):
        return self.driver.switch_to.active_element.get_attribute("id")

    def wait_for_board(self, timeout=10):
        wait_until("the board is shown", lambda: self.find("#board").is_displayed(), timeout)

    def state(self):
        return self.driver.execute_script("return document.getElementById('link').dataset.state")

    def figure(self, name):
        return self.driver.execute_script(
            "return document.querySelector(`[data-figure=${arguments[0]}]`).textContent", name)

    def rows(self, table):
        """The cells of a table, row by row; none for the line that says that it is empty."""
        rows = self.driver.execute_script(
            "return [...document.getElementById(arguments[0]).rows].map(r => [...r.cells].map(c => c.textContent.trim()))", table)
        return [row for row in rows if len(row) > 1]

    def pairs(self):
        """The panel of the workers."""
        return dict(self.driver.execute_script("""
            return [...document.querySelectorAll('#workers dt')].map(t => [t.textContent, t.nextElementSibling.textContent])"""))

    def agent_states(self):
        return dict(self.driver.execute_script("""
            return [...document.querySelectorAll('#agent-states li')].map(i => [i.dataset.state, Number(i.querySelector('b').textContent)])"""))

    def hours(self):
        """Answer rates by hour, as the table for screen readers says them."""
        return self.driver.execute_script(
            "return [...document.querySelectorAll('#hours tbody tr')].map(r => r.cells[1].textContent)")

    def overflows(self):
        """Whether one has to scroll sideways."""
        return self.driver.execute_script("return document.documentElement.scrollWidth") > self.width

    def complaints(self):
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]

    def colours(self):
        """Foreground and background of all visible text, as (r, g, b) pairs."""
        return self.driver.execute_script("""
            const rgb = (c) => c.match(/[\\d.]+/g).map(Number);
            const ground = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
                                                                   if (c.length < 4 || c[3] > 0) return c.slice(0, 3); } };
            return [...document.querySelectorAll('body *')].filter(e => e.checkVisibility() && [...e.childNodes].some(
                      n => n.nodeType === 3 && n.data.trim()) && !(e instanceof SVGElement))
              .map(e => [e.tagName, rgb(getComputedStyle(e).color).slice(0, 3), ground(e)])""")

    def unnamed(self):
        """Controls, tables and pictures that have no accessible name or header: none is right."""
        return self.driver.execute_script("""
            const named = (e) => (e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.length
                                  || document.getElementById(e.getAttribute('aria-labelledby')));
            return [...document.querySelectorAll('button, input, progress, [role=region], section')].filter(e => !named(e))
              .concat([...document.querySelectorAll('th:not([scope])')])
              .concat([...document.querySelectorAll('svg:not([aria-hidden])')]).map(e => e.outerHTML.slice(0, 80))""")

    def look(self, theme):
        self.driver.execute_script(
            "if (document.documentElement.dataset.theme !== arguments[0]) document.getElementById('theme').click()", theme)

    def screenshot(self, path):
        height = self.driver.execute_script("return document.documentElement.scrollHeight")
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": self.width, "height": height, "deviceScaleFactor": 1, "mobile": self.width < 600})
        self.driver.save_screenshot(str(path))


def contrast(one, other):
    """Contrast ratio by WCAG 2.2."""
    def luminance(colour):
        parts = [c / 255 for c in colour]
        red, green, blue = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)
