// The protocols by name.
import type { ApiProtocol } from "../../../providers/provider.ts";
import { assistedGenerateContent } from "./assisted-generate-content.ts";
import { chatCompletions } from "./chat-completions.ts";
import { generateContent } from "./generate-content.ts";
import { messages } from "./messages.ts";
import type { Protocol } from "./protocol.ts";
import { responses } from "./responses.ts";

export const protocols: Readonly<Record<ApiProtocol, Protocol>> = {
  "chat-completions": chatCompletions,
  messages,
  responses,
  "generate-content": generateContent,
  "assisted-generate-content": assistedGenerateContent,
};
