// Keeps a page up to date: when the server says that something has changed, the page is fetched again and its parts
// (data-part) take over what is new. Without this file the pages work too; they only do not change by themselves.
// What stays: the focus, open details, what somebody is filling in, and where the reader is.

const main = document.querySelector("main[data-live]");
const PAUSE = 1000; // between two looks at the page, however often it changes
let source = null;
let seen = new URL(main.dataset.live, location).searchParams.get("seen") ?? "";
let looked = 0;
let planned = null;

function listen() {
  const address = new URL(main.dataset.live, location);
  address.searchParams.set("seen", seen);
  source = new EventSource(address);
  source.addEventListener("changed", (event) => {
    seen = event.data;
    plan();
  });
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) { // an answer that is no stream: the service is away
      source = null;
      setTimeout(() => { if (!source && !document.hidden) listen(); }, 5000);
    }
  });
}

// A browser has few connections to a server: only the page that is looked at holds one.
function mind() {
  if (document.hidden) {
    source?.close();
    source = null;
  } else if (!source) {
    listen();
  }
}

function plan() {
  planned ??= setTimeout(look, Math.max(0, looked + PAUSE - Date.now()));
}

async function look() {
  const answer = await fetch(location.href, { headers: { accept: "text/html" } }).catch(() => null);
  looked = Date.now();
  planned = null;
  if (!answer?.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const focused = document.activeElement;
  const said = new Map([...document.querySelectorAll("[data-say]")].map((one) => [one.dataset.say, one.textContent]));
  for (const part of document.querySelectorAll("[data-part]")) {
    const found = fresh.querySelector(`[data-part="${CSS.escape(part.dataset.part)}"]`);
    if (found) renew(part, found);
  }
  if (focused?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
  say([...document.querySelectorAll("[data-say]")].filter((one) => said.get(one.dataset.say) !== one.textContent));
}

function say(changed) {
  const words = changed.map((one) => one.textContent.trim().replace(/\s+/g, " ")).filter(Boolean).join(" ");
  if (words) document.getElementById("live-said").textContent = words;
}

// Makes an element equal to another one, touching only what differs: so everything else stays as the reader left it.
function renew(before, after) {
  if (before.isEqualNode(after) || isBusy(before)) return;
  for (const { name } of [...before.attributes]) {
    if (!after.hasAttribute(name) && !(name === "open" && before.localName === "details")) before.removeAttribute(name);
  }
  for (const { name, value } of after.attributes) {
    if (before.getAttribute(name) !== value) before.setAttribute(name, value);
  }
  renewChildren(before, after);
}

function renewChildren(before, after) {
  const keyed = new Map([...before.children].filter(keyOf).map((one) => [keyOf(one), one]));
  let place = before.firstChild;
  for (const fresh of [...after.childNodes]) {
    const match = keyOf(fresh) ? keyed.get(keyOf(fresh)) : place;
    if (match && isSame(match, fresh)) {
      if (match !== place) before.insertBefore(match, place);
      if (match.nodeType === Node.ELEMENT_NODE) renew(match, fresh);
      else if (match.nodeValue !== fresh.nodeValue) match.nodeValue = fresh.nodeValue;
      place = match.nextSibling;
    } else {
      before.insertBefore(document.importNode(fresh, true), place);
    }
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

function keyOf(node) {
  return node.id || node.dataset?.key || "";
}

function isSame(one, other) {
  return one.nodeType === other.nodeType && one.nodeName === other.nodeName && keyOf(one) === keyOf(other);
}

// A form that somebody is filling in.
function isBusy(element) {
  if (element.localName !== "form") return false;
  const isTyping = document.activeElement?.matches("input, select, textarea") && element.contains(document.activeElement);
  return isTyping || [...element.elements].some(isChanged);
}

function isChanged(field) {
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (field.localName === "select") return field.selectedIndex !== Math.max(0, [...field.options].findIndex((one) => one.defaultSelected));
  return "defaultValue" in field && field.type !== "hidden" && field.value !== field.defaultValue;
}

document.addEventListener("visibilitychange", mind);
window.addEventListener("pagehide", () => source?.close());
window.addEventListener("pageshow", (event) => {
  if (event.persisted) {
    source = null;
    mind();
  }
});
mind();
