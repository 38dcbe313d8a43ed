// The page of one series: joins chart, coverage and gaps, so that a day of one shows in the chart.
import { createChart } from "./chart.js";
import { showCoverage } from "./coverage.js";
import { make } from "../kit/js/dom.js";
import { showGaps } from "./gaps.js";
import { showReadout } from "./readout.js";

const DAY = 86_400_000;
const MONTH = 30.44 * DAY, YEAR = 365.25 * DAY;
const RANGES = {
  intraday: { "1D": DAY, "1W": 7 * DAY, "1M": MONTH, "6M": 6 * MONTH },
  daily: { "1M": MONTH, "6M": 6 * MONTH, "1Y": YEAR, "5Y": 5 * YEAR },
  longer: { "1Y": YEAR, "5Y": 5 * YEAR, "10Y": 10 * YEAR },
};
const KEYS = { ArrowLeft: "left", ArrowRight: "right", "+": "in", "=": "in", "-": "out" };

const { symbol, timeframe, adjustment, zone } = document.getElementById("content").dataset;
const series = { query: { symbol, timeframe, adjustment }, zone };
const kind = { daily: "daily", "1w": "longer", "1mo": "longer" }[timeframe] ?? "intraday";
const around = { intraday: 2 * DAY, daily: 30 * DAY, longer: YEAR }[kind];
const splits = [...document.querySelectorAll("#splits tr")].map((row) => ({ ...row.dataset }));

const place = document.getElementById("chart");
const chart = createChart(place, series, { level: document.getElementById("level"), onPoint: showReadout, splits });

function showDays(first, last = first) {
  chart.showRange(Date.parse(first) - around, Date.parse(last) + DAY + around);
  place.scrollIntoView({ block: "center", behavior: "auto" });
}

for (const [name, ms] of Object.entries(RANGES[kind])) {
  const button = make("button", { text: name, type: "button" });
  button.addEventListener("click", () => chart.showLast(ms));
  document.getElementById("ranges").append(button);
}
const all = make("button", { text: "All", type: "button" });
all.addEventListener("click", chart.showAll);
document.getElementById("ranges").append(all);

for (const button of document.querySelectorAll("[data-move]")) {
  button.addEventListener("click", () => chart.move(button.dataset.move));
}
document.getElementById("log").addEventListener("click", ({ currentTarget }) => {
  currentTarget.setAttribute("aria-pressed", String(chart.toggleLog()));
});
place.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Home") chart.showAll();
  else if (KEYS[event.key]) chart.move(KEYS[event.key]);
  else return;
  event.preventDefault();
});

showCoverage(series, { onPick: showDays });
showGaps(series, { onPick: showDays });
