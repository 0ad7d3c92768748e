/**
 * Refuses every connection that leaves this machine, and writes each attempt to the file named by
 * BATCHFRAME_TEST_BREACHES. Loaded into every test process and, through NODE_OPTIONS, into the Node
 * processes that tests start, so it is plain JavaScript that old Nodes can read.
 */

import { appendFileSync } from "node:fs";
import { Socket } from "node:net";

/** The host a call of `connect` names; null for a path on this machine. */
function hostOf(args) {
  const [first, second] = args;
  // net.connect() hands its arguments over as one array, already put in order.
  if (Array.isArray(first)) return hostOf(first);
  if (typeof first === "object" && first !== null) {
    return first.path ? null : (first.host ?? "localhost");
  }
  if (typeof first === "string" && !/^\d+$/.test(first)) return null;
  return typeof second === "string" ? second : "localhost";
}

function isLoopback(host) {
  const name = host.toLowerCase().replace(/^\[|\]$/g, "");
  return (
    name === "localhost" ||
    name.endsWith(".localhost") ||
    /^(::ffff:)?127(\.\d{1,3}){3}$/.test(name) ||
    /^(0*:)*:?0*1$/.test(name)
  );
}

const connect = Socket.prototype.connect;

Socket.prototype.connect = function (...args) {
  const host = hostOf(args);
  if (host === null || isLoopback(host)) return connect.apply(this, args);
  const breaches = process.env.BATCHFRAME_TEST_BREACHES;
  if (breaches) appendFileSync(breaches, `${host}\n`);
  const error = new Error(`A test tried to connect to ${host}; only loopback is allowed.`);
  process.nextTick(() => this.destroy(error));
  return this;
};
