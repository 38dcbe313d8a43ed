// The chart: asks for as many points as it has room for, again whenever another stretch is shown.
import { getJson, isAbort } from "../kit/js/api.js";
import { CONFIG, MARGIN, figure } from "./chart_figure.js";
import { clipped, moved, windowOf } from "./chart_window.js";
import { clocksOf } from "./clock.js";
import { formatCount } from "../kit/js/dom.js";
import { showEmpty, showError, showLoading, showReady } from "../kit/js/states.js";

const POINT_PX = 3;
const PAUSE_MS = 120;

export function createChart(place, series, { level, onPoint, splits }) {
  const font = getComputedStyle(document.body).fontFamily;
  let shown = null, bounds = null, window_ = null, log = false, drawing = false, plotted = false;
  let asking = new AbortController(), timer;

  async function load() {
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    if (!shown) showLoading(place);
    place.setAttribute("aria-busy", "true");
    try {
      const answer = await getJson("/trading-data/chart", { ...series.query, ...ends(), points: room() }, signal);
      if (!answer.opened_at.length) return nothing();
      shown = toPoints(answer, series.zone);
      bounds ??= { start: shown.opened[0], end: shown.ended.at(-1) };
      await draw();
      level.textContent = levelText(answer, shown);
      onPoint(shown, shown.opened.length - 1);
    } catch (error) {
      if (!isAbort(error)) fail(error);
    } finally {
      if (!signal.aborted) place.removeAttribute("aria-busy");
    }
  }

  function ends() {
    if (!window_) return {};
    return { start: new Date(window_.start).toISOString(), end: new Date(window_.end + 1).toISOString() };
  }

  function room() {
    const width = place.clientWidth - MARGIN.l - MARGIN.r;
    return Math.min(10_000, Math.max(20, Math.floor(width / POINT_PX)));
  }

  async function draw() {
    if (!shown) return;
    const { data, layout } = figure(shown, { width: place.clientWidth, log, splits, font });
    drawing = true;
    try {
      showReady(place);
      const isFirst = !plotted;
      plotted = true;
      await Plotly.react(place, data, layout, CONFIG);
      if (isFirst) listen();
    } finally {
      drawing = false;
    }
  }

  function nothing() {
    if (shown) {
      level.textContent = "No bars there";
      draw();
    } else showEmpty(place, "No bars are stored in this series.");
  }

  function fail(error) {
    if (plotted) Plotly.purge(place);
    plotted = false;
    shown = null;
    level.textContent = "";
    showError(place, error, load);
  }

  function listen() {
    place.on("plotly_relayout", (change) => {
      if (drawing || !("xaxis.range[0]" in change)) return;
      show(windowOf(shown, change["xaxis.range[0]"], change["xaxis.range[1]"], bounds));
    });
    place.on("plotly_doubleclick", () => show(null));
    place.on("plotly_hover", ({ points }) => onPoint(shown, points[0].pointNumber));
    place.on("plotly_unhover", () => onPoint(shown, shown.opened.length - 1));
  }

  function show(next) {
    window_ = next;
    clearTimeout(timer);
    timer = setTimeout(load, PAUSE_MS);
  }

  new ResizeObserver(() => { if (shown) show(window_); }).observe(place);
  document.addEventListener("theme", draw);
  load();

  return {
    showAll: () => show(null),
    showLast: (ms) => bounds && show(clipped({ start: bounds.end - ms, end: bounds.end }, bounds)),
    showRange: (start, end) => bounds && show(clipped({ start, end }, bounds)),
    move: (direction) => shown && show(moved(shown, direction, bounds)),
    toggleLog() { log = !log; draw(); return log; },
  };
}

function toPoints(answer, zone) {
  const opened = answer.opened_at.map((us) => us / 1000);
  const ended = answer.ended_at.map((us) => us / 1000);
  const { begins, ends } = clocksOf(answer, zone);
  const { open, high, low, close, volume, synthetic } = answer;
  return {
    zone, opened, ended, begins, ends, open, high, low, close, volume, synthetic,
    perPoint: answer.bars_per_point,
  };
}

function levelText(answer, points) {
  const { timeframe, bars_per_point: each, total_bars: total, synthetic } = answer;
  const what = each === 1
    ? `${formatCount(total)} ${timeframe} bars, each one shown`
    : `${formatCount(points.opened.length)} points of ${each} ${timeframe} bars each`;
  const made = synthetic ? synthetic.filter(Boolean).length : 0;
  const warning = made ? `; ${formatCount(made)} synthetic` : "";
  const zone = answer.session ? "" : `; times in ${points.zone}`;
  return `${what}, ${points.begins[0].date} to ${points.ends.at(-1).date}${zone}${warning}`;
}
