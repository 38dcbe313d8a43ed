// Where the time axis has ticks. Points stand side by side whatever time passes between them, so
// ticks stand where a new year, month, week, day or hour begins: the finest unit that fits.
import { MONTHS, dayNumber } from "./clock.js";

const LEVELS = [
  { unit: (c) => c.year, label: (c) => `${c.year}` },
  { unit: (c) => c.year * 2 + Math.floor((c.month - 1) / 6), label: monthOrYear },
  { unit: (c) => c.year * 4 + Math.floor((c.month - 1) / 3), label: monthOrYear },
  { unit: (c) => c.year * 12 + c.month, label: monthOrYear },
  { unit: (c) => Math.floor((dayNumber(c.date) + 3) / 7), label: dayOf },
  { unit: (c) => c.date, label: dayOf },
  ...[360, 180, 60, 30, 15, 5].map((step) => ({
    unit: (c) => `${c.date} ${Math.floor(c.minutes / step)}`, label: timeOrDay,
  })),
];

export function ticks(clock, most) {
  let best = { at: [], level: LEVELS[0] };
  for (const level of LEVELS) {
    const at = starts(clock, level.unit);
    if (at.length > most) break;
    if (at.length) best = { at, level };
  }
  if (!best.at.length) best.at = thinned(starts(clock, LEVELS[0].unit), most);
  return { at: best.at, text: best.at.map((i) => best.level.label(clock[i], clock[i - 1])) };
}

function starts(clock, unit) {
  const found = [];
  for (let i = 1; i < clock.length; i += 1) if (unit(clock[i]) !== unit(clock[i - 1])) found.push(i);
  return found;
}

function thinned(at, most) {
  const step = Math.ceil(at.length / most);
  return at.filter((_, i) => i % step === 0);
}

function monthOrYear(now, before) {
  return before && before.year === now.year ? MONTHS[now.month - 1] : `${now.year}`;
}

function dayOf(now, before) {
  const day = `${now.day} ${MONTHS[now.month - 1]}`;
  return before && before.year !== now.year ? `${day} ${now.year}` : day;
}

function timeOrDay(now, before) {
  if (before && before.date !== now.date) return dayOf(now, before);
  return now.text.slice(-5);
}
