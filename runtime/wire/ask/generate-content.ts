// POST {base}/models/{model}:generateContent: contents in, `candidates[0].content.parts[].text` out.
import { joined, type Members, objectAt, objectsAt, textAt } from "./members.ts";
import { type Message, post, type Protocol } from "./protocol.ts";

export const generateContent: Protocol = {
  prepare: null,
  call: ({ model, messages }) =>
    post(`/models/${encodeURIComponent(model)}:generateContent`, { contents: contentsOf(messages) }),
  answer: { kind: "whole", read: generatedText },
};

export function contentsOf(messages: readonly Message[]): readonly Members[] {
  return messages.map(({ role, text }) => ({ role: role === "user" ? "user" : "model", parts: [{ text }] }));
}

export function generatedText(reply: Members): string | null {
  const content = objectAt(objectsAt(reply, "candidates")[0], "content");
  return joined(objectsAt(content, "parts").map((part) => textAt(part, "text")));
}
