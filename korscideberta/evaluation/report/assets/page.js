"use strict";
// Sorts a table by the column whose heading is clicked: numbers falling first, text rising first.
const compare = new Intl.Collator(document.documentElement.lang, { numeric: true }).compare;

function sortBy(table, column, header) {
  const body = table.tBodies[0];
  const numeric = header.classList.contains("number");
  const before = header.getAttribute("aria-sort");
  const direction = before ? (before === "ascending" ? "descending" : "ascending") : numeric ? "descending" : "ascending";
  const sign = direction === "ascending" ? 1 : -1;
  const value = (row) => {
    const cell = row.cells[column];
    return numeric ? Number(cell.dataset.value ?? "NaN") : cell.textContent;
  };
  const keyed = Array.from(body.rows, (row) => [value(row), row]);
  keyed.sort(([a], [b]) => {
    if (!numeric) return sign * compare(a, b);
    if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
    return sign * (a - b);
  });
  body.append(...keyed.map(([, row]) => row));
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", direction);
}

for (const table of document.querySelectorAll("table.sortable")) {
  for (const header of table.tHead.rows[0].cells) {
    const button = header.querySelector("button");
    if (button) button.addEventListener("click", () => sortBy(table, header.cellIndex, header));
  }
}

// A link into a folded run unfolds it.
function unfold() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const folded = target && target.closest("details");
  if (folded && !folded.open) {
    folded.open = true;
    target.scrollIntoView();
  }
}
window.addEventListener("hashchange", unfold);
unfold();
