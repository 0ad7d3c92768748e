/**
 * Kills runs at random instants and counts the damage: `node bench/crash.ts [kills] [seed]`.
 *
 * Every run is killed up to eight times, between its first instruction and its last, and started
 * again until it ends by itself. Exits with 1 when anything was lost, wrong or paid twice.
 */

import { killAtRandom, randomOf, slowStand } from "../test/crash/kills.ts";
import { damageOf } from "../test/crash/stand.ts";

const wantedKills = Number(process.argv[2] ?? 200);
const firstSeed = Number(process.argv[3] ?? 1);
const MOST_KILLS_A_RUN = 8;

const done = { kills: 0, runs: 0, rows: 0, requests: 0, batches: 0 };
const damage = { linesLost: 0, linesWrong: 0, requestsBilledTwice: 0, batchesNobodyOwns: 0 };

for (let seed = firstSeed; done.kills < wantedKills; seed += 1) {
  const killed = await slowStand(seed);
  const most = Math.min(MOST_KILLS_A_RUN, wantedKills - done.kills);
  const survival = await killAtRandom(killed, { random: randomOf(seed), most, spanMs: 600 });
  const found = damageOf(killed, survival.receipt);
  await killed.close();
  done.kills += survival.kills;
  done.runs += 1;
  done.rows += killed.rows.count;
  done.requests += killed.rows.requests;
  done.batches += survival.receipt.batches.length;
  damage.linesLost += found.linesLost + found.requestsBilledTooFew;
  damage.linesWrong += found.linesWrong;
  damage.requestsBilledTwice += found.requestsBilledTwice;
  damage.batchesNobodyOwns += found.batchesNobodyOwns;
  console.log(`seed ${String(seed)}: ${String(survival.kills)} kills, ${JSON.stringify(found)}`);
}

console.log("");
console.table({
  kills: done.kills,
  runs: done.runs,
  rows: done.rows,
  requests: done.requests,
  batches: done.batches,
  "rows lost": damage.linesLost,
  "rows wrong": damage.linesWrong,
  "requests billed twice": damage.requestsBilledTwice,
  "batches created twice": damage.batchesNobodyOwns,
});
if (Object.values(damage).some((count) => count > 0)) process.exitCode = 1;
