// Draws the coverage of a series as a heatmap of sessions that mouse and keyboard can read.
import { colours } from "../kit/js/colours.js";
import { MONTHS, dateOf } from "./clock.js";
import { make } from "../kit/js/dom.js";
import { gridOf } from "./heatmap_grid.js";
import { describe } from "./heatmap_days.js";

const STEPS = { ArrowLeft: -7, ArrowRight: 7, ArrowUp: -1, ArrowDown: 1, PageUp: -364, PageDown: 364 };
const REASONS = ["closed", "not_listed", "delisted", "halted", "no_trade", "vendor_hole", "not_fetched", "unexplained"];

// Hollow cells: no bar can exist there. The shape tells them apart without colour.
const HOLLOW = new Set(["closed", "not_listed", "delisted"]);

export function createHeatmap(place, days, { label, say, onPick }) {
  const canvas = make("canvas", { tabindex: "0", role: "img", "aria-label": label });
  const tip = make("div", { className: "tip", hidden: "" });
  place.replaceChildren(canvas, tip);
  const known = [...days.keys()];
  let grid, cursor;

  function draw() {
    const width = place.clientWidth;
    if (!width) return;
    grid = gridOf(days, width);
    const scale = devicePixelRatio;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(grid.height * scale);
    canvas.style.height = `${grid.height}px`;
    const brush = canvas.getContext("2d");
    brush.scale(scale, scale);
    paint(brush, colours(["full", "soft", "text", "surface", ...REASONS]));
  }

  function paint(brush, shade) {
    brush.font = `11px ${getComputedStyle(place).fontFamily}`;
    brush.fillStyle = shade.soft;
    brush.textBaseline = "middle";
    const wide = grid.months[1] - grid.months[0] > 34;
    grid.months.forEach((x, m) => brush.fillText(wide ? MONTHS[m] : MONTHS[m][0], x, 7));
    for (const year of grid.years) brush.fillText(String(year), 0, grid.yearY(year));
    for (const [day, one] of days) paintCell(brush, shade, grid.cell(day), one);
    if (cursor !== undefined) {
      const { x, y, width, height } = grid.cell(cursor);
      brush.strokeStyle = shade.text;
      brush.lineWidth = 2;
      brush.strokeRect(x - 1, y - 1, width + 2, height + 2);
    }
  }

  function moveTo(day) {
    cursor = day;
    draw();
    say(describe(day, days.get(day)));
    showTip(day);
  }

  function showTip(day) {
    tip.hidden = day === undefined;
    if (tip.hidden) return;
    const { x, y, height } = grid.cell(day);
    tip.textContent = describe(day, days.get(day));
    tip.style.left = `${Math.max(0, Math.min(x, place.clientWidth - tip.offsetWidth))}px`;
    tip.style.top = `${y + height + 6}px`;
  }

  canvas.addEventListener("mousemove", (event) => showTip(grid.dayAt(event.offsetX, event.offsetY)));
  canvas.addEventListener("mouseleave", () => showTip(undefined));
  canvas.addEventListener("click", (event) => {
    const day = grid.dayAt(event.offsetX, event.offsetY);
    if (day === undefined) return;
    moveTo(day);
    onPick(dateOf(day));
  });
  canvas.addEventListener("blur", () => showTip(undefined));
  canvas.addEventListener("keydown", (event) => {
    const next = target(known, cursor, event.key);
    if (event.key === "Enter" && cursor !== undefined) onPick(dateOf(cursor));
    else if (next === undefined) return;
    else moveTo(next);
    event.preventDefault();
  });
  new ResizeObserver(draw).observe(place);
  document.addEventListener("theme", draw);
}

function paintCell(brush, shade, { x, y, width, height }, { expected, present, reason }) {
  const whole = expected ? present / expected : 0;
  brush.fillStyle = reason ? shade[reason] : shade.full;
  brush.fillRect(x, y, width, height);
  if (HOLLOW.has(reason) && whole === 0) {
    brush.fillStyle = shade.surface;
    brush.fillRect(x + 1, y + 1, width - 2, height - 2);
  }
  if (reason && whole > 0) {
    brush.fillStyle = shade.full;
    // At least a third of a cell shows that something is absent.
    brush.fillRect(x, y, width, Math.min(height * whole, (height * 2) / 3));
  }
}

// The known day nearest to where a key leads, beyond the present one; undefined for other keys.
function target(known, cursor, key) {
  if (key === "Home") return known[0];
  if (key === "End") return known.at(-1);
  const step = STEPS[key];
  if (step === undefined) return undefined;
  if (cursor === undefined) return known.at(-1);
  const wanted = cursor + step;
  if (step > 0) return known.find((day) => day >= wanted) ?? known.at(-1);
  return known.findLast((day) => day <= wanted) ?? known[0];
}
