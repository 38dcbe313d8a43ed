// The line above the chart: what the point under the pointer, or else the newest, holds.
import { formatCount, make } from "../kit/js/dom.js";
import { formatPrice } from "./figures.js";

const line = document.getElementById("readout");

export function showReadout(points, at) {
  const values = ["open", "high", "low", "close"].map((name) => [name[0].toUpperCase(), formatPrice(points[name][at])]);
  values.push(["Vol", formatCount(points.volume[at])]);
  const cells = values.map(([name, text]) => make("span", { text: `${name} ` }, make("b", { text })));
  line.replaceChildren(make("span", {}, make("b", { text: when(points, at) })), ...cells);
}

function when({ begins, ends, perPoint }, at) {
  return perPoint === 1 ? begins[at].text : `${begins[at].text} to ${ends[at].text}`;
}
