// The short way to `status`: the same rows and the same text, without the whole program.
import { quickStatus } from "../runtime/quick-status.ts";
import { jsonOf, tableOf } from "./status-view.ts";

/** What `status` prints where there are no colours; null when the whole program has to look. */
export function fastStatus(
  home: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
  json: boolean,
): string | null {
  try {
    const quick = quickStatus(home, environment);
    if (quick === null) return null;
    if (json) return `${JSON.stringify(jsonOf(quick.home, quick.statuses))}\n`;
    return `${tableOf(quick.statuses, Date.now(), (_style, text) => text)}\n`;
  } catch {
    return null;
  }
}
