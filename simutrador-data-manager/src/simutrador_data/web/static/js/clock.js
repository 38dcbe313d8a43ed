// Calendar words of instants: sessions stay dates, times are those of the exchange's zone.

// When each point begins and when its last bar does.
export function clocksOf({ session, opened_at: opened, ended_at: ended }, zone) {
  const begins = inZone(opened, zone), ends = inZone(ended, zone);
  if (!session) return { begins, ends };
  // A session can open on the evening before its date; the last one of a point does so too.
  const dated = ends.map(({ date }, i) => dateOf(dayNumber(date) + dayNumber(session[i]) - dayNumber(begins[i].date)));
  return { begins: session.map(fromDate), ends: dated.map(fromDate) };
}

function inZone(instants, zone) {
  const format = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone, hourCycle: "h23",
    year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
  });
  return instants.map((us) => fromInstant(us / 1000, format));
}

// A date as the number of days since 1970; weekday 0 is Monday.
export function dayNumber(date) {
  return Date.parse(`${date}T00:00:00Z`) / 86_400_000;
}

export function dateOf(day) {
  return new Date(day * 86_400_000).toISOString().slice(0, 10);
}

export function weekday(day) {
  return (((day + 3) % 7) + 7) % 7;
}

export const WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
export const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function fromDate(date) {
  const [year, month, day] = date.split("-").map(Number);
  return { date, year, month, day, minutes: 0, text: date };
}

function fromInstant(ms, format) {
  const part = Object.fromEntries(format.formatToParts(ms).map((one) => [one.type, one.value]));
  const date = `${part.year}-${part.month}-${part.day}`;
  const clock = fromDate(date);
  const minutes = Number(part.hour) * 60 + Number(part.minute);
  return { ...clock, minutes, text: `${date} ${part.hour}:${part.minute}` };
}
