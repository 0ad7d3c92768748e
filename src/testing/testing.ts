/**
 * batchframe's contract suite: what every provider promises, as tests for any runner.
 *
 * A provider of one's own is proved by one call from a test file. What it is tried on is a service that
 * speaks its protocol, such as the emulator of `batchframe/emulator` or a small server in the test.
 */

export { providerContract } from "./provider-contract.ts";
export { realtimeContract } from "./realtime-contract.ts";
export { rowsContract, type RowTraits } from "./rows-contract.ts";
export type { Cargo } from "./cargo.ts";
export type { Runner, Told } from "./runner.ts";
export { CONTRACT_KEY, EVERY_POWER } from "./service.ts";
export type {
  Books,
  Connect,
  ContractFaults,
  Line,
  Power,
  Service,
  ServiceOptions,
} from "./service.ts";
export { USUAL_TRAITS, type Traits } from "./traits.ts";
