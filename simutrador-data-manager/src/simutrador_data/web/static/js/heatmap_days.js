// The days a heatmap shows, and what is to be said of each. Pure.
import { WEEKDAYS, dateOf, dayNumber, weekday } from "./clock.js";
import { formatCount, words } from "../kit/js/dom.js";

export function daysOf(coverage) {
  const days = new Map();
  coverage.session.forEach((date, i) => {
    days.set(dayNumber(date), {
      expected: coverage.expected[i], present: coverage.present[i], excused: coverage.excused[i],
      reason: coverage.reason[i], name: "",
    });
  });
  for (const { session, name } of coverage.closures) {
    const held = days.get(dayNumber(session));
    if (held) held.name = name;
    else days.set(dayNumber(session), { expected: 0, present: 0, excused: 0, reason: "closed", name });
  }
  return new Map([...days].sort(([a], [b]) => a - b));
}

export function describe(day, { expected, present, reason, name }) {
  const when = `${dateOf(day)} ${WEEKDAYS[weekday(day)]}`;
  if (!expected) return `${when}: closed${name ? `, ${name}` : ""}`;
  const count = `${formatCount(present)} of ${formatCount(expected)} ${expected === 1 ? "bar" : "bars"}`;
  const why = reason ? `, absent: ${words(reason)}` : "";
  return `${when}: ${count}${why}${name ? `; closes early, ${name}` : ""}`;
}

export function yearsOf(days) {
  const years = new Map();
  for (const [day, { expected, present, excused, reason }] of days) {
    const year = dateOf(day).slice(0, 4);
    const sum = years.get(year) ?? { sessions: 0, closed: 0, expected: 0, present: 0, lacking: 0 };
    if (expected) sum.sessions += 1;
    else sum.closed += 1;
    // Bars that cannot exist (not listed, halted, no trade) are not expected of a year.
    sum.expected += expected - excused;
    sum.present += present;
    if (present < expected - excused) sum.lacking += 1;
    years.set(year, sum);
  }
  return years;
}
