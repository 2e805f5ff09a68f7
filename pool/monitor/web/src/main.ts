// The page asks its server every second and shows what it says.

import { Charts } from "./charts";
import { at, link, mark, set, show } from "./dom";
import type { Overview } from "./overview";
import { Past } from "./past";
import { age } from "./say";
import { showMemory, showPool } from "./show";

const everyMs = 1000;
const patienceMs = 4000;
const tokenKey = "libsprint metrics token"; // in the storage of the tab, which ends with it

const wanted = new URLSearchParams(location.search).get("pool");
const past = new Past();
let charts: Charts | null = null;
let answeredAt = 0;
let timer = 0;
let looking = false;

class Refused extends Error {}

async function ask(): Promise<Overview> {
  const query = new URLSearchParams({ after: past.next.toString() });
  if (wanted !== null) query.set("pool", wanted);
  const token = sessionStorage.getItem(tokenKey);
  const answer = await fetch(`status/overview?${query}`, {
    headers: token === null ? {} : { "X-Auth-Token": token },
    signal: AbortSignal.timeout(patienceMs),
  });
  if (answer.status === 401) throw new Refused();
  if (!answer.ok)
    throw new Error(answer.status === 404 ? "there is no such pool here" : `answer ${answer.status}`);
  return answer.json();
}

async function look(): Promise<void> {
  clearTimeout(timer);
  // visibilitychange looks again; two looks at once would get the same samples.
  if (document.hidden || looking) return;
  looking = true;
  try {
    let o = await ask();
    if (o.pool !== null && !past.add(o.pool.history)) {
      o = await ask();
      if (o.pool !== null) past.add(o.pool.history);
    }
    answeredAt = Date.now();
    showAll(o);
  } catch (e) {
    if (e instanceof Refused) return askForToken();
    showSilence(e);
  } finally {
    looking = false;
  }
  clearTimeout(timer);
  timer = setTimeout(look, everyMs);
}

function showAll(o: Overview): void {
  show("token", false);
  show("choose", o.pool === null);
  show("live", o.pool !== null);
  if (o.pool === null) {
    showChoices(o.pools);
    return;
  }
  charts ??= new Charts();
  const { name, endpoint } = o.pool.status;
  set("name", name || "libsprint");
  set("endpoint", endpoint);
  set("version", o.version);
  document.title = `${o.pool.health.pool_healthy ? "" : "✕ "}${name || endpoint} · libsprint`;
  showOthers(o.pools, name);
  set("pulse", "live");
  mark("pulse", null);
  document.body.classList.remove("stale");
  showPool(o.pool, past.columns);
  showMemory(o.memory);
  charts.show(past.columns);
}

const urlOf = (name: string) => `?${new URLSearchParams({ pool: name })}`;

function showChoices(pools: Overview["pools"]): void {
  const items = pools.map((p) => {
    const name = document.createElement("strong");
    name.textContent = p.name;
    const state = document.createElement("span");
    state.className = p.status === "healthy" ? "good" : "bad";
    state.textContent = p.status;
    const why = document.createElement("span");
    why.className = "soft";
    why.textContent = p.reason ?? "";
    const item = document.createElement("li");
    item.append(link(urlOf(p.name), name, state, why));
    return item;
  });
  if (at("choices").textContent !== items.map((i) => i.textContent).join(""))
    at("choices").replaceChildren(...items);
}

function showOthers(pools: Overview["pools"], name: string): void {
  const state = JSON.stringify(pools.map((p) => [p.name, p.status]));
  const nav = at("pools");
  if (pools.length < 2 || nav.dataset.shown === state) return;
  nav.dataset.shown = state;
  nav.replaceChildren(
    ...pools.map((p) => {
      const a = link(urlOf(p.name), p.name);
      if (p.name === name) a.setAttribute("aria-current", "page");
      if (p.status !== "healthy") a.className = "bad";
      return a;
    }),
  );
}

function showSilence(why: unknown): void {
  document.body.classList.add("stale");
  if (answeredAt === 0) show("live");
  const quiet = answeredAt === 0 ? "" : ` for ${age(Date.now() - answeredAt)}`;
  set("pulse", `no answer${quiet} (${why instanceof Error ? why.message : why})`);
  mark("pulse", false);
  if (answeredAt > 0) document.title = "? libsprint";
}

function askForToken(): void {
  show("live", false);
  show("choose", false);
  show("token");
  show("refused", sessionStorage.getItem(tokenKey) !== null);
  sessionStorage.removeItem(tokenKey);
  at("secret").focus();
}

at("token").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = at("secret") as HTMLInputElement;
  const sendable = /^[\x21-\x7e]+$/.test(field.value); // what a header can carry
  if (sendable) sessionStorage.setItem(tokenKey, field.value);
  field.value = "";
  show("refused", !sendable);
  aimLinks();
  if (sendable) look();
});

/** A link cannot carry the token, so where there is one it leads nowhere. */
function aimLinks(): void {
  for (const a of document.querySelectorAll<HTMLAnchorElement>("a[data-route][href]")) {
    if (sessionStorage.getItem(tokenKey) !== null) a.removeAttribute("href");
    else if (wanted !== null) a.search = urlOf(wanted);
  }
}

aimLinks();
document.addEventListener("visibilitychange", look);
look();
