/** When the next live request may begin: places, requests and tokens a minute. Pure but for the clock it is given. */

/** What bounds the flow of requests. */
export interface FlowLimits {
  /** The most requests under way at once. */
  readonly concurrency: number;
  /** Null for no limit. */
  readonly requestsPerMinute: number | null;
  /** Tokens of prompts and answers together; null for no limit. */
  readonly tokensPerMinute: number | null;
}

/** A request that has begun. */
export interface Ticket {
  readonly tokens: number;
  readonly number: number;
}

/** How a request ended, as far as the flow is concerned. */
export interface TicketEnd {
  /** The tokens it really took; null when that is not known. */
  readonly usedTokens: number | null;
  /** `room`: it was answered · `crowded`: it was refused for lack of room · `other`: neither. */
  readonly showed: "room" | "crowded" | "other";
}

/**
 * The flow of requests to one server.
 *
 * A refusal for lack of room halves the places, once for all requests that were under way together;
 * every answer gives back a part of one, up to `concurrency`. Each minute's limit is spread evenly: at
 * most a second's worth is let through at once. A request dearer than that waits for a full second's
 * worth and is paid off by those after it. Tokens are estimates, corrected when a request ends.
 */
export interface Flow {
  /** 0 when a request may begin now; else after how many milliseconds to ask again, `Infinity` when only another's end makes room. */
  waitMs(tokens: number): number;
  begin(tokens: number): Ticket;
  end(ticket: Ticket, how: TicketEnd): void;
  /** Lets nothing begin for this long from now. */
  hold(forMs: number): void;
  /** How many requests may be under way at present. */
  places(): number;
}

const MINUTE_MS = 60_000;

/** A flow with nothing under way; `now` is a monotonic clock in milliseconds. */
export function flowOf(limits: FlowLimits, now: () => number): Flow {
  const requests = bucketOf(limits.requestsPerMinute, now);
  const tokens = bucketOf(limits.tokensPerMinute, now);
  let places = limits.concurrency;
  let underway = 0;
  let begun = 0;
  let narrowedAt = 0;
  let heldUntil = Number.NEGATIVE_INFINITY;
  return {
    waitMs: (wanted) => {
      if (underway >= Math.floor(places)) return Number.POSITIVE_INFINITY;
      return Math.max(0, heldUntil - now(), requests.waitMs(1), tokens.waitMs(wanted));
    },
    begin: (wanted) => {
      requests.take(1);
      tokens.take(wanted);
      underway += 1;
      begun += 1;
      return { tokens: wanted, number: begun };
    },
    end: (ticket, { usedTokens, showed }) => {
      underway -= 1;
      if (usedTokens !== null) tokens.take(usedTokens - ticket.tokens);
      if (showed === "room") places = Math.min(limits.concurrency, places + 1 / places);
      // Those refused together say one thing, not one each.
      if (showed !== "crowded" || ticket.number <= narrowedAt) return;
      narrowedAt = begun;
      places = Math.max(1, places / 2);
    },
    hold: (forMs) => {
      heldUntil = Math.max(heldUntil, now() + forMs);
    },
    places: () => Math.floor(places),
  };
}

interface Bucket {
  waitMs(cost: number): number;
  /** Takes what a request costs, into debt if need be; less than nothing gives back. */
  take(cost: number): void;
}

function bucketOf(perMinute: number | null, now: () => number): Bucket {
  if (perMinute === null) return { waitMs: () => 0, take: () => undefined };
  const perMs = perMinute / MINUTE_MS;
  const capacity = Math.max(1, perMinute / 60);
  let level = capacity;
  let at = now();
  const refill = (): void => {
    const moment = now();
    level = Math.min(capacity, level + (moment - at) * perMs);
    at = moment;
  };
  return {
    waitMs: (cost) => {
      refill();
      const lacking = Math.min(cost, capacity) - level;
      return lacking <= 0 ? 0 : Math.ceil(lacking / perMs);
    },
    take: (cost) => {
      refill();
      level = Math.min(capacity, level - cost);
    },
  };
}
