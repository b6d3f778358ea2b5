// Fills in how each service is: it tells so itself, on its own address. Without this file the links there remain.

const section = document.querySelector("[data-services]");
const EVERY = 10_000;
const LOCALE = { de: "de-DE", en: "en-GB" }[document.documentElement.lang];
const numbers = new Intl.NumberFormat(LOCALE);
const moments = new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium", timeStyle: "medium", timeZone: section.dataset.zone });

async function ask(path) {
  const answer = await fetch(path, { headers: { accept: "application/json" } }).catch(() => null);
  const told = await answer?.json().catch(() => null);
  return { ok: answer?.ok ?? false, told: told ?? null };
}

async function look(row) {
  const name = row.dataset.service;
  const [ready, progress] = await Promise.all([ask(`/${name}/health/ready`), ask(`/${name}/api/progress`)]);
  const state = ready.ok ? "ready" : ready.told ? "waiting" : "away";
  for (const one of row.querySelectorAll("[data-state]")) one.hidden = one.dataset.state !== state;
  const told = progress.ok ? progress.told : {};
  put(row, "why", ready.ok ? "" : ready.told?.detail ?? "");
  put(row, "newest", told.newest ? moments.format(new Date(told.newest)) : progress.ok ? section.dataset.none : "–");
  put(row, "lag", "lag" in told ? numbers.format(told.lag) : "–");
  put(row, "dead_letters", "dead_letters" in told ? numbers.format(told.dead_letters) : "–");
}

function put(row, name, text) {
  const place = row.querySelector(`[data-figure=${name}]`);
  if (place.textContent !== text) place.textContent = text;
}

async function all() {
  if (!document.hidden) await Promise.all([...section.querySelectorAll("[data-service]")].map(look));
  setTimeout(all, EVERY);
}

section.querySelector("[data-without]").hidden = true;
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) for (const row of section.querySelectorAll("[data-service]")) look(row);
});
all();
