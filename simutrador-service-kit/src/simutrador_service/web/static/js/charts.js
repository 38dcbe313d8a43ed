// Draws the figure that the service gives for every element with `data-figure`, in the page's colours.
//
// The answer is a Plotly figure, {data, layout}. A colour written "$up" is taken from the style sheet,
// so that one figure serves both appearances. The address is asked with `points`, how many there is
// room for; the service thins out.
import { getJson, isAbort } from "./api.js";
import { colours } from "./colours.js";
import { showEmpty, showError, showLoading, showReady } from "./states.js";

const NAMES = ["text", "soft", "line", "surface", "accent", "good", "warn", "bad", "up", "down", "volume"];
const POINT_PX = 2;
const MOST_POINTS = 10_000;
const PAUSE_MS = 150;
const CONFIG = { displayModeBar: false, responsive: false, showTips: false };

export function createChart(place) {
  let figure = null, asked = 0, timer, asking = new AbortController();

  async function load() {
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    if (!figure) showLoading(place);
    asked = room(place);
    try {
      figure = await getJson(place.dataset.figure, { points: asked }, signal);
      if (figure.data.length) await draw();
      else showEmpty(place, place.dataset.empty || "There is nothing to show yet.");
    } catch (error) {
      if (!isAbort(error)) fail(error);
    }
  }

  async function draw() {
    if (!figure?.data.length) return;
    const shade = colours(NAMES);
    showReady(place);
    const { data, layout } = painted(figure, shade);
    const size = { width: place.clientWidth, height: place.clientHeight };
    await Plotly.react(place, data, { ...merged(dressed(shade), layout ?? {}), ...size }, CONFIG);
  }

  function fail(error) {
    figure = null;
    Plotly.purge(place);
    showError(place, error, load);
  }

  new ResizeObserver(() => {
    clearTimeout(timer);
    timer = setTimeout(() => (room(place) === asked ? draw() : load()), PAUSE_MS);
  }).observe(place);
  document.addEventListener("theme", draw);
  load();
  return { load };
}

function room(place) {
  return Math.min(MOST_POINTS, Math.max(20, Math.floor(place.clientWidth / POINT_PX)));
}

function dressed(shade) {
  const axis = { gridcolor: shade.line, zerolinecolor: shade.line, linecolor: shade.line, tickfont: { color: shade.soft }, automargin: true };
  const font = getComputedStyle(document.body).fontFamily;
  return {
    margin: { l: 48, r: 16, t: 8, b: 32 }, hovermode: "x unified", showlegend: false,
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: font, size: 12, color: shade.text },
    hoverlabel: { bgcolor: shade.surface, bordercolor: shade.line, font: { color: shade.text } },
    colorway: [shade.accent, shade.warn, shade.good, shade.bad, shade.soft],
    xaxis: axis, yaxis: axis,
  };
}

// What the figure says wins; what it leaves open is ours, at every depth.
function merged(ours, theirs) {
  const both = { ...ours };
  for (const [key, value] of Object.entries(theirs)) {
    both[key] = isTable(value) && isTable(ours[key]) ? merged(ours[key], value) : value;
  }
  return both;
}

function isTable(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function painted(value, shade) {
  if (typeof value === "string" && value.startsWith("$")) return shade[value.slice(1)] ?? value;
  if (Array.isArray(value)) return typeof value[0] === "number" ? value : value.map((one) => painted(one, shade));
  if (isTable(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, painted(one, shade)]));
  }
  return value;
}

for (const place of document.querySelectorAll("[data-figure]")) createChart(place);
