// Pages work without this script. It keeps them live, shows times in the reader's zone on hover, and makes areas that scroll
// reachable with the keyboard.
"use strict";

function localTimes(root) {
  for (const t of root.querySelectorAll("time[datetime]")) {
    t.title = new Date(t.dateTime).toLocaleString() + " (your time)";
  }
}

function reachable(root) {
  for (const box of root.querySelectorAll(".scroll, pre")) {
    if (box.scrollWidth <= box.clientWidth || box.tabIndex >= 0) continue;
    box.tabIndex = 0;
    box.setAttribute("role", "region");
    if (!box.ariaLabel) box.ariaLabel = box.dataset.name || box.closest("section")?.querySelector("h1, h2")?.textContent || "scrolls sideways";
  }
}

// A calendar is one stop for the Tab key; arrow keys move within it.
function calendars(root) {
  for (const table of root.querySelectorAll("table.cal")) {
    const days = [...table.querySelectorAll("a.c")];
    const first = table.querySelector("a.c[aria-current]") || days[0];
    for (const a of days) a.tabIndex = a === first ? 0 : -1;
  }
}
document.addEventListener("keydown", e => {
  const from = e.target.closest?.("table.cal a.c");
  const days = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: 0, ArrowDown: 0 }[e.key];
  if (!from || days === undefined || e.ctrlKey || e.metaKey || e.altKey) return;
  let to;
  if (days) {
    const at = new Date(from.id.slice(1) + "T00:00:00Z");
    at.setUTCDate(at.getUTCDate() + days);
    to = document.getElementById("d" + at.toISOString().slice(0, 10));
  } else {
    const cell = from.parentElement;
    const row = e.key === "ArrowUp" ? cell.parentElement.previousElementSibling : cell.parentElement.nextElementSibling;
    to = row?.cells[cell.cellIndex]?.firstElementChild;
  }
  if (!to) return;
  e.preventDefault();
  from.tabIndex = -1;
  to.tabIndex = 0;
  to.focus();
});

// dress prepares what the server sent.
function dress(root) {
  calendars(root);
  localTimes(root);
  reachable(root);
}
dress(document);

// The login link has its code behind #, so that no log contains it.
const login = document.querySelector("form[data-login]");
if (login && location.hash.length > 1) {
  login.elements.secret.value = decodeURIComponent(location.hash.slice(1));
  history.replaceState(null, "", location.pathname + location.search);
  login.requestSubmit();
}

// keepInput puts what the reader has typed or chosen in an element into the one that replaces it.
function keepInput(old, part) {
  const key = field => [field.form?.getAttribute("action"), field.name, /^(checkbox|radio)$/.test(field.type) ? field.value : ""].join(" ");
  const fields = root => [...root.querySelectorAll("input:not([type=hidden]), textarea, select")];
  const fresh = new Map(fields(part).map(field => [key(field), field]));
  for (const field of fields(old)) {
    const to = fresh.get(key(field));
    if (!to) continue;
    if (field.checked !== field.defaultChecked) to.checked = field.checked;
    if (field.tagName === "SELECT" || field.value !== field.defaultValue) to.value = field.value;
  }
}

// keepFocus calls change, which replaces elements, and gives the focus to what took the place of the focused element.
function keepFocus(change) {
  const had = document.activeElement;
  const key = had?.dataset?.key || had?.id;
  change();
  if (!key || document.activeElement === had) return;
  (document.getElementById(key) || document.querySelector(`[data-key="${CSS.escape(key)}"]`))?.focus({ preventScroll: true });
}

const sign = document.getElementById("live");
function tell(state, text) {
  if (!sign) return;
  sign.dataset.state = state;
  sign.lastElementChild.textContent = text;
}

let source;
const always = document.body.dataset.live === "always"; // a query ends when nobody listens
function listen() {
  if (source || (document.hidden && !always)) return;
  source = new EventSource(location.href);
  source.addEventListener("part", e => {
    const holder = document.createElement("template");
    holder.innerHTML = JSON.parse(e.data);
    const part = holder.content.firstElementChild;
    const old = part && document.getElementById(part.id);
    tell("live", "live");
    document.getElementById("gone")?.setAttribute("hidden", "");
    for (const button of document.querySelectorAll("form[method=post] button")) button.disabled = false;
    if (!old || old.outerHTML === part.outerHTML) return;
    keepInput(old, part);
    keepFocus(() => old.replaceWith(part));
    dress(part);
  });
  source.addEventListener("gone", e => {
    tell("gone", "not live");
    for (const button of document.querySelectorAll("form[method=post] button")) button.disabled = true;
    const gone = document.getElementById("gone");
    if (!gone) return;
    gone.querySelector("span").textContent = JSON.parse(e.data);
    gone.removeAttribute("hidden");
  });
  source.addEventListener("end", () => {
    pause();
    sign?.remove();
    delete document.body.dataset.live; // nothing changes any more
  });
  source.onerror = () => {
    tell("wait", "reconnecting");
    if (source.readyState === EventSource.CLOSED) retry();
  };
}

// retry follows the page again after the server refused to: it starts, it has too many open pages, or the session has ended.
let retries;
function retry() {
  pause();
  clearTimeout(retries);
  retries = setTimeout(async () => {
    try {
      const answer = await fetch(location.href, { headers: { Accept: "application/json" } });
      if (answer.status === 401) return location.reload(); // to log in
    } catch {
      // There is no server yet.
    }
    if ("live" in document.body.dataset) listen();
  }, 1500 + 1500 * Math.random());
}
function pause() {
  source?.close();
  source = undefined;
}
if (document.body.hasAttribute("data-live")) {
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && !always) pause();
    else if ("live" in document.body.dataset) listen();
  });
  addEventListener("pagehide", pause);
  listen();
}
