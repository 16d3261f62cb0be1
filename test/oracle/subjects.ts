// All that is compared.
import { redirects } from "./redirects.ts";
import { requests } from "./requests.ts";
import { starts } from "./starts.ts";
import type { Subject } from "./subject.ts";
import { codes, polls, refreshes } from "./tokens.ts";

/** Each one's inputs are its own. */
export const subjects = [redirects, requests, codes, refreshes, starts, polls] as unknown as readonly Subject[];
