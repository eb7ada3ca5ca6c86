/** Owns the formats of JSON Schema that an expression can say, those of OpenAI's strict subset: each allows only what fits it. */

const year = "[0-9]{4}";
const leapYear = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)";
const days = [
  `${year}-(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])`,
  `${year}-(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)`,
  `${year}-02-(?:0[1-9]|1[0-9]|2[0-8])`,
  `${leapYear}-02-29`,
];
const date = `(?:${days.join("|")})`;
const hour = "(?:[01][0-9]|2[0-3])";
const minute = "[0-5][0-9]";
const time = `${hour}:${minute}:${minute}(?:\\.[0-9]{1,9})?(?:Z|[+-]${hour}:${minute})`;

const some = "[0-9]{1,6}";
const dayPart = `${some}(?:Y(?:${some}M(?:${some}D)?)?|M(?:${some}D)?|D)`;
const timePart = `T${some}(?:H(?:${some}M(?:${some}S)?)?|M(?:${some}S)?|S)`;

/** Labels may have 63 characters, names 253; six labels of 40 keep to both without counting across them. */
const label = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,38}[A-Za-z0-9])?";
const word = "[A-Za-z0-9_%+-]{1,20}";
const octet = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
const group = "[0-9a-fA-F]{1,4}";

/** Up to so many groups with colons between them, or none. */
function groups(most: number): string {
  return most === 0 ? "" : `(?:${group}(?::${group}){0,${most - 1}})?`;
}

/** So many groups before the two colons that stand for one group at least. */
function shortened(before: number): string {
  const leading = before === 0 ? "" : `${group}(?::${group}){${before - 1}}`;
  return `${leading}::${groups(7 - before)}`;
}

const addresses = [`${group}(?::${group}){7}`, ...Array.from({ length: 8 }, (_, before) => shortened(before))];

/** Expressions that a text of that format fits whole. */
export const formats: ReadonlyMap<unknown, string> = new Map([
  ["date", date],
  ["time", time],
  ["date-time", `${date}T${time}`],
  ["duration", `P(?:${some}W|${dayPart}(?:${timePart})?|${timePart})`],
  ["email", `${word}(?:\\.${word}){0,2}@${label}(?:\\.${label}){1,4}`],
  ["hostname", `${label}(?:\\.${label}){0,5}`],
  ["ipv4", `${octet}(?:\\.${octet}){3}`],
  ["ipv6", addresses.join("|")],
  ["uuid", "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"],
]);
