import type { Columns } from "./overview";

const kept = 600; // as history.go keeps

/** The samples that were read so far. */
export class Past {
  #columns: Columns | null = null;

  /** What to ask the server for: the samples after this number. */
  get next(): number {
    return this.#columns?.next ?? 0;
  }

  /** Adds what is new. False: it is of another run of the server, so ask again for all of it. */
  add(more: Columns): boolean {
    const all = this.#columns;
    if (all === null) {
      this.#columns = more;
      return true;
    }
    if (all.began_ms !== more.began_ms) {
      this.#columns = null;
      return false;
    }
    // After a long sleep what is old has gaps before what is new; so has time_ms.
    append(all, more);
    return true;
  }

  get columns(): Columns {
    if (this.#columns === null) throw new Error("nothing was read yet");
    return this.#columns;
  }
}

// biome-ignore lint/suspicious/noExplicitAny: the columns are walked whatever their types are
function append(all: any, more: any): void {
  for (const key of Object.keys(more)) {
    if (Array.isArray(more[key])) {
      all[key].push(...more[key]);
      all[key].splice(0, all[key].length - kept);
    } else if (typeof more[key] === "object") {
      append(all[key], more[key]);
    } else {
      all[key] = more[key];
    }
  }
}
