// The seam to XState: every other file takes it from here, so that a new major version changes one import.
export {
  assign,
  createActor,
  fromCallback,
  fromPromise,
  initialTransition,
  sendTo,
  setup,
  spawnChild,
  transition,
} from "xstate";
export type { AnyActorRef, InspectionEvent } from "xstate";
