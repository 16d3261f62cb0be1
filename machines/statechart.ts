// The seam to XState: every other file takes it from here, so that a new major version changes one import.
export { assign, createActor, fromCallback, fromPromise, sendTo, setup, spawnChild, toPromise, waitFor } from "xstate";
export type { ActorRefFrom, AnyActorRef, CallbackActorLogic, InspectionEvent, SnapshotFrom } from "xstate";
