/** Owns what is counted while the program runs: one row a metric, and their text for Prometheus. */

interface Metric {
  /** Names of its labels; their values are few, and never a client's words. */
  readonly labels: readonly string[];
  readonly help: string;
}

/** Counters since the start. Names as Prometheus has them (prometheus.io, "Metric and label naming"). */
export const metrics = {
  antiphon_requests_total: { labels: ["status"], help: "HTTP requests, by status." },
  antiphon_responses_total: {
    labels: ["status"],
    help: "Turns, by how they ended: completed, incomplete, failed; gone: the client left.",
  },
  antiphon_input_tokens_total: { labels: [], help: "Tokens of prompts, those found in a cache included." },
  antiphon_cached_tokens_total: { labels: [], help: "Tokens of prompts that were found in a cache." },
  antiphon_output_tokens_total: { labels: [], help: "Tokens of answers, thinking included." },
  antiphon_healed_items_total: { labels: ["rule"], help: "Items of input that were mended, by rule." },
  antiphon_asked_again_total: { labels: [], help: "Turns in which the model was asked again for what it did wrong." },
  antiphon_prefix_losses_total: {
    labels: ["cause"],
    help: "Prompts of threads that were read again although they were in a cache before, by cause.",
  },
  antiphon_engine_crashes_total: { labels: [], help: "Ends of engine processes that nobody asked for." },
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof metrics;

type Labels<Name extends MetricName> = Readonly<Record<(typeof metrics)[Name]["labels"][number], string | number>>;

/** By name, then by the labels as they are written. */
const counted = new Map<MetricName, Map<string, number>>();

/** Adds to a counter; `by` is no less than 0. */
export function count<Name extends MetricName>(name: Name, labels: Labels<Name>, by = 1): void {
  const values = counted.get(name) ?? new Map<string, number>();
  counted.set(name, values);
  const written = Object.entries(labels).map(([label, value]) => `${label}="${String(value)}"`);
  const series = written.length === 0 ? "" : `{${written.join(",")}}`;
  values.set(series, (values.get(series) ?? 0) + by);
}

/** Every metric in the text format of Prometheus 0.0.4; those without labels from the start, at 0. */
export function metricsText(): string {
  const lines = Object.entries(metrics).flatMap(([name, { labels, help }]: [string, Metric]) => {
    const values = counted.get(name as MetricName) ?? new Map(labels.length === 0 ? [["", 0]] : []);
    const series = [...values].map(([written, value]) => `${name}${written} ${value}`);
    return [`# HELP ${name} ${help}`, `# TYPE ${name} counter`, ...series];
  });
  return `${lines.join("\n")}\n`;
}
