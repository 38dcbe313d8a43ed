// Elements from plain values. Text is always set as text, so nothing stored can become markup.

export function make(name, { text, className, data, ...attributes } = {}, ...children) {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  Object.assign(element.dataset, data);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

export function reasonMark(reason, count) {
  const mark = make("span", { className: "reason", data: { reason } }, words(reason));
  if (count !== undefined) mark.append(" ", make("b", { text: formatCount(count) }));
  return mark;
}

export function words(wireWord) {
  return wireWord.replaceAll("_", " ");
}

export function formatCount(count) {
  return count.toLocaleString("en-US");
}

// 100 % only when nothing is missing, as the server says it.
export function formatPercent(fraction) {
  return fraction >= 1 ? "100 %" : `${Math.min(fraction * 100, 99.99).toFixed(2)} %`;
}

// The fewest digits that read back exactly, at least two after the point.
export function formatPrice(price) {
  return price.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 20, useGrouping: false });
}
