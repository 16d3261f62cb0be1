// What the model says. There is none: it repeats the last thing said, which shows that the message arrived and that the
// conversation was carried along. One function for five request formats, since each of them nests text in `content`,
// `parts` or `text`.

export const answerTo = (messages: unknown): string => `You said: ${lastText(messages)}`;

/** In pieces, as a stream brings it. */
export const pieces = (text: string): string[] => text.split(/(?<= )/);

/** Fixed, and plausible: nobody pays for these. */
export const usage = { input: 8, output: 8 } as const;

function lastText(value: unknown): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map(lastText).findLast((found) => found !== "") ?? "";
  if (typeof value !== "object" || value === null) return "";
  const { text, content, parts } = value as { text?: unknown; content?: unknown; parts?: unknown };
  return lastText(text ?? content ?? parts);
}
