/** One provider's service, as the emulator runs it. */
import type { Profile } from "./http.ts";

/** A protocol profile and the batches that live in it. */
export interface Service {
  readonly profile: Profile;
  /** Lets go of the batch with this id, or of every batch, that a fault holds; gives how many. */
  release(batchId?: string): number;
  /** How many batches are in each state, in the provider's words. */
  batchStatuses(): Readonly<Record<string, number>>;
  /** Resolves when no batch is being worked on any more. Call after the world began to close. */
  settled(): Promise<void>;
}

/** The services taken together: what is asked of one is asked of all. */
export function together(services: readonly Service[]): Omit<Service, "profile"> {
  return {
    release: (batchId) => services.reduce((sum, one) => sum + one.release(batchId), 0),
    batchStatuses() {
      const counts: Record<string, number> = {};
      for (const service of services)
        for (const [status, count] of Object.entries(service.batchStatuses()))
          counts[status] = (counts[status] ?? 0) + count;
      return counts;
    },
    async settled() {
      await Promise.all(services.map((service) => service.settled()));
    },
  };
}
