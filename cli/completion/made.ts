// The scripts as the build has written them down, so that printing one loads nothing else. From source there are none: `build.ts`
// puts another text in the place of this file.
import type { Shell } from "./scripts.ts";

export const made = null as Readonly<Record<Shell, string>> | null;
