// Puts the figures of GET /api/wallboard on the page. Text only ever goes in as text, rows are kept by key so that the place of
// a reader is not lost, and ages count on between two answers.

const byId = (id) => document.getElementById(id);
const whole = new Intl.NumberFormat();

/** 75 -> "1:15", 3700 -> "1:01:40" */
export function spell(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  const two = (n) => String(n).padStart(2, "0");
  const hours = Math.floor(s / 3600);
  return hours ? `${hours}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${Math.floor(s / 60)}:${two(s % 60)}`;
}

const percent = (value) => (value === null || value === undefined ? "-" : `${Number(value).toFixed(1)} %`);
const count = (value) => whole.format(value ?? 0);
const label = (text) => (text ?? "").replaceAll(/[_-]/g, " ");

function element(tag, text, attributes = {}) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

/** A cell whose text counts the seconds since `since` (ms). */
function age(since, level) {
  const cell = element("td", "", { class: "number", "data-since": since });
  if (level) cell.dataset.limits = level;
  return cell;
}

/** Makes the rows of a table body be those of items, in their order; cells(item) makes the cells of one. */
function fill(body, items, keyOf, cells, nothing) {
  const known = new Map([...body.rows].map((row) => [row.dataset.key, row]));
  const rows = items.map((item) => {
    const row = known.get(keyOf(item)) ?? element("tr", undefined, { "data-key": keyOf(item) });
    row.replaceChildren(...cells(item));
    return row;
  });
  if (!rows.length) {
    const columns = body.closest("table").tHead.rows[0].cells.length;
    rows.push(element("tr"));
    rows[0].append(element("td", nothing, { class: "none", colspan: columns }));
  }
  body.replaceChildren(...rows);
}

function showFigure(name, value, title, level = "") {
  let shown = document.querySelector(`[data-figure=${name}]`);
  if (!shown) {
    const box = element("div");
    shown = element("dd", "", { "data-figure": name });
    box.append(element("dt", title), shown);
    byId("figures").append(box);
  }
  shown.textContent = value;
  shown.dataset.level = level;
}

function showFigures(board) {
  const { calls, queue, today } = board;
  const wait = queue.waiting ? queue.longestWaitS : 0;
  showFigure("live", count(calls.live), "Live calls");
  showFigure("waiting", count(queue.waiting), "Waiting", queue.waiting ? "warn" : "");
  showFigure("longest-wait", spell(wait), "Longest wait", wait > 120 ? "bad" : wait > 30 ? "warn" : "");
  showFigure("calls-today", count(today.calls), "Calls today");
  showFigure("answer-rate", percent(today.answerRate), "Answer rate");
  showFigure("abandon-rate", percent(today.abandonRate), "Abandon rate", today.abandonRate > 3 ? "bad" : "");
  showFigure("service-level", percent(today.serviceLevel), "Service level");
}

function showQueue(queue, at) {
  byId("queue-count").textContent = `(${count(queue.waiting)})`;
  fill(byId("queue"), queue.items, (i) => `${i.kind}:${i.id}`, (i) => [
    element("th", i.name || i.phoneNumber || "unknown", { scope: "row" }),
    element("td", i.subject ? `${label(i.kind)}: ${i.subject}` : label(i.kind)),
    element("td", (i.skills ?? []).join(", ")),
    age(Date.parse(i.waitingSince) + at.ahead, "30,120"),
  ], "Nobody is waiting");
}

function showCalls(calls, at) {
  byId("calls-count").textContent =
    calls.live > calls.list.length ? `(${count(calls.list.length)} of ${count(calls.live)})` : `(${count(calls.live)})`;
  fill(byId("calls"), calls.list, (c) => c.id, (c) => [
    element("th", c.name || c.number || "unknown", { scope: "row" }),
    element("td", `${label(c.direction)}, ${label(c.status)}`),
    element("td", c.agent ?? ""),
    element("td", c.campaign ?? ""),
    age(Date.parse(c.startedAt) + at.ahead),
  ], "No call is on");
}

function showAgents(agents, at) {
  byId("agent-states").replaceChildren(...["available", "busy", "wrap_up", "paused", "offline"].map((state) => {
    const item = element("li", `${label(state)} `, { "data-state": state });
    item.append(element("b", count(agents.byState[state])));
    return item;
  }));
  fill(byId("agents"), agents.list, (a) => a.id, (a) => [
    element("th", a.name, { scope: "row" }),
    element("td", a.reason ? `${label(a.state)} (${a.reason})` : label(a.state)),
    a.since ? age(Date.parse(a.since) + at.ahead) : element("td", "", { class: "number" }),
  ], "No agents");
}

function showCampaigns(campaigns) {
  fill(byId("campaigns"), campaigns, (c) => c.id, (c) => {
    const done = element("td");
    const share = c.total ? (100 * (c.total - c.pending - c.calling)) / c.total : 0;
    const bar = element("progress", undefined, { max: 100, value: share, "aria-label": `Progress of ${c.name}` });
    done.append(bar, ` ${share.toFixed(0)} %`);
    const abandoned = element("td", percent(c.abandonRate), { class: "number" });
    if (c.abandonRate > c.abandonTarget) abandoned.dataset.level = "bad";
    return [element("th", c.name, { scope: "row" }), element("td", `${label(c.type)}, ${label(c.status)}`), done,
      element("td", count(c.pending + c.calling), { class: "number" }), abandoned];
  }, "No campaigns");
}

function drawing(tag, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/** Columns for the eye, a table for everybody else. */
function showHours(rates) {
  const svg = drawing("svg", { viewBox: "0 0 480 150", "aria-hidden": "true", focusable: "false" });
  for (const mark of [0, 50, 100]) {
    const y = 125 - mark * 1.15;
    svg.append(drawing("line", { x1: 28, x2: 480, y1: y, y2: y, class: "axis" }), drawing("text", { x: 0, y: y + 4 }, mark));
  }
  const table = element("table");
  table.append(element("caption", "Answer rate by hour"), element("thead"), element("tbody"));
  table.tHead.append(element("tr"));
  table.tHead.rows[0].append(element("th", "Hour", { scope: "col" }), element("th", "Answered", { scope: "col" }));
  rates.forEach((rate, hour) => {
    if (hour % 3 === 0) svg.append(drawing("text", { x: 32 + hour * 18.6, y: 142 }, hour));
    if (rate !== null) {
      const height = Math.max(rate * 1.15, 1);
      svg.append(drawing("rect", { x: 31 + hour * 18.6, y: 125 - height, width: 14, height, rx: 2, class: "column" }));
    }
    const row = element("tr");
    row.append(element("th", `${hour}:00`, { scope: "row" }), element("td", rate === null ? "no calls" : percent(rate)));
    table.tBodies[0].append(row);
  });
  const unseen = element("div", undefined, { class: "unseen" });
  unseen.append(table);
  byId("hours").replaceChildren(svg, unseen);
}

function showDeliveries(deliveries) {
  fill(byId("deliveries"), Object.entries(deliveries), ([channel]) => channel, ([channel, n]) => [
    element("th", channel, { scope: "row" }),
    ...["queued", "sent", "delivered", "read", "failed"].map((s) => element("td", count(n[s]), { class: "number" })),
  ], "No messages");
}

function showWorkers(workers) {
  const pairs = [["State", workers.status], ["Running", count(workers.running)], ["Jobs ready", count(workers.jobsReady)],
    ["Jobs running", count(workers.jobsRunning)], ["Jobs given up", count(workers.jobsDead)],
    ["Oldest waits", spell(workers.oldestReadyS ?? 0)]];
  byId("workers").replaceChildren(...pairs.flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
}

/** Shows the answer of GET /api/wallboard. */
export function show(board) {
  const at = { ahead: Date.now() - Date.parse(board.at) };  // how far this clock is ahead of the server's
  showFigures(board);
  showQueue(board.queue, at);
  showCalls(board.calls, at);
  showAgents(board.agents, at);
  showCampaigns(board.campaigns);
  showHours(board.answerRateByHour);
  showDeliveries(board.deliveries);
  showWorkers(board.workers);
  tick();
}

/** Counts ages on; to be called every second. */
export function tick() {
  const now = Date.now();
  byId("clock").textContent = new Date(now).toLocaleTimeString();
  for (const cell of document.querySelectorAll("[data-since]")) {
    const seconds = (now - Number(cell.dataset.since)) / 1000;
    cell.textContent = spell(seconds);
    const [warn, bad] = (cell.dataset.limits ?? "").split(",").map(Number);
    if (warn) cell.dataset.level = seconds > bad ? "bad" : seconds > warn ? "warn" : "";
  }
}
