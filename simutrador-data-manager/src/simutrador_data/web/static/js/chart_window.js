// Which stretch of time the chart shows. Pure: milliseconds and places on the axis in, window out.
// A window is {start, end}, both included; null is everything there is.

const LEAST_POINTS = 5;

export function timeAt(points, place) {
  const { opened, ended } = points;
  const last = opened.length - 1;
  const step = last > 0 ? (ended[last] - opened[0]) / last : 86_400_000;
  if (place < 0) return opened[0] + place * step;
  if (place > last) return ended[last] + (place - last) * step;
  return null;
}

export function windowOf(points, from, to, bounds) {
  if (points.perPoint === 1 && to - from < LEAST_POINTS) {
    const middle = (from + to) / 2;
    [from, to] = [middle - LEAST_POINTS / 2, middle + LEAST_POINTS / 2];
  }
  const first = Math.round(from), last = Math.round(to);
  const start = timeAt(points, first) ?? points.opened[first];
  const end = timeAt(points, last) ?? points.ended[last];
  return clipped({ start, end: Math.max(start, end) }, bounds);
}

export function clipped({ start, end }, bounds) {
  if (start <= bounds.start && end >= bounds.end) return null;
  const length = end - start;
  if (start < bounds.start) [start, end] = [bounds.start, Math.min(bounds.end, bounds.start + length)];
  if (end > bounds.end) [start, end] = [Math.max(bounds.start, bounds.end - length), bounds.end];
  return { start, end };
}

export function moved(points, move, bounds) {
  const last = points.opened.length - 1;
  const half = Math.max(1, last / 2), quarter = last / 4;
  const places = {
    left: [-half, last - half], right: [half, last + half],
    in: [quarter, last - quarter], out: [-half, last + half],
  }[move];
  return windowOf(points, places[0], places[1], bounds);
}
