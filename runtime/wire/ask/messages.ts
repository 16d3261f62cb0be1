// POST {base}/v1/messages: messages in, `content[].text` out.
import { joined, objectsAt, textAt } from "./members.ts";
import { post, type Protocol } from "./protocol.ts";

const maxTokens = 8192;

export const messages: Protocol = {
  prepare: null,
  call: ({ model, messages: said }) =>
    post("/v1/messages", {
      model,
      max_tokens: maxTokens,
      messages: said.map(({ role, text }) => ({ role, content: text })),
    }),
  answer: { kind: "whole", read: (reply) => joined(objectsAt(reply, "content").map((part) => textAt(part, "text"))) },
};
