// The page is in index.html; these change what it says. What is the same already is left alone, so that a
// selection or a screen reader is not disturbed every second.

export function at(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`no #${id} in the page`);
  return found;
}

export function show(id: string, shown = true): void {
  at(id).hidden = !shown;
}

export function set(id: string, text: string): void {
  const el = at(id);
  if (el.textContent !== text) el.textContent = text;
}

/** Sets a number with what is said more softly beside it. */
export function setNumber(id: string, value: string, unit: string): void {
  const el = at(id);
  if (el.dataset.shown === `${value} ${unit}`) return;
  el.dataset.shown = `${value} ${unit}`;
  const small = document.createElement("small");
  small.textContent = unit;
  el.replaceChildren(value, small);
}

/** Says with a class whether something is well; null is neither. */
export function mark(id: string, good: boolean | null): void {
  at(id).classList.toggle("good", good === true);
  at(id).classList.toggle("bad", good === false);
}

export interface Cell {
  text: string;
  kind?: "n" | "text" | "soft" | "bad" | "good";
}

/** Fills the body of a table. */
export function fill(id: string, rows: Cell[][], columns: number, empty: string): void {
  const body = at(id) as HTMLTableSectionElement;
  if (rows.length === 0) {
    const cell = document.createElement("td");
    cell.colSpan = columns;
    cell.className = "soft";
    cell.textContent = empty;
    const row = document.createElement("tr");
    row.append(cell);
    body.replaceChildren(row);
    return;
  }
  while (body.rows.length > rows.length) body.deleteRow(-1);
  rows.forEach((cells, i) => {
    const row = body.rows[i] ?? body.insertRow();
    if (row.cells.length !== cells.length)
      row.replaceChildren(...cells.map(() => document.createElement("td")));
    cells.forEach((cell, j) => {
      const td = row.cells[j];
      if (td === undefined) return;
      if (td.textContent !== cell.text) td.textContent = cell.text;
      if (td.className !== (cell.kind ?? "")) td.className = cell.kind ?? "";
    });
  });
}

export function link(href: string, ...content: (string | Node)[]): HTMLAnchorElement {
  const a = document.createElement("a");
  a.href = href;
  a.append(...content);
  return a;
}
