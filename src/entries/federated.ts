/** @module `svi-lm/federated`: a party of a run whose text never leaves it, in a page, an isolate or Node. */
export { type Privacy, type PrivacyOptions, privacySpent } from "../distributed/federated/privacy.ts";
export {
  type FederatedEvent,
  type FederatedWorkerOptions,
  federatedWorker,
} from "../distributed/federated/worker.ts";
