// The same contents behind an assistant's door: the account is looked up, taken in where it is new, and the question wrapped.
//
// Whether the account is served is said in the body of a reply of success, so that is read first. A person who is taken
// in on the free tier must name no project, and everybody else's requests need one.
import { AuthError } from "../../../machines/errors.ts";
import type { Assistance } from "../../../providers/provider.ts";
import { contentsOf, generatedText } from "./generate-content.ts";
import { type Members, objectAt, objectsAt, textAt } from "./members.ts";
import { type Preparation, post, type Protocol, type Question } from "./protocol.ts";
import { codeIn, errorCodes, pageText } from "./refusal.ts";

export const assistedGenerateContent: Protocol = {
  prepare,
  call: ({ model, messages, project, id }) =>
    post(":generateContent", { model, project, user_prompt_id: id, request: { contents: contentsOf(messages) } }),
  answer: { kind: "whole", read: (reply) => generatedText(objectAt(reply, "response") ?? {}) },
};

const pausesMs = [1000, 2000, 4000];
const longestPauseMs = 5000;
const mostPolls = 24;

function* prepare(question: Question): Generator<Preparation, Question, Members | null> {
  const { provider, assistance, project } = question;
  if (assistance === null) {
    throw new AuthError("settings_invalid", { provider, detail: `providers.${provider}.assistance is missing` });
  }
  const about = aboutUs(assistance, project);
  // An account inside a guarded perimeter may not be looked up, and is served all the same.
  const looked = yield step(assistance.lookUp, about, 0, "SECURITY_POLICY_VIOLATED");
  if (looked === null) return { ...question, project: required(question, assistance, project) };
  const current = objectAt(looked, "currentTier");
  checkEligible(question, looked, current);
  const found = projectIn(looked) ?? (current === null ? yield* takenIn(question, assistance, looked) : project);
  return { ...question, project: required(question, assistance, found) };
}

/** Takes the account in, and waits until that is done. @returns its project */
function* takenIn(
  question: Question,
  assistance: Assistance,
  looked: Members,
): Generator<Preparation, string | null, Members | null> {
  const { provider } = question;
  const tier = objectsAt(looked, "allowedTiers").find(({ isDefault }) => isDefault === true);
  const tierId = textAt(tier, "id") ?? "legacy-tier";
  // With a project, the free tier answers with a failed precondition.
  const project = tierId === "free-tier" ? null : question.project;
  if (tier?.["userDefinedCloudaicompanionProject"] === true) required(question, assistance, project);
  const request = { tierId, ...aboutUs(assistance, project) };
  let operation = yield step(assistance.takeIn, request, 0);
  for (let polls = 0; operation?.["done"] !== true; polls += 1) {
    if (polls === mostPolls) throw new AuthError("api_failed", { provider, detail: "the account is not ready yet" });
    const pauseMs = pausesMs[polls] ?? longestPauseMs;
    const name = textAt(operation, "name");
    operation = yield name !== null && /^[\w-]+(?:\/[\w-]+)*$/.test(name)
      ? { method: "GET", path: `/${name}`, body: null, pauseMs, mayFailFor: null }
      : step(assistance.takeIn, request, pauseMs);
  }
  const error = objectAt(operation, "error");
  if (error !== null) {
    throw new AuthError("api_failed", { provider, detail: errorCodes({ error })[0] ?? "the account was not taken in" });
  }
  return projectIn(objectAt(operation, "response") ?? {}) ?? project;
}

/** @throws AuthError `api_ineligible` with the reason's code, and where to go if there is such a place */
function checkEligible({ provider, instead }: Question, looked: Members, current: Members | null): void {
  const tierId = textAt(current, "id");
  // Who is served may well be told which other tiers are closed.
  const reason = objectsAt(looked, "ineligibleTiers").find(
    (one) => tierId === null || [tierId, null].includes(textAt(one, "tierId")),
  );
  if (reason === undefined) return;
  const details = [codeIn(reason, "reasonCode") ?? "no reason given", pageText(reason["validationUrl"]), instead];
  throw new AuthError("api_ineligible", { provider, detail: details.filter((detail) => detail !== null).join("; ") });
}

/** @throws AuthError `project_needed` */
function required({ provider }: Question, { projectVariables }: Assistance, project: string | null): string {
  if (project !== null) return project;
  throw new AuthError("project_needed", {
    provider,
    detail: `name its id in ${projectVariables[0] ?? "the settings"}`,
  });
}

/** A name, or an object that bears it. */
function projectIn(reply: Members): string | null {
  const member = "cloudaicompanionProject";
  return textAt(reply, member) ?? textAt(objectAt(reply, member), "id");
}

function step(method: string, body: Members, pauseMs: number, mayFailFor: string | null = null): Preparation {
  return { ...post(`:${method}`, body), pauseMs, mayFailFor };
}

function aboutUs({ metadata }: Assistance, project: string | null): Members {
  return project === null
    ? { metadata }
    : { metadata: { ...metadata, duetProject: project }, cloudaicompanionProject: project };
}
