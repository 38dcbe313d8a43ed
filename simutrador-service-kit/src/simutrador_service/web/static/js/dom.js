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

export function words(wireWord) {
  return wireWord.replaceAll("_", " ");
}

export function formatCount(count) {
  return count.toLocaleString("en-US");
}

// Seconds as people say them: 45 s, 3 min, 1 h 05 min.
export function formatSeconds(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}
