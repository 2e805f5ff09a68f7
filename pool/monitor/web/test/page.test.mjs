// The page in a real browser: make test-page. Screenshots go to build/page/.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

const build = new URL("../../../../build/", import.meta.url).pathname;
const shots = `${build}page`;
const patience = { timeout: 20000 };
let browser;

before(async () => {
  mkdirSync(shots, { recursive: true });
  // CI is root in a container, where Chromium has no sandbox of its own.
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
});

after(() => browser?.close());

/** A pool with traffic and its metrics server; tell() has it do something. */
async function stage(t, ...args) {
  const process = spawn(`${build}stage`, args, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: process.stdout })[Symbol.asyncIterator]();
  const ended = new Promise((resolve) => process.on("exit", resolve));
  t.after(async () => {
    process.stdin.end();
    assert.equal(await ended, 0);
  });
  const tell = async (line) => {
    process.stdin.write(`${line}\n`);
    assert.equal((await lines.next()).value, "ok");
  };
  return { ...JSON.parse((await lines.next()).value), tell };
}

/**
 * Opens the page; whatever the browser complains about is in complaints. What leaves a document,
 * and comes to another, is done within leave().
 */
async function open(t, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1160, height: 900 }, ...options });
  t.after(() => context.close());
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && complaints.push(m.text()));
  page.on("pageerror", (e) => complaints.push(e.message));
  let leaving = false;
  page.on("requestfailed", (r) => {
    const why = r.failure()?.errorText;
    // Who leaves a document gives up what it asked for. A page that stays would have lost patience.
    if (!leaving || why !== "net::ERR_ABORTED") complaints.push(`${r.url()}: ${why}`);
  });
  const leave = async (act) => {
    leaving = true;
    await act();
    leaving = false;
  };
  page.on(
    "request",
    (r) => r.url().startsWith(new URL(url).origin) || complaints.push(`left home: ${r.url()}`),
  );
  const answer = await page.goto(url);
  return { page, complaints, answer, leave };
}

const text = (page, id) => page.locator(`#${id}`).textContent();
const says = (page, id, pattern) =>
  page.waitForFunction(
    ([id, source]) => new RegExp(source).test(document.getElementById(id)?.textContent ?? ""),
    [id, pattern.source],
    patience,
  );

/** Waits until the server itself says that its pool is not well. */
async function unhealthy(url) {
  for (const end = Date.now() + patience.timeout; (await fetch(`${url}/healthz`)).status !== 503; ) {
    assert.ok(Date.now() < end, "the server never knew");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Waits until many pixels of a chart are not of its ground. */
const painted = (page, id) =>
  page.waitForFunction(
    (id) => {
      const canvas = document.querySelector(`#${id} canvas`);
      const { width, height } = canvas;
      const copy = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
      copy.drawImage(canvas, 0, 0);
      const { data } = copy.getImageData(0, 0, width, height);
      let n = 0;
      for (let i = 3; i < data.length; i += 4) if (data[i] > 0) n++;
      return n > 500;
    },
    id,
    patience,
  );

test("it shows traffic, an outage when it next looks, and the recovery", async (t) => {
  const { url, endpoint, tell } = await stage(t);
  const { page, complaints, answer, leave } = await open(t, url);
  assert.equal(answer.status(), 200);
  await says(page, "health-word", /^Healthy$/);
  await says(page, "latency-of", /[1-9].*\/s · p50\s[0-9]/);
  assert.equal(await text(page, "endpoint"), endpoint);
  assert.match(await text(page, "open"), /^[1-8]of 8$/);
  assert.match(await text(page, "memory-of"), /1 secret · self check passed/);
  assert.equal(await text(page, "breaker-now"), "Closed");
  await page.waitForFunction(
    () => document.querySelectorAll("#slowest tr td:nth-child(7)").length > 0,
    null,
    patience,
  );
  for (const chart of ["latency", "connections", "wait", "errors"]) await painted(page, `${chart}-chart`);
  const answers = () =>
    page.evaluate(() =>
      [...document.querySelectorAll("#slowest td:nth-child(7)")].reduce(
        (n, td) => n + +td.textContent.replaceAll(",", ""),
        0,
      ),
    );
  const first = await answers();
  await page.waitForFunction(
    (first) =>
      [...document.querySelectorAll("#slowest td:nth-child(7)")].reduce(
        (n, td) => n + +td.textContent.replaceAll(",", ""),
        0,
      ) > first,
    first,
    patience,
  );

  await tell("delay_ms=5");
  await says(page, "latency-now", /^([5-9](\.[0-9]+)?|[1-9][0-9.]+)ms|[0-9]s/);
  await tell("delay_ms=0");
  await page.screenshot({ path: `${shots}/light.png`, fullPage: true });

  await page.evaluate(() => {
    performance.clearResourceTimings(); // the browser keeps 250 and no more
    const word = document.getElementById("health-word");
    const watch = new MutationObserver(() => {
      if (word.textContent !== "Unhealthy") return;
      window.shown = performance.timeOrigin + performance.now();
      watch.disconnect();
    });
    watch.observe(word, { childList: true, characterData: true, subtree: true });
  });
  const begin = Date.now();
  await tell("outage");
  await unhealthy(url);
  const known = Date.now() + 100; // two clocks may differ a little
  await says(page, "health-word", /^Unhealthy$/);
  t.diagnostic(`the outage was shown after ${Date.now() - begin} ms`);
  const { shown, looks } = await page.evaluate(() => ({
    shown: window.shown,
    looks: performance
      .getEntriesByType("resource")
      .filter((e) => e.name.includes("/status/overview"))
      .map((e) => performance.timeOrigin + e.startTime),
  }));
  assert.equal(typeof shown, "number");
  assert.ok(looks.length > 0, "it never looked");
  const late = looks.filter((began) => began > known && began < shown).length;
  assert.ok(late <= 1, `it took ${late} looks to show what the server knew`);
  await says(page, "breaker-now", /^Open$/);
  await says(page, "errors-of", /[1-9]/);
  await says(page, "health-why", /breaker is open.* \(for [1-9]/);
  assert.match(await page.title(), /^✕/);
  await page.screenshot({ path: `${shots}/outage.png`, fullPage: true });

  await tell("repair");
  await says(page, "health-word", /^Healthy$/);

  // A reload has the past: the server keeps it.
  await leave(() => page.reload());
  await says(page, "errors-now", /^[1-9]/);
  await page.emulateMedia({ colorScheme: "dark" });
  await page.waitForFunction(() => getComputedStyle(document.body).backgroundColor === "rgb(20, 22, 26)");
  await page.screenshot({ path: `${shots}/dark.png`, fullPage: true });
  assert.deepEqual(complaints, []);

  await tell("quit");
  await says(page, "pulse", /^no answer/);
  await page.waitForFunction(() => document.body.classList.contains("stale"));
});

test("it fits a phone", async (t) => {
  const { url } = await stage(t);
  const { page, complaints } = await open(t, url, {
    viewport: { width: 390, height: 844 },
    deviceScaleFactor: 2,
    hasTouch: true,
  });
  await says(page, "latency-now", /[0-9]/);
  const [wide, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(wide <= screen, `${wide} px on a screen of ${screen}`);
  await page.screenshot({ path: `${shots}/phone.png`, fullPage: true });
  assert.deepEqual(complaints, []);
});

test("it asks for the token, forgets a wrong one, and keeps the right one for this tab alone", async (t) => {
  const { url } = await stage(t, "-token", "demo-token");
  const { page, answer } = await open(t, url);
  assert.equal(answer.status(), 401);
  for (const [token, refused] of [
    ["wrong", true],
    ["not a header", true],
    ["demo-token", false],
  ]) {
    await page.fill("#secret", token);
    await page.press("#secret", "Enter");
    if (refused) await page.waitForSelector("#refused:not([hidden])", patience);
  }
  await says(page, "health-word", /^Healthy$/);
  assert.equal(await page.locator("#token").isVisible(), false);
  assert.equal(await page.locator("footer a[href]").count(), 0);
  assert.equal(await page.evaluate(() => `${document.cookie}${localStorage.length}${location.search}`), "0");
  await page.reload();
  await says(page, "health-word", /^Healthy$/);
  const other = await page.context().newPage();
  await other.goto(url);
  await other.waitForSelector("#token:not([hidden])", patience);
  await other.screenshot({ path: `${shots}/token.png` });
});

test("several pools at one address are there to choose from", async (t) => {
  const { url } = await stage(t, "-pools", "orders,prices");
  const { page, complaints, leave } = await open(t, url);
  const choose = (list, name) =>
    leave(async () => {
      await page.click(`#${list} a:has-text('${name}')`);
      await says(page, "name", new RegExp(`^${name}$`));
    });
  await choose("choices", "prices");
  assert.equal(await text(page, "health-word"), "Healthy");
  await choose("pools", "orders");
  assert.equal(await page.locator("#pools a[aria-current]").textContent(), "orders");
  assert.deepEqual(complaints, []);
});

test("without JavaScript there is the table", async (t) => {
  const { url } = await stage(t);
  const { page } = await open(t, url, { javaScriptEnabled: false });
  assert.match(await page.locator("noscript main").textContent(), /Circuit breaker\s*closed/);
  assert.equal(await page.locator("#live").isVisible(), false);
  await page.screenshot({ path: `${shots}/plain.png` });
});
