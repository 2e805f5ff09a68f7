import uPlot from "uplot";
import { at } from "./dom";
import type { Columns, Distribution } from "./overview";
import { durationText, word } from "./say";
import "uplot/dist/uPlot.min.css";
import "./charts.css";

const height = 190;
const leastSpan = 60; // seconds; a young history is not stretched further
const none = "none"; // of the kinds of errors
const longestBridge = 10; // samples without a measurement that a line goes on over

/** null is a gap in a line, undefined is not. */
type Series = (number | null | undefined)[];
type Values = [number[], ...Series[]];

/** A chart: what its lines are, and what they show of the past. */
interface Chart {
  id: string;
  plot: uPlot;
  data(past: Columns): Values;
}

const colour = (name: string) =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

const seconds = (past: Columns) => past.time_ms.map((ms) => ms / 1000);

/** Nothing was measured where it is 0: a gap, if that lasts or the pool is not well. */
function measured(list: number[], healthy: boolean[]): Series {
  const line: Series = list.slice();
  for (let i = 0; i < list.length; i++) {
    if (list[i]) continue;
    const begin = i;
    while (i + 1 < list.length && !list[i + 1]) i++;
    const gap = i - begin >= longestBridge || !healthy.slice(begin, i + 1).every(Boolean);
    line.fill(gap ? null : undefined, begin, i + 1);
  }
  return line;
}

/** Where a value stands alone, no line shows it. */
const alone: uPlot.Series.Points.Filter = (u, series) => {
  const line = Array.from(u.data[series] ?? []);
  return line.flatMap((v, i) => (v != null && line[i - 1] == null && line[i + 1] == null ? [i] : []));
};

const percentiles = (past: Columns, of: Distribution): Values => [
  seconds(past),
  ...[of.p99, of.p95, of.p50].map((list) => measured(list, past.healthy)),
];

/** What each line of a stack adds to those after it. */
function stack(parts: number[][]): number[][] {
  const sums = parts.map((part) => part.slice());
  for (let i = sums.length - 2; i >= 0; i--) {
    sums[i]?.forEach((_, n, sum) => {
      sum[n] = (sum[n] ?? 0) + (sums[i + 1]?.[n] ?? 0);
    });
  }
  return sums;
}

/** Without a cursor the legend is of the newest sample. */
function legendOfNow(u: uPlot): void {
  if (u.cursor.idx == null) u.setLegend({ idx: u.data[0].length - 1 }, false);
}

/** Shades the times when the pool was not healthy. */
function shadeOutages(past: () => Columns | null): uPlot.Plugin {
  return {
    hooks: {
      ready: legendOfNow,
      drawClear: (u) => {
        const { time_ms: time = [], healthy = [], interval_ms: interval = 0 } = past() ?? {};
        u.ctx.save();
        u.ctx.fillStyle = colour("bad-ground");
        for (let i = 0; i < healthy.length; i++) {
          if (healthy[i]) continue;
          const begin = i;
          while (i + 1 < healthy.length && !healthy[i + 1]) i++;
          const x = (ms: number) => Math.max(u.bbox.left, u.valToPos(ms / 1000, "x", true));
          const from = x((time[begin] ?? 0) - interval);
          u.ctx.fillRect(from, u.bbox.top, x(time[i] ?? 0) - from, u.bbox.height);
        }
        u.ctx.restore();
      },
    },
  };
}

/** The charts of the page, all of the same span of time. */
export class Charts {
  #past: Columns | null = null;
  #charts: Chart[] = [];
  #kinds: string[] = [];

  constructor() {
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#build());
    new ResizeObserver(() => {
      for (const { id, plot } of this.#charts) {
        const width = at(id).clientWidth;
        if (width > 0 && width !== plot.width) plot.setSize({ width, height });
      }
    }).observe(at("live"));
  }

  show(past: Columns): void {
    this.#past = past;
    const kinds = Object.keys(past.errors_by_kind).filter((kind) => past.errors_by_kind[kind]?.some(Boolean));
    if (kinds.length === 0) kinds.push(none);
    if (kinds.sort().join() !== this.#kinds.join()) {
      this.#kinds = kinds;
      this.#build();
      return;
    }
    for (const chart of this.#charts) this.#update(chart, past);
  }

  #update({ id, plot, data }: Chart, past: Columns): void {
    plot.setData(data(past));
    legendOfNow(plot);
    at(id).setAttribute("aria-label", `${plot.root.querySelector(".u-legend")?.textContent ?? ""}`);
  }

  #build(): void {
    for (const { plot } of this.#charts) plot.destroy();
    this.#charts = [
      this.#percentiles("latency"),
      this.#connections(),
      this.#percentiles("wait"),
      this.#errors(),
    ];
    const past = this.#past;
    if (past !== null) for (const chart of this.#charts) this.#update(chart, past);
  }

  #percentiles(name: "latency" | "wait"): Chart {
    const key = name === "latency" ? "latency_us" : "acquire_wait_us";
    const value = (_: uPlot, us: number | null) => (us == null ? "–" : durationText(us));
    const line = (label: string, stroke: string): uPlot.Series => ({
      label,
      stroke: colour(stroke),
      width: 1.5,
      points: { show: true, size: 4, width: 0, fill: colour(stroke), filter: alone },
      value,
    });
    return this.#chart(
      `${name}-chart`,
      [line("p99", "high"), line("p95", "mid"), line("p50", "low")],
      { distr: 3, range: (_, min, max) => (min == null ? [100, 10000] : logRange(min, max)) },
      tickText,
      (past) => percentiles(past, past[key]),
    );
  }

  #connections(): Chart {
    const states = ["closing", "dialing", "idle", "lent"] as const;
    const fills = { closing: "high", dialing: "amber", idle: "quiet", lent: "mid" };
    return this.#stack(
      "connections-chart",
      states.map((label) => ({ label, fill: colour(fills[label]) })),
      uPlot.paths.stepped?.({ align: -1 }),
      (past) => states.map((state) => past[state]),
      4,
    );
  }

  #errors(): Chart {
    return this.#stack(
      "errors-chart",
      this.#kinds.map((kind) => ({ label: kind, fill: colour(`kind-${kind}`) || colour("quiet") })),
      uPlot.paths.bars?.({ size: [0.9, 40, 2], align: -1 }),
      (past) => this.#kinds.map((kind) => past.errors_by_kind[kind] ?? past.time_ms.map(() => 0)),
      3,
    );
  }

  #stack(
    id: string,
    parts: { label: string; fill: string }[],
    paths: uPlot.Series.PathBuilder | undefined,
    of: (past: Columns) => number[][],
    least: number,
  ): Chart {
    const own = (si: number, idx: number | null) =>
      this.#past === null || idx === null ? null : (of(this.#past)[si - 1]?.[idx] ?? null);
    return this.#chart(
      id,
      parts.map(({ label, fill }) => ({
        label: word(label),
        fill,
        stroke: fill,
        width: 0,
        paths,
        points: { show: false },
        value: (_, __, si, idx) => own(si, idx)?.toString() ?? "–",
      })),
      { range: (_, __, max) => [0, Math.max(least, Math.ceil((max ?? 0) * 1.1))] },
      (n) => (Number.isInteger(n) ? n.toString() : ""),
      (past) => [seconds(past), ...stack(of(past))],
    );
  }

  #chart(
    id: string,
    series: uPlot.Series[],
    y: uPlot.Scale,
    tick: (v: number) => string,
    data: (past: Columns) => Values,
  ): Chart {
    const axis = {
      stroke: colour("soft"),
      font: "12px system-ui, sans-serif",
      grid: { stroke: colour("grid"), width: 1 },
      ticks: { show: false },
    };
    const time = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" } as const;
    const clock = new Intl.DateTimeFormat("en", time);
    const root = at(id);
    root.setAttribute("role", "img");
    const plot = new uPlot(
      {
        width: root.clientWidth || 320,
        height,
        padding: [8, 26, 0, 0],
        plugins: [shadeOutages(() => this.#past)],
        cursor: { sync: { key: "page" }, drag: { x: false, y: false }, points: { size: 6 }, y: false },
        legend: { markers: { width: 0, fill: (u, i) => strokeOf(u, i) } },
        scales: {
          x: { range: (_, min, max) => (min == null ? [0, 1] : [Math.min(min, max - leastSpan), max]) },
          y,
        },
        axes: [
          { ...axis, space: 90, size: 26, values: (_, splits) => splits.map((s) => clock.format(s * 1000)) },
          {
            ...axis,
            size: 58,
            ...(y.distr === 3 && { splits: powersOfTen, filter: (_, splits) => splits }),
            values: (_, splits) => splits.map((v) => (v == null ? "" : tick(v))),
          },
        ],
        series: [{ value: (_, s) => (s == null ? "" : clock.format(s * 1000)), label: "at" }, ...series],
      },
      [[], ...series.map(() => [])] as Values,
      root,
    );
    return { id, plot, data };
  }
}

function strokeOf(u: uPlot, i: number): string {
  const stroke = u.series[i]?.stroke; // which uPlot has made a function
  return typeof stroke === "function" ? String(stroke(u, i)) : "";
}

/** Some room below and above, and more than a power of ten of it in all. */
const logRange = (min: number, max: number): [number, number] => [min / 2, Math.max(max * 2, min * 20)];

const powersOfTen: uPlot.Axis.Splits = (_, __, min, max) => {
  const from = Math.ceil(Math.log10(min));
  return Array.from({ length: Math.floor(Math.log10(max)) - from + 1 }, (_, i) => 10 ** (from + i));
};

const tickText = (us: number) => (us < 1e3 ? `${us} µs` : us < 1e6 ? `${us / 1e3} ms` : `${us / 1e6} s`);
