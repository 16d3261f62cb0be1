// One answer in the format that two vendors share, whole or as a stream. What the model says is not decided here.
import { randomBytes } from "node:crypto";
import { type Call, text } from "./call.ts";
import { answerTo, pieces, usage } from "./prompt.ts";
import { type Reply, events, json } from "./reply.ts";
import type { World } from "./world.ts";

const used = {
  prompt_tokens: usage.input,
  completion_tokens: usage.output,
  total_tokens: usage.input + usage.output,
};

export function complete(call: Call, world: Pick<World, "now">): Reply {
  const said = answerTo(call.fields["messages"]);
  const id = `chatcmpl-${randomBytes(12).toString("hex")}`;
  const same = { id, created: Math.floor(world.now() / 1000), model: text(call.fields, "model") };
  if (call.fields["stream"] !== true) {
    const message = { role: "assistant", content: said, refusal: null };
    const choice = { index: 0, message, finish_reason: "stop", logprobs: null };
    return json(200, { ...same, object: "chat.completion", choices: [choice], usage: used });
  }
  const chunk = (choices: readonly object[], cost: object | null): object => ({
    ...same,
    object: "chat.completion.chunk",
    choices,
    usage: cost,
  });
  const says = (delta: object, finish: string | null = null): object =>
    chunk([{ index: 0, delta, finish_reason: finish, logprobs: null }], null);
  const { include_usage: withUsage } = (call.fields["stream_options"] ?? {}) as { include_usage?: unknown };
  const list = [
    says({ role: "assistant", content: "" }),
    ...pieces(said).map((content) => says({ content })),
    says({}, "stop"),
    ...(withUsage === true ? [chunk([], used)] : []),
  ];
  return events([...list.map((data) => ({ data })), { data: "[DONE]" }]);
}
