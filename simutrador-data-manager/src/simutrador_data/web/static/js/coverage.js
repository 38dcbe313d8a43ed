// The coverage panel: asks once, then fills heatmap, legend, table by year and the head's figures.
import { getJson } from "../kit/js/api.js";
import { formatCount, make } from "../kit/js/dom.js";
import { formatPercent, reasonMark } from "./figures.js";
import { createHeatmap } from "./heatmap.js";
import { daysOf, yearsOf } from "./heatmap_days.js";
import { showEmpty, showError, showLoading, showReady } from "../kit/js/states.js";

const place = document.getElementById("heatmap");

export async function showCoverage(series, { onPick }) {
  showLoading(place);
  try {
    const coverage = await getJson("/trading-data/coverage", series.query);
    const days = daysOf(coverage);
    head(coverage.summary);
    if (!days.size) return showEmpty(place, "The calendar expects no bar in the range stored.");
    showReady(place);
    legend(coverage.summary.reasons);
    years(days);
    const say = (text) => { document.getElementById("cell").textContent = text; };
    createHeatmap(place, days, { label: spoken(coverage.summary, days), say, onPick });
  } catch (error) {
    head();
    showError(place, error, () => showCoverage(series, { onPick }));
  }
}

function head(summary) {
  const unexplained = summary?.reasons.unexplained?.bars ?? 0;
  document.getElementById("completeness").textContent = summary ? formatPercent(summary.completeness) : "–";
  document.getElementById("unexplained").textContent = summary ? formatCount(unexplained) : "–";
  const strays = summary ? summary.outside_hours + summary.off_grid : 0;
  document.getElementById("coverage-sum").textContent = summary
    ? `${formatCount(summary.present)} of ${formatCount(summary.expected)} bars expected by ${summary.calendar}`
      + (strays ? `; ${formatCount(strays)} more outside its hours` : "")
    : "";
}

function legend(reasons) {
  const marks = Object.keys(reasons).map((reason) => make("li", {}, reasonMark(reason)));
  const full = make("li", {}, make("span", { className: "swatch" }), "stored");
  document.getElementById("legend").replaceChildren(full, ...marks);
}

function spoken(summary, days) {
  const lacking = Object.entries(summary.reasons).map(([reason, { bars, runs }]) => `${bars || runs} ${reason.replaceAll("_", " ")}`);
  return `Coverage of ${formatCount(days.size)} days, ${formatPercent(summary.completeness)} complete`
    + `${lacking.length ? `; absent: ${lacking.join(", ")}` : ""}. The table below has it by year.`;
}

function years(days) {
  const columns = ["Sessions", "Expected", "Present", "Complete", "Sessions with gaps", "Days closed"];
  const head_ = make("tr", {}, make("th", { text: "Year", scope: "col" }),
    ...columns.map((text) => make("th", { text, scope: "col", className: "number" })));
  const rows = [...yearsOf(days)].map(([year, sum]) => make("tr", {}, make("th", { text: year, scope: "row" }),
    ...[
      formatCount(sum.sessions), formatCount(sum.expected), formatCount(sum.present),
      sum.expected ? formatPercent(sum.present / sum.expected) : "–", formatCount(sum.lacking), formatCount(sum.closed),
    ].map((text) => make("td", { text, className: "number" }))));
  document.getElementById("years").replaceChildren(make("table", {}, make("thead", {}, head_), make("tbody", {}, ...rows)));
}
