// The gaps panel: every absent stretch with its reason and evidence, filtered by reason.
import { getJson, isAbort } from "../kit/js/api.js";
import { formatCount, make } from "../kit/js/dom.js";
import { reasonMark } from "./figures.js";
import { showEmpty, showError, showLoading, showReady } from "../kit/js/states.js";

const PAGE = 25;
const place = document.getElementById("gaps");
const chosen = document.getElementById("reasons");
const sum = document.getElementById("gaps-sum");

export function showGaps(series, { onPick }) {
  let asking = new AbortController(), page = 1, body = null;

  async function load(next) {
    asking.abort();
    asking = new AbortController();
    page = next;
    const reasons = boxes().filter((box) => box.checked).map((box) => box.value);
    if (boxes().length && !reasons.length) return nothing("No reason is ticked.");
    if (page === 1) showLoading(place);
    try {
      const query = { ...series.query, group: "span", reason: reasons, page, page_size: PAGE };
      show(await getJson("/trading-data/gaps", query, asking.signal));
    } catch (error) {
      if (isAbort(error)) return;
      sum.textContent = "";
      showError(place, error, () => load(1));
    }
  }

  function show({ summary, total, gaps }) {
    if (!boxes().length) offer(summary.reasons);
    if (!total) return nothing("Nothing is absent: every bar the calendar expects is stored.");
    showReady(place);
    if (page === 1) {
      body = make("tbody");
      place.replaceChildren(table(body));
    } else place.querySelector(".more")?.remove();
    body.append(...gaps.map((gap) => row(gap, onPick)));
    const shown = body.rows.length;
    sum.textContent = shown < total ? `${formatCount(shown)} of ${formatCount(total)} shown` : `${formatCount(total)} in all`;
    if (shown < total) place.append(more());
  }

  function nothing(text) {
    sum.textContent = "";
    showEmpty(place, text);
  }

  function more() {
    const button = make("button", { text: "Show more", type: "button", className: "more" });
    button.addEventListener("click", () => load(page + 1));
    return button;
  }

  function offer(reasons) {
    for (const [reason, { bars, runs }] of Object.entries(reasons)) {
      const box = make("input", { type: "checkbox", value: reason, checked: "" });
      chosen.append(make("label", {}, box, reasonMark(reason, bars || runs)));
    }
  }

  chosen.addEventListener("change", () => load(1));
  load(1);
}

function boxes() {
  return [...chosen.querySelectorAll("input")];
}

function table(body) {
  const heads = [["Sessions"], ["Bars", "number"], ["Reason"], ["Evidence"]];
  const cells = heads.map(([text, className]) => make("th", { text, className, scope: "col" }));
  return make("div", { className: "scroll", role: "region", "aria-label": "Gaps", tabindex: "0" },
    make("table", { className: "gaps" }, make("thead", {}, make("tr", {}, ...cells)), body));
}

function row(gap, onPick) {
  const button = make("button", { text: when(gap), type: "button", className: "link nowrap", title: "Show in the chart" });
  button.addEventListener("click", () => onPick(gap.session, gap.last_session));
  return make("tr", {},
    make("td", {}, button),
    make("td", { text: gap.expected ? formatCount(gap.expected) : "–", className: "number" }),
    make("td", {}, reasonMark(gap.reason)),
    make("td", { text: gap.evidence }));
}

// Whole sessions by their dates; a stretch inside one session by its times too, UTC.
function when({ session, last_session: last, start, end, expected, timeframe }) {
  if (session !== last) return `${session} to ${last}`;
  const isWhole = !expected || ["daily", "1w", "1mo"].includes(timeframe);
  return isWhole ? session : `${session} ${start.slice(11, 16)}–${end.slice(11, 16)} UTC`;
}
