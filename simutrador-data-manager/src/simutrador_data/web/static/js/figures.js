// How figures of bars read, and the mark of a reason.
import { formatCount, make, words } from "../kit/js/dom.js";

export function reasonMark(reason, count) {
  const mark = make("span", { className: "reason", data: { reason } }, words(reason));
  if (count !== undefined) mark.append(" ", make("b", { text: formatCount(count) }));
  return mark;
}

// 100 % only when nothing is missing, as the server says it.
export function formatPercent(fraction) {
  return fraction >= 1 ? "100 %" : `${Math.min(fraction * 100, 99.99).toFixed(2)} %`;
}

// The fewest digits that read back exactly, at least two after the point.
export function formatPrice(price) {
  return price.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 20, useGrouping: false });
}
