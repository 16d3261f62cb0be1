// The seam to XState: every other file takes it from here, so that a new major version changes one import.
export { assign, createActor, fromCallback, fromPromise, sendTo, setup, spawnChild } from "xstate";
