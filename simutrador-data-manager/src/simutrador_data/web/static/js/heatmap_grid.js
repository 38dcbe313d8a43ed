// Where each day's cell lies: a band for each year, a column for each week, a row for each weekday.
import { dateOf, dayNumber, weekday } from "./clock.js";

const LEFT = 40, TOP = 18, BAND_GAP = 5, COLUMNS = 54;

export function gridOf(days, width) {
  const all = [...days.keys()];
  const first = Number(dateOf(all[0]).slice(0, 4)), last = Number(dateOf(all.at(-1)).slice(0, 4));
  const rows = all.some((day) => weekday(day) > 4) ? 7 : 5;
  const years = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  const high = rowHeight(years.length);
  const band = rows * high + BAND_GAP;
  const wide = (width - LEFT) / COLUMNS;
  const newYear = new Map(years.map((year) => [year, dayNumber(`${year}-01-01`)]));

  function cell(day) {
    const year = Number(dateOf(day).slice(0, 4));
    const start = newYear.get(year);
    const column = Math.floor((day - start + weekday(start)) / 7);
    const x = LEFT + Math.floor(column * wide);
    return {
      x, y: TOP + (year - first) * band + weekday(day) * high,
      width: Math.max(1, LEFT + Math.floor((column + 1) * wide) - x - 1), height: Math.max(1, high - 1),
    };
  }

  function dayAt(x, y) {
    const year = first + Math.floor((y - TOP) / band);
    const row = Math.floor(((y - TOP) % band) / high);
    const column = Math.floor((x - LEFT) / wide);
    if (x < LEFT || y < TOP || row >= rows || !newYear.has(year)) return undefined;
    const day = newYear.get(year) - weekday(newYear.get(year)) + column * 7 + row;
    return days.has(day) ? day : undefined;
  }

  const months = Array.from({ length: 12 }, (_, m) => LEFT + ((m * 30.44) / 7) * wide);
  return { cell, dayAt, years, months, height: TOP + years.length * band, yearY: (year) => TOP + (year - first) * band + (rows * high) / 2 };
}

function rowHeight(years) {
  if (years <= 2) return 14;
  if (years <= 5) return 9;
  return years <= 16 ? 6 : 4;
}
