/** Our own providers, proved by the suite that outside authors use. */

import * as vitest from "vitest";
import { providerContract, realtimeContract, rowsContract } from "../../src/testing/testing.ts";
import { PROOFS } from "./providers.ts";

/** Tests the batches of what stands under this name in {@link PROOFS}. */
export function proveBatches(name: string): void {
  const proof = PROOFS.find((one) => one.name === name);
  if (proof === undefined || proof.batches === null)
    throw new Error(`${name} declares nothing of its batches.`);
  providerContract(vitest, name, proof.connect, proof.batches);
}

/** Tests the realtime lane of what stands under this name in {@link PROOFS}. */
export function proveRealtime(name: string): void {
  const proof = PROOFS.find((one) => one.name === name);
  if (proof === undefined) throw new Error(`There is no proof named ${name}.`);
  realtimeContract(vitest, name, proof.connect);
}

/** Tests the rows of what stands under this name in {@link PROOFS}. */
export function proveRows(name: string): void {
  const proof = PROOFS.find((one) => one.name === name);
  if (proof === undefined || proof.rows === null)
    throw new Error(`${name} declares nothing of its rows.`);
  rowsContract(vitest, name, proof.connect, proof.rows);
}
