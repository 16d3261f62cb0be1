// Everything that the wire fuzz is thrown at, in the order in which it is: a new parser is one row more.
import { apiReplies } from "./api.ts";
import { entrances } from "./entrance.ts";
import { files } from "./files.ts";
import { judgedReplies } from "./replies.ts";
import type { Target } from "./target.ts";
import { traces } from "./traces.ts";

export const targets: readonly Target[] = [...entrances, ...judgedReplies, ...apiReplies, ...files, ...traces];
