/** Owns judges of the formats of JSON Schema: what the platform's own parsers say where it has them, else the RFC's words. */
import { isIPv4, isIPv6 } from "node:net";

type Judge = (text: string) => boolean;

const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;
const isHostname: Judge = (text) => text.length <= 253 && text.split(".").every((part) => label.test(part));

/** RFC 3339; a day that the month does not have would be another one when it is written again. */
const isDate: Judge = (text) => {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
};

const isTime: Judge = (text) => {
  const [, hour = "99", minute = "99", second = "99", zoneHour = "0", zoneMinute = "0"] =
    /^(\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:z|[+-](\d\d):(\d\d))$/i.exec(text) ?? [];
  return (
    Number(hour) < 24 && Number(minute) < 60 && Number(second) < 60 && Number(zoneHour) < 24 && Number(zoneMinute) < 60
  );
};

const isDateTime: Judge = (text) =>
  text[10]?.toUpperCase() === "T" && isDate(text.slice(0, 10)) && isTime(text.slice(11));

const follow = (part: string, units: string): boolean => part === "" || units.includes(part.replaceAll(/\d+/g, ""));

/** RFC 3339, appendix A: units descend without a gap, and there is at least one. */
const isDuration: Judge = (text) => {
  const [whole, date = "", time] = /^P(\d+W|(?:\d+[YMD])*)(?:T((?:\d+[HMS])+))?$/.exec(text) ?? [];
  const apart = date.endsWith("W") && time !== undefined;
  return (
    whole !== undefined &&
    text !== "P" &&
    !apart &&
    (date.endsWith("W") || follow(date, "YMD")) &&
    follow(time ?? "", "HMS")
  );
};

const isEmail: Judge = (text) => {
  const at = text.lastIndexOf("@");
  const local = text.slice(0, at);
  return (
    at > 0 &&
    at <= 64 &&
    /^[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*$/.test(local) &&
    isHostname(text.slice(at + 1))
  );
};

export const formatChecks: Readonly<Record<string, Judge>> = {
  "date-time": isDateTime,
  date: isDate,
  time: isTime,
  duration: isDuration,
  email: isEmail,
  hostname: isHostname,
  ipv4: isIPv4,
  ipv6: isIPv6,
  uuid: (text) => /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text),
};
