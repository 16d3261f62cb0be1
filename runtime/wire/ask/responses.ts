// POST {base}/responses: the conversation in, server-sent events out. Nothing is stored at the provider.
//
// The answer is complete only when an event says so: a stream that merely ends was cut off.
import { objectAt, textAt } from "./members.ts";
import { instructions, post, type Protocol } from "./protocol.ts";

export const responses: Protocol = {
  prepare: null,
  call: ({ model, messages }) =>
    post("/responses", {
      model,
      instructions,
      input: messages.map(({ role, text }) => ({
        type: "message",
        role,
        content: [{ type: role === "user" ? "input_text" : "output_text", text }],
      })),
      store: false,
      stream: true,
    }),
  answer: {
    kind: "events",
    read: (event) => {
      switch (textAt(event, "type")) {
        case "response.output_text.delta":
          return { kind: "piece", text: textAt(event, "delta") ?? "" };
        case "response.completed":
        case "response.incomplete":
          return { kind: "end" };
        case "response.failed":
          return { kind: "failed", members: objectAt(event, "response") ?? {} };
        case "error":
          return { kind: "failed", members: event };
        default:
          return null;
      }
    },
  },
};
