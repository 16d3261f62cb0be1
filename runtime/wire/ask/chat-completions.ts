// POST {base}/chat/completions: messages in, `choices[0].message.content` out.
import { objectAt, objectsAt, textAt } from "./members.ts";
import { instructions, post, type Protocol } from "./protocol.ts";

export const chatCompletions: Protocol = {
  prepare: null,
  // Some servers refuse a conversation that does not begin with a system message.
  call: ({ model, messages }) =>
    post("/chat/completions", {
      model,
      messages: [
        { role: "system", content: instructions },
        ...messages.map(({ role, text }) => ({ role, content: text })),
      ],
    }),
  answer: {
    kind: "whole",
    read: (reply) => textAt(objectAt(objectsAt(reply, "choices")[0], "message"), "content"),
  },
};
