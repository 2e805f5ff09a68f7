// What the page says of a pool now.

import { type Cell, fill, mark, set, setNumber, show } from "./dom";
import type { Columns, Connection, Endpoint, Memory, Overview, Status } from "./overview";
import { age, bytes, capital, count, duration, durationText, plural, rate, word } from "./say";

type Pool = NonNullable<Overview["pool"]>;

const sum = (list: number[]) => list.reduce((a, b) => a + b, 0);

/** How many samples the tiles with a rate look back on. */
const lately = 5;

export function showPool(pool: Pool, past: Columns): void {
  showHealth(pool, past);
  showConnections(pool.status);
  showTimes("latency", past.latency_us, past.requests, past, "no answers of late");
  showTimes("wait", past.acquire_wait_us, past.acquires, past, "no acquires of late");
  showWaiting(pool.status);
  showErrors(pool.status, past);
  showBreaker(pool.status);
  fill("endpoints", pool.status.endpoints.map(endpointRow), 8, "There is none.");
  fill("slowest", pool.status.connections.map(connectionRow), 10, "No connection is open.");
}

function showHealth({ health, ready, status }: Pool, past: Columns): void {
  const well = health.status === "healthy";
  mark("health", well);
  set("health-word", capital(health.status));
  const why: string[] = [];
  if (!well) why.push(reason(health.reason) || word(health.cause ?? ""), since(past, false));
  else if (status.paused) why.push("Paused: no lease is given until the pool is resumed.");
  else if (ready.status !== "healthy")
    why.push(`No lease can be had at this moment${ready.cause ? `: ${word(ready.cause)}` : ""}.`);
  else why.push("A lease can be had at once.");
  set("health-why", why.filter(Boolean).join(" "));
}

/** An error without the name of the library, which the page has. */
const reason = (text = "") => text.replace(/^sprint: /, "");

/** For how long the pool has been as it is, if the past knows. */
function since(past: Columns, healthy: boolean): string {
  let n = past.healthy.length;
  while (n > 0 && past.healthy[n - 1] === healthy) n--;
  const first = past.time_ms[n];
  const last = past.time_ms.at(-1);
  return first === undefined || last === undefined || last === first ? "" : `(for ${age(last - first)})`;
}

function showConnections(s: Status): void {
  setNumber("open", count(s.idle + s.lent), `of ${count(s.max_connections)}`);
  const parts = [`${count(s.idle)} idle`, `${count(s.lent)} lent`];
  if (s.dialing > 0) parts.push(`${count(s.dialing)} dialing`);
  if (s.closing > 0) parts.push(`${count(s.closing)} closing`);
  set("open-of", parts.join(" · "));
}

function showTimes(
  id: string,
  of: { p50: number[]; p95: number[] },
  counts: number[],
  past: Columns,
  none: string,
): void {
  const recent = counts.slice(-lately);
  let last = counts.length - 1;
  while (last > counts.length - lately && !counts[last]) last--;
  if (!counts[last]) {
    setNumber(`${id}-now`, "–", "");
    set(`${id}-of`, none);
    return;
  }
  const [value, unit] = duration(of.p95[last] ?? 0);
  setNumber(`${id}-now`, value, `${unit} p95`);
  const each = sum(recent) / recent.length / (past.interval_ms / 1000);
  set(`${id}-of`, `${rate(each)}/s · p50\u00a0${durationText(of.p50[last] ?? 0)}`);
}

function showWaiting(s: Status): void {
  mark("wait-of", s.waiting > 0 ? false : null);
  if (s.waiting > 0) set("wait-of", `${plural(s.waiting, "caller")} in line`);
}

function showErrors(s: Status, past: Columns): void {
  const kinds = Object.entries(past.errors_by_kind)
    .map(([kind, list]) => [kind, sum(list)] as const)
    .filter(([, n]) => n > 0)
    .sort((a, b) => b[1] - a[1]);
  const minutes = Math.ceil((past.time_ms.length * past.interval_ms) / 60000);
  setNumber("errors-now", count(sum(kinds.map(([, n]) => n))), `in ${Math.max(1, minutes)} min`);
  const list = kinds.slice(0, 3).map(([kind, n]) => `${count(n)} ${word(kind)}`);
  set("errors-of", list.join(" · ") || `${count(s.total_errors)} since the start`);
}

function showBreaker(s: Status): void {
  set("breaker-now", capital(word(s.circuit_breaker)));
  mark("breaker-now", s.circuit_breaker === "open" ? false : null);
  const notClosed = s.endpoints.filter((e) => e.circuit_breaker !== "closed").length;
  const trips = sum(s.endpoints.map((e) => e.circuit_breaker_trips));
  const opened = trips === 0 ? "never opened" : trips === 1 ? "opened once" : `opened ${count(trips)} times`;
  set(
    "breaker-of",
    s.endpoints.length > 1 ? `${notClosed} of ${s.endpoints.length} not closed · ${opened}` : opened,
  );
}

export function showMemory(m: Memory | null): void {
  show("memory", m !== null);
  if (m === null) return;
  setNumber("memory-now", ...bytes(m.locked_bytes));
  const bad = m.self_check === "failed" || m.canary_failures > 0 || m.unlocked_buffers > 0;
  mark("memory-of", bad ? false : null);
  const parts = [plural(m.active_buffers, "secret"), `self check ${word(m.self_check)}`];
  if (m.unlocked_buffers > 0) parts.push(`${count(m.unlocked_buffers)} not locked`);
  if (m.canary_failures > 0) parts.push(plural(m.canary_failures, "overflow"));
  set("memory-of", parts.join(" · "));
}

const number = (n: number): Cell => ({ text: count(n), kind: "n" });
const time = (us: number): Cell => ({ text: us > 0 ? durationText(us) : "–", kind: "n" });

const endpointRow = (e: Endpoint): Cell[] => [
  { text: e.endpoint },
  { text: word(e.circuit_breaker), kind: e.circuit_breaker === "closed" ? "good" : "bad" },
  number(e.active_connections),
  number(e.total_dials),
  number(e.total_reconnects),
  number(e.total_errors),
  { text: e.peer_certificate_expires?.slice(0, 10) ?? "–" },
  { text: reason(e.last_error), kind: "text" },
];

const connectionRow = (c: Connection): Cell[] => [
  number(c.connection_id),
  { text: c.endpoint },
  { text: c.state },
  time(c.p50_latency_us),
  time(c.p95_latency_us),
  time(c.p99_latency_us),
  number(c.samples),
  number(c.uses),
  number(c.errors),
  { text: age(c.age_ms), kind: "n" },
];
