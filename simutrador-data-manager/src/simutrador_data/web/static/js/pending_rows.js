// Asks for the completeness of rows that lack it, a few at a time, from the top.
import { getPage, isAbort } from "../kit/js/api.js";

const FEW = 10;

export async function fillPending(body, signal) {
  const pending = [...body.querySelectorAll("tr[data-pending]")];
  const size = Math.min(FEW, Number(body.dataset.most));
  try {
    for (let at = 0; at < pending.length; at += size) await fill(pending.slice(at, at + size), signal);
  } catch (error) {
    if (!isAbort(error)) document.getElementById("found").textContent = error.message;
  }
}

async function fill(rows, signal) {
  const wanted = new URLSearchParams(rows.map((row) => ["series", row.dataset.series]));
  const page = await getPage(`/pages/rows?${wanted}`, signal);
  const answers = new Map([...page.querySelectorAll("tr")].map((row) => [row.dataset.series, row]));
  for (const row of rows) {
    const answer = answers.get(row.dataset.series);
    const hadFocus = row.contains(document.activeElement);
    if (!answer) continue;
    row.replaceWith(answer);
    if (hadFocus) answer.querySelector("a").focus();
  }
}
