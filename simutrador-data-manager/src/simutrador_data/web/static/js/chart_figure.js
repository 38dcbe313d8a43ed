// From points to what Plotly draws: candlesticks, volume below, ticks, splits.
import { colours } from "../kit/js/colours.js";
import { ticks } from "./chart_ticks.js";

const TICK_PX = 78;
const HOLLOW_PX = 6;

export const MARGIN = { l: 8, r: 64, t: 8, b: 28 };
export const CONFIG = { displayModeBar: false, responsive: false, doubleClick: false, showTips: false };

export function figure(points, { width, log, splits, font }) {
  const shade = colours(["text", "soft", "line", "surface", "up", "down", "volume", "warn"]);
  const n = points.opened.length;
  const place = Array.from({ length: n }, (_, i) => i);
  const plotWidth = Math.max(1, width - MARGIN.l - MARGIN.r);
  return {
    data: [candles(points, place, shade, plotWidth / n > HOLLOW_PX), volume(points, place, shade)],
    layout: layout({ points, shade, log, font, ticks: ticks(points.begins, plotWidth / TICK_PX), splits }),
  };
}

function candles(points, x, shade, hollow) {
  return {
    type: "candlestick", x, xaxis: "x", yaxis: "y", name: "price", hoverinfo: "none",
    open: points.open, high: points.high, low: points.low, close: points.close,
    increasing: { line: { color: shade.up, width: 1 }, fillcolor: hollow ? shade.surface : shade.up },
    decreasing: { line: { color: shade.down, width: 1 }, fillcolor: shade.down },
  };
}

function volume(points, x, shade) {
  const color = points.synthetic ? points.synthetic.map((is) => (is ? shade.warn : shade.volume)) : shade.volume;
  return {
    type: "bar", x, y: points.volume, xaxis: "x", yaxis: "y2", name: "volume", hoverinfo: "none",
    marker: { color, line: { width: 0 } },
  };
}

function layout({ points, shade, log, font, ticks: marks, splits }) {
  const axis = {
    fixedrange: true, side: "right", gridcolor: shade.line, zeroline: false,
    ticks: "outside", ticklen: 4, tickcolor: "rgba(0,0,0,0)", tickfont: { color: shade.soft },
  };
  return {
    autosize: true, margin: MARGIN, showlegend: false, dragmode: "zoom", hovermode: "x", hoverdistance: -1,
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: font, size: 12, color: shade.text }, bargap: 0.25, separators: ".,",
    xaxis: {
      anchor: "y2", range: [-0.5, points.opened.length - 0.5], rangeslider: { visible: false },
      tickmode: "array", tickvals: marks.at, ticktext: marks.text, tickfont: { color: shade.soft },
      gridcolor: shade.line, zeroline: false, linecolor: shade.line,
      showspikes: true, spikemode: "across", spikesnap: "data", spikethickness: 1, spikedash: "solid", spikecolor: shade.soft,
    },
    yaxis: { ...axis, domain: [0.22, 1], type: log ? "log" : "linear", exponentformat: "none", nticks: 7 },
    yaxis2: { ...axis, domain: [0, 0.17], nticks: 3, tickformat: "~s", rangemode: "tozero" },
    ...splitMarks(points, splits, shade),
  };
}

function splitMarks(points, splits, shade) {
  const shown = splits
    .map((split) => ({ ...split, at: placeOf(points, split.session) }))
    .filter((split) => split.at >= 0);
  return {
    shapes: shown.map(({ at }) => ({
      type: "line", xref: "x", yref: "paper", x0: at, x1: at, y0: 0, y1: 1,
      line: { color: shade.soft, width: 1, dash: "dot" },
    })),
    annotations: shown.map(({ at, ratio }) => ({
      x: at, xref: "x", y: 1, yref: "paper", yanchor: "top", xanchor: "left", showarrow: false,
      text: `${ratio}:1 split`, font: { size: 11, color: shade.soft },
    })),
  };
}

// The point that holds a session, -1 where none does.
function placeOf({ begins, ends }, session) {
  if (session < begins[0].date || session > ends.at(-1).date) return -1;
  return begins.findLastIndex((one) => one.date <= session);
}
