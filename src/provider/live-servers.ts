/** What is known of model servers by their address alone. */

// Each server's own port, and how many requests it works on at once unless told otherwise.
const SLOTS_BY_PORT: Readonly<
  Record<string, { readonly slots: number; readonly variable?: string }>
> = {
  // Ollama
  "11434": { slots: 1, variable: "OLLAMA_NUM_PARALLEL" },
  // LM Studio
  "1234": { slots: 4 },
  // llama.cpp
  "8080": { slots: 4 },
};
const OTHERWISE = 8;

/** Whether an address is on this machine. */
export function isLoopback(baseUrl: string): boolean {
  const name = new URL(baseUrl).hostname.replace(/^\[|\]$/g, "");
  return (
    name === "localhost" ||
    name.endsWith(".localhost") ||
    name === "::1" ||
    /^127(\.\d{1,3}){3}$/.test(name)
  );
}

/**
 * How many requests to have under way at once when the user does not say: on this machine what the
 * server usually listening at the port works on (Ollama 1 or OLLAMA_NUM_PARALLEL, LM Studio and
 * llama.cpp 4), else 8. Source: the servers' documentation of 2026.
 */
export function usualConcurrency(baseUrl: string): number {
  const known = isLoopback(baseUrl) ? SLOTS_BY_PORT[new URL(baseUrl).port] : undefined;
  return known === undefined ? OTHERWISE : slotsOf(known.slots, known.variable);
}

/** A whole number from an environment variable when it holds one above 0, else the one given. */
export function slotsOf(usual: number, variable: string | undefined): number {
  const told = Number(variable === undefined ? "" : process.env[variable]);
  return Number.isInteger(told) && told > 0 ? told : usual;
}
