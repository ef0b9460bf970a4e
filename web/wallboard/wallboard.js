// The wallboard: signs in, asks for the figures, and asks again whenever the event feed says that something happened.
import { followFeed } from "./feed.js";
import { show, tick } from "./view.js";

const byId = (id) => document.getElementById(id);
const kLeastPause = 1000;     // ms between two questions, however much happens
const kLongestPause = 15000;  // ms: what makes no event (ages of jobs, workers that fall silent)

let stopFeed;
let asked = 0;
let timer;
let waitingBefore;

const credential = {
  get: () => sessionStorage.getItem("credential"),
  set: (value) => sessionStorage.setItem("credential", value),
  drop: () => sessionStorage.removeItem("credential"),
};
const headers = () => ({ authorization: `Bearer ${credential.get()}` });

/** Tells screen readers when somebody begins or ends to wait, and nothing else. */
function announce(waiting) {
  if (waitingBefore !== undefined && waiting !== waitingBefore) {
    byId("news").textContent = waiting ? `${waiting} waiting` : "Nobody is waiting";
  }
  waitingBefore = waiting;
}

async function refresh() {
  clearTimeout(timer);
  timer = setTimeout(refresh, kLongestPause);
  asked = Date.now();
  const answer = await fetch("/api/wallboard", { headers: headers(), cache: "no-store" }).catch(() => null);
  if (answer?.status === 401 || answer?.status === 403) return refused();
  if (!answer?.ok || !credential.get()) return undefined;  // the next event or the timer asks again
  const board = await answer.json();
  show(board);
  announce(board.queue.waiting);
  byId("board").hidden = false;
  return undefined;
}

function refreshSoon() {
  clearTimeout(timer);
  timer = setTimeout(refresh, Math.max(asked + kLeastPause - Date.now(), 50));
}

function setState(state) {
  byId("link").dataset.state = state;
  byId("link").textContent = { live: "Live", waiting: "Connecting again", offline: "Not connected" }[state];
  if (state === "live") refreshSoon();
}

function refused() {
  signOut();
  byId("sign-in-error").textContent = "This token or key is not accepted.";
}

function open() {
  byId("sign-in").hidden = true;
  byId("sign-out").hidden = false;
  byId("sign-in-error").textContent = "";
  stopFeed = followFeed({ headers, onEvent: refreshSoon, onState: setState, onRefused: refused });
  refresh();
}

function signOut() {
  stopFeed?.();
  clearTimeout(timer);
  credential.drop();
  waitingBefore = undefined;
  setState("offline");
  byId("board").hidden = true;
  byId("sign-out").hidden = true;
  byId("sign-in").hidden = false;
  byId("token").focus();
}

function useTheme(theme) {
  document.documentElement.dataset.theme = theme;
  byId("theme").setAttribute("aria-pressed", String(theme === "dark"));
}

function switchTheme() {
  const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  localStorage.setItem("theme", theme);
  useTheme(theme);
}

/** A link may carry a credential behind #, which is never sent to a server; it is taken out of the address at once. */
function takeFromAddress() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    credential.set(given);
    history.replaceState(null, "", location.pathname);
  }
}

byId("theme").addEventListener("click", switchTheme);
byId("sign-out").addEventListener("click", signOut);
byId("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  credential.set(byId("token").value.trim());
  byId("token").value = "";
  open();
});

const dark = matchMedia("(prefers-color-scheme: dark)");
const followSystem = () => useTheme(localStorage.getItem("theme") ?? (dark.matches ? "dark" : "light"));
dark.addEventListener("change", followSystem);
followSystem();
takeFromAddress();
setInterval(tick, 1000);
tick();
if (credential.get()) open();
else signOut();
