// Times as people say them, in a language and a time zone: the same words as notifications/wording/times.py. Pages and the
// service worker share them. tests/vectors/inbox_words.json holds all of them to each other.

const MINUTE = 60_000, HOUR = 60 * MINUTE, DAY = 24 * HOUR, SOON = 2 * HOUR;

/**
 * {exact, due, stamp, when}; `say`: of `sentencesOf`, `language` and `timezone`: the reader's. `variety`: their locale, such as
 * `en-US`, which counts where it is one of that language.
 */
export function timesOf({ say, language, timezone, variety = "" }) {
  const locale = localeOf(language, variety.replaceAll("_", "-"));
  const format = (options, tag = locale) => new Intl.DateTimeFormat(tag, { timeZone: timezone, ...options });
  const clockFormat = countsTwelve(locale)
    ? format({ hour: "numeric", minute: "2-digit" })
    : format({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" }, "en-GB");
  const dayFormat = format({ day: "numeric", month: "long" });
  const yearFormat = format({ day: "numeric", month: "long", year: "numeric" });
  const weekdayFormat = format({ weekday: "long" });
  const zoneFormats = ["en-GB", "en-US"].map((tag) => format({ timeZoneName: "short" }, tag));  // CET is one's, EST the other's
  const numbers = format({ year: "numeric", month: "2-digit", day: "2-digit" }, "en-CA");

  /** `14:02` */
  const clock = (at) => plainBlanks(clockFormat.format(at));
  const dayNumber = (at) => Date.parse(`${numbers.format(at)}T00:00Z`) / DAY;
  const year = (at) => numbers.format(at).slice(0, 4);
  const day = (at, today) => (year(at) === year(today) ? dayFormat : yearFormat).format(at);

  /** The full date with its zone, for titles. */
  function exact(at) {
    return `${weekdayFormat.format(at)}, ${yearFormat.format(at)}, ${clock(at)} ${zone(at)}`;
  }

  /** The zone's abbreviation, the same in every language; its offset from UTC where it has none. */
  function zone(at) {
    const names = zoneFormats.map((each) => each.formatToParts(at).find((part) => part.type === "timeZoneName").value);
    return names.find((name) => !/^GMT[+-]/.test(name)) ?? names[0];
  }

  /** `due today 17:00 · 2 h 10 min left`, or `overdue by 10 min · due today 17:00`; in short `today 17:00`, or `10 min late`. */
  function due(at, today) {
    const left = at - today;
    const urgency = left < 0 ? "overdue" : left <= SOON ? "soon" : "ontime", isOver = urgency === "overdue";
    const words = isOver ? [span("over", -left), dueAt(at, today)] : [dueAt(at, today), span("left", left)];
    return { text: words.join(" · "), short: isOver ? late(-left) : inShort(at, today), urgency, icon: urgency === "ontime" ? "clock" : urgency };
  }

  function inShort(at, today) {
    const time = clock(at), days = dayNumber(at) - dayNumber(today);
    if (days < 2) return say(days ? "tomorrow" : "today", { time });
    return days < 7 ? `${weekdayFormat.format(at)} ${time}` : day(at, today);
  }

  function late(length) {
    if (length >= 2 * DAY) return say("late_days", { d: Math.floor(length / DAY) });
    return length >= HOUR ? say("late_hours", { h: Math.floor(length / HOUR) }) : say("late_minutes", { m: Math.max(Math.floor(length / MINUTE), 1) });
  }

  function dueAt(at, today) {
    const time = clock(at), days = dayNumber(at) - dayNumber(today);
    const named = { 0: "due_today", 1: "due_tomorrow", "-1": "due_yesterday" }[days];
    if (named) return say(named, { time });
    if (days > 1 && days < 7) return say("due_weekday", { weekday: weekdayFormat.format(at), time });
    return say("due_date", { date: day(at, today), time });
  }

  function span(kind, length) {
    const minutes = Math.floor(length / MINUTE);
    if (minutes < 1) return say(`${kind}_moment`);
    if (minutes < 60) return say(`${kind}_minutes`, { m: minutes });
    if (length >= 2 * DAY) return say(`${kind}_days`, { d: Math.floor(length / DAY) });
    if (minutes % 60 && length < 10 * HOUR) return say(`${kind}_hours_minutes`, { h: Math.floor(minutes / 60), m: minutes % 60 });
    return say(`${kind}_hours`, { h: Math.floor(minutes / 60) });
  }

  /** When something happened: `14:02`, `yesterday 14:02`, `24 November`. */
  function stamp(at, today) {
    const days = dayNumber(today) - dayNumber(at);
    if (days === 0) return clock(at);
    return days === 1 ? say("yesterday", { time: clock(at) }) : day(at, today);
  }

  /** The same inside a sentence: `at 14:02`, `on 24 November at 14:02`. */
  function when(at, today) {
    const same = dayNumber(at) === dayNumber(today);
    return same ? say("at_time", { time: clock(at) }) : say("at_date", { date: day(at, today), time: clock(at) });
  }

  /** `overdue`, `today` or `later`: notifications/inbox/listing.py, due_within. `at`: ISO 8601, or nothing. */
  function dueGroup(at, today) {
    if (!at) return "later";
    const due = new Date(at);
    if (due < today) return "overdue";
    return dayNumber(due) <= dayNumber(today) || due - today < SOON ? "today" : "later";
  }

  return { exact, due, dueGroup, stamp, when };
}

/** With ordinary spaces, as the server writes them. */
export const plainBlanks = (text) => text.replace(/[\u00a0\u202f]/g, " ");

/** The reader's variety of the language, if it is one; English without a country is that of Britain. */
function localeOf(language, variety) {
  const named = variety.includes("-") && variety.split("-")[0] === language.split("-")[0] ? variety : language;
  try {
    return Intl.getCanonicalLocales(named)[0] === "en" ? "en-GB" : named;
  } catch {
    return language === "en" ? "en-GB" : language;
  }
}

/** Whether people there count to twelve twice: only where a country is named. */
const countsTwelve = (locale) =>
  locale !== "en-GB" && locale.includes("-") && new Intl.DateTimeFormat(locale, { hour: "numeric" }).resolvedOptions().hour12;
