// How numbers and names are written.

const digits = (n: number) => (n >= 100 ? n.toFixed(0) : n >= 10 ? n.toFixed(1) : n.toFixed(2));

/** A duration and its unit. */
export function duration(us: number): [string, string] {
  if (us < 1000) return [us.toFixed(0), "µs"];
  if (us < 1e6) return [digits(us / 1000), "ms"];
  return [digits(us / 1e6), "s"];
}

/** The same in one word, which is not broken. */
export const durationText = (us: number) => duration(us).join("\u00a0");

export function age(ms: number): string {
  const s = Math.floor(ms / 1000);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d`;
}

export const count = (n: number) => n.toLocaleString("en");

export const rate = (n: number) => (n > 0 && n < 10 ? n.toFixed(1) : Math.round(n).toLocaleString("en"));

export const plural = (n: number, one: string, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;

export function bytes(n: number): [string, string] {
  return n < 1 << 20 ? [Math.ceil(n / 1024).toString(), "KiB"] : [digits(n / (1 << 20)), "MiB"];
}

export const word = (name: string) => name.replaceAll("_", " ");

export const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
