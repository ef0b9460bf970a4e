"""When somebody may be called, reckoned the slow way: minute by minute, on the wall clocks of zoneinfo.

Shares nothing with the extension but the rules themselves, which are data, and the zones of a number's prefix. Everything
happens at whole minutes; clock changes happen at whole quarters of an hour of UTC, as they have for decades.
"""

import datetime
import functools
import zoneinfo

MINUTE = 60
DAY = 86400
HORIZON = 366 * DAY
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@functools.cache
def zone_of(name):
    return zoneinfo.ZoneInfo(name)


@functools.cache
def offset(zone, quarter):
    """Seconds ahead of UTC in a quarter of an hour, numbered since 1970."""
    at = datetime.datetime.fromtimestamp(quarter * 900, zone_of(zone))
    return int(at.utcoffset().total_seconds())


def wall_clock(zone, at):
    """The local time as (days since 1970, minute of the day)."""
    local = at + offset(zone, at // 900)
    return local // DAY, local % DAY // MINUTE


def minute_of(text):
    return int(text[:2]) * 60 + int(text[3:])


def day_of(text):
    return (datetime.date.fromisoformat(text) - datetime.date(1970, 1, 1)).days


class Hours:
    """active_hours: which minutes of the wall clock are open."""

    def __init__(self, spec):
        self.holidays = {day_of(d) for d in spec.get("holidays", ())}
        allowed = set(spec.get("days", WEEKDAYS))
        self.spans = []  # by weekday: [(first minute, minute after the last)], perhaps past midnight
        for name in WEEKDAYS:
            pairs = [(spec["start"], spec["end"])] if "start" in spec else spec.get(name, [])
            spans = []
            for start, end in pairs if name in allowed else []:
                first, last = minute_of(start), minute_of(end)
                spans.append((first, last if last > first else last + 1440))
            self.spans.append(spans)

    def started(self, day):
        """The minutes of the windows that start on a day, from its midnight on: bit n is minute n."""
        spans = [] if day in self.holidays else self.spans[(day + 3) % 7]  # day 0 was a Thursday
        return functools.reduce(lambda mask, s: mask | (1 << s[1]) - (1 << s[0]), spans, 0)

    def open_minutes(self, day):
        """Of a day: what starts on it, and what is left over from the day before."""
        return (self.started(day) | self.started(day - 1) >> 1440) & (1 << 1440) - 1


class Windows:
    """Several active_hours, all of which must be open in all of the zones."""

    def __init__(self, hours, zones):
        self.hours, self.zones = hours, zones
        self.days = {}

    def open_minutes(self, day):
        if day not in self.days:
            self.days[day] = functools.reduce(lambda mask, h: mask & h.open_minutes(day), self.hours, (1 << 1440) - 1)
        return self.days[day]

    def open(self, at):
        return all(self.open_minutes(day) >> minute & 1 for day, minute in (wall_clock(z, at) for z in self.zones))

    def closed_all_day(self, at):
        """Whether it is a day without an open minute in some zone: then there is no need to look at each."""
        return any(self.open_minutes(wall_clock(z, at)[0]) == 0 for z in self.zones)


def next_minute(after, windows, allowed=lambda at: True):
    """The first instant not before after that is open and allowed: after itself, or a whole minute; None after a year."""
    if windows.open(after) and allowed(after):
        return after
    at = after - after % MINUTE + MINUTE
    while at <= after + HORIZON:
        if at % 900 == 0 and windows.closed_all_day(at):
            at += 900
            continue
        if windows.open(at) and allowed(at):
            return at
        at += MINUTE
    return None


def next_call_time(after, zone, hours):
    return next_minute(after, Windows([hours], [zone]))


class Contact:
    """Everything that is known about a call to somebody, and what the law says about it."""

    def __init__(self, case, law):
        self.case = case
        self.zones = [case["contact_zone"]] if case["contact_zone"] else case["phone_zones"] or [
            case["campaign_zone"] or case["tenant_zone"]]
        own = [o for o in case["overrides"] if self.here(o["region"])]
        windows = self.rule("calling_window", law, own)
        hours = case["active_hours"] or case["calling_hours"]
        self.windows = Windows([Hours(w) for w in windows + ([hours] if hours else [])], self.zones)
        days = [d for rule in self.rule("holidays", law, own) for d in rule["holidays"]] + case["holidays"]
        self.holidays = Windows([Hours({"start": "00:00", "end": "24:00", "holidays": days})], self.zones)
        self.both = Windows(self.windows.hours + self.holidays.hours, self.zones)
        caps = self.rule("frequency_cap", law, own)
        prefix = "" if case["by_campaign"] else "manual_"
        self.caps = {k: min(c[prefix + k] for c in caps if prefix + k in c)
                     for k in ("per_day", "per_24_hours", "per_7_days") if any(prefix + k in c for c in caps)}
        self.lockout = max((r["hours"] for r in self.rule("abandon_lockout", law, own)), default=0) * 3600

    def here(self, region):
        return region in ("*", self.case["region"], self.case["subdivision"])

    def rule(self, name, law, own):
        """What holds of one rule: of laxer overrides the nearest instead of the law, and all the stricter ones."""
        lax = [o for o in own if o["rule"] == name and o["relaxes"]]
        if lax:
            base = [max(lax, key=lambda o: (o["region"] != "*", len(o["region"])))]
        else:
            base = [r for r in law if r["rule"] == name and self.here(r["region"])]
        return [r["parameters"] for r in base + [o for o in own if o["rule"] == name and not o["relaxes"]]]

    def within_caps(self, at):
        called = [c["dialed_at"] for c in self.case["calls"] if c["counts"]]
        week = sum(c > at - 7 * DAY for c in called)
        hours = sum(c > at - DAY for c in called)
        today = max(sum(wall_clock(z, c)[0] >= wall_clock(z, at)[0] for c in called) for z in self.zones)
        return (week < self.caps.get("per_7_days", 1000) and hours < self.caps.get("per_24_hours", 1000)
                and today < self.caps.get("per_day", 1000))

    def not_locked_out(self, at):
        return all(c["ended_at"] + self.lockout <= at for c in self.case["calls"] if c["abandoned"])

    def not_listed(self, at):
        return self.case["listed_until"] is None or self.case["listed_until"] <= at

    def codes(self, at):
        checks = (("do-not-call", self.not_listed), ("abandoned-recently", self.not_locked_out),
                  ("frequency-cap", self.within_caps), ("outside-calling-hours", self.windows.open),
                  ("holiday", self.holidays.open))
        return [code for code, good in checks if not good(at)]

    def next_time(self, after):
        return next_minute(after, self.both, lambda at: self.not_listed(at) and self.not_locked_out(at) and self.within_caps(at))


def next_attempt(case):
    """When the campaign tries again, before anybody asks whether that is lawful; None: it does not."""
    if case["attempts"] >= case["max_attempts"]:
        return None
    rule = case["retry_rule"] or {"delay": case["retry_interval"], "backoff": 1}
    due = case["at"] + int(rule["delay"] * rule["backoff"] ** (case["attempts"] - 1))
    return next_call_time(due, case["campaign_zone"] or case["tenant_zone"], Hours(case["active_hours"]))
