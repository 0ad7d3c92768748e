/** The lines that keep the promises about money and rows, how each is broken, and which test notices. */

/** A test file, and the names of its tests to run: all when left out. */
export interface Guard {
  readonly file: string;
  /** A pattern, as vitest's `-t` takes it. */
  readonly named?: string;
}

/** One break. */
export interface Mutation {
  /** What no longer holds once the line is broken. */
  readonly promise: string;
  readonly file: string;
  /** Each text to find, which must be there exactly once, and what replaces it. */
  readonly edits: readonly (readonly [find: string, replace: string])[];
  readonly guard: Guard;
}

const NAMED = "test/crash/named-steps.test.ts";
const FROZEN = "test/crash/frozen.test.ts";
const FAULTS = "test/crash/fault-scripts.test.ts";
const WHAT_IF = "test/crash/what-if.test.ts";

const REPLACED = "test/frame/replaced-columns.test.ts";

const REPLACING: readonly Mutation[] = [
  {
    promise: "a column that is replaced takes no other cell of a CSV record with it",
    file: "src/frame/csv-splice.ts",
    edits: [["  if (record[start] === QUOTE) {\n", "  if (record[start] === -1) {\n"]],
    guard: { file: REPLACED, named: "a CSV file" },
  },
  {
    promise: "a Parquet footer tells the pages of a replaced column from those of others",
    file: "src/frame/parquet-drop.ts",
    edits: [
      [
        "    else below -= 1;\n",
        "    else if (integerAt(element, ids.element.childCount) === null) below -= 1;\n",
      ],
    ],
    guard: { file: REPLACED, named: "a Parquet file" },
  },
  {
    promise: "rows that are answered already are not asked again",
    file: "src/frame/old-answers.ts",
    edits: [['(isAnswered(cells, row, old) ? "kept" : null)', "null"]],
    guard: { file: "test/existing.test.ts", named: "byte for byte" },
  },
  {
    promise: "answers of rows that are not chosen are not overwritten",
    file: "src/core/existing.ts",
    edits: [['existing === "overwrite" && isChosen ? "overwrite" : null', "null"]],
    guard: { file: "test/existing.test.ts", named: "not chosen" },
  },
  {
    promise: "rows that an earlier run failed are asked again, whatever stands in them",
    file: "src/frame/old-answers.ts",
    edits: [['  if (cells.get(status)?.[row] === "failed") return false;\n', ""]],
    guard: { file: "test/existing.test.ts", named: "byte for byte" },
  },
  {
    promise: "a cell that is kept is written as it was",
    file: "src/frame/csv-write.ts",
    edits: [
      ["  if (isSame?.includes(true) !== true)\n", "  if (isSame?.includes(true) !== false)\n"],
    ],
    guard: { file: "test/existing.test.ts", named: "byte for byte" },
  },
  {
    promise: "a run over rows in memory is another one once a row of them is answered",
    file: "src/stages/identify.ts",
    edits: [["hash.add(withheld ?? (", "hash.add(("]],
    guard: { file: "test/existing.test.ts", named: "somebody has changed one" },
  },
  {
    promise: "a later step reads what an earlier one makes of a column that is replaced",
    file: "src/steps-job.ts",
    edits: [["base.columns.includes(name) && !made.has(name)", "base.columns.includes(name)"]],
    guard: { file: "test/existing.test.ts", named: "an earlier step" },
  },
];

const READING: readonly Mutation[] = [
  {
    promise: "what a schema's own code made of replies is not used under other code",
    file: "src/output/reading-mark.ts",
    edits: [["crypto.randomUUID()", '"own"']],
    guard: { file: "test/reparse.test.ts", named: "the same call with a changed check" },
  },
  {
    promise: "an answer that JSON would alter is made of its reply again",
    file: "src/output/answer-sheet.ts",
    edits: [["if (isChecked && !isKeptByJson(answer.value))", "if (false as boolean)"]],
    guard: { file: "test/output/answer-sheet.test.ts", named: "is not kept where JSON" },
  },
  {
    promise: "answers read under another schema are not used",
    file: "src/output/answer-sheet.ts",
    edits: [["  sum.add(Buffer.from(`${mark} ${String(replyBytes)} `));\n", ""]],
    guard: { file: "test/session/stored-answers.test.ts", named: "of another reading are stale" },
  },
  {
    promise: "an empty answer is not taken for the text that begins at the same byte",
    file: "src/output/answer-sheet.ts",
    edits: [['      if (length === 0) return { value: "" };\n', ""]],
    guard: { file: "test/output/answer-sheet.test.ts", named: "takes no text for an empty one" },
  },
  {
    promise: "the request of a kept answer is shown only where its input is what it was",
    file: "src/runs/kept-request.ts",
    edits: [
      [
        "  if (identity.of(prompt.messages) !== (await idAt(ordinal, store))) return null;\n",
        "  if (identity.of(prompt.messages) === (await idAt(-1, store))) return null;\n",
      ],
    ],
    guard: { file: "test/cli/show.test.ts", named: "request of a kept answer" },
  },
  {
    promise: "a damaged answer file is made anew from the replies",
    file: "src/output/answer-sheet.ts",
    edits: [[" || !isWhole(file)) return null;", ") return null;"]],
    guard: { file: "test/session/stored-answers.test.ts", named: "a bit of it is another" },
  },
  {
    promise: "a reply line read by a pattern says what it says as JSON",
    file: "src/provider/alike-lines.ts",
    edits: [
      ["  return isSound ? pattern : null;", "  return isSound || !isSound ? pattern : null;"],
    ],
    guard: { file: "test/provider/alike-lines.test.ts", named: "have no pattern" },
  },
  {
    promise: "a reply line is read by a pattern only where the request in it is JSON too",
    file: "src/provider/alike-lines.ts",
    edits: [["|u[\\da-fA-F]{4})", "|[^])"]],
    guard: { file: "test/provider/alike-lines.test.ts", named: "of predictions" },
  },
  {
    promise: "a reply line read in bytes is taken for another only where all of it is alike",
    file: "src/provider/alike-lines.ts",
    edits: [
      [
        "if (endOfFit(after, { chars, start: to, values }) !== end)",
        "if (endOfFit(after, { chars, start: to, values }) < 0)",
      ],
    ],
    guard: { file: "test/provider/alike-lines.test.ts", named: "more after its end" },
  },
  {
    promise: "what is cleared from the cache while it is indexed is not in the index",
    file: "src/store/reply-indexer.ts",
    edits: [["if (!isWhole(current)) return", "if (false as boolean) return"]],
    guard: { file: "test/store/reply-cache.test.ts", named: "comes to one index" },
  },
  {
    promise:
      "a kept reply that a run takes over in its pack is read where it lies in the run's file",
    file: "src/core/recalled-lines.ts",
    edits: [["= startOf(pack) + from;", "= startOf(pack) * 0 + from;"]],
    guard: { file: "test/store/packed-file.test.ts", named: "found again" },
  },
  {
    promise: "of a pack of which a run wants little it takes over no more than that",
    file: "src/store/reply-packs.ts",
    edits: [["bytes < pack.packed.length &&", "bytes < 0 &&"]],
    guard: { file: "test/store/reply-cache.test.ts", named: "hands on few lines" },
  },
  {
    promise: "what is put into the cache is found though nobody came to index it",
    file: "src/store/reply-cache.ts",
    edits: [["      if (ids.length > 0) index();\n", ""]],
    guard: { file: "test/store/reply-cache.test.ts", named: "finds what a process has put" },
  },
];

const REVIEWING: readonly Mutation[] = [
  {
    promise: "a person's answer stands before the model's",
    file: "src/session/joined-rows.ts",
    edits: [
      ["withCorrections(stored, corrections);", "stored;\n  void [withCorrections, corrections];"],
    ],
    guard: { file: "test/cli/review.test.ts", named: "stands before the model's" },
  },
];

const SENDING: readonly Mutation[] = [
  {
    promise: "a run that has sent something is patient where nobody answers",
    file: "src/run/reach.ts",
    edits: [["!hasAnswered && !(await chunks()).some(hasReached);", "!hasAnswered;"]],
    guard: { file: "test/dead-address.test.ts", named: "is tried for ever" },
  },
  {
    promise: "a run that has sent nothing ends where nobody answers",
    file: "src/run/send.ts",
    edits: [["    isWaiting: !options.once,\n", "    isWaiting: false,\n"]],
    guard: { file: "test/dead-address.test.ts", named: "ends in the lane batch" },
  },
  {
    promise: "the intent is written before the provider is called",
    file: "src/stages/submit.ts",
    edits: [
      ['  if (!(await store.intend(chunk.number, intent))) return { outcome: "waits" };\n', ""],
      [
        "    await store.staged(chunk.number, staged);\n",
        `    const early = await provider.create({ tag, file, staged, sentAtMs: Date.now() }, ports.signal);
    await store.intend(chunk.number, intent);
    await store.staged(chunk.number, staged);
    await store.submitted(chunk.number, early, "accepted");
    return { outcome: "submitted" };
`,
      ],
    ],
    guard: { file: NAMED, named: "provider.create:after" },
  },
  {
    promise: "a chunk that may have been sent is looked up, not sent again",
    file: "src/run.ts",
    edits: [
      [
        "const outcome = await resolve(unanswered, ports, driver.firstLooks);",
        'await ports.store.withdraw(chunk.number, "");\n      const outcome: string = "planned";',
      ],
    ],
    guard: { file: NAMED, named: "provider.create:after" },
  },
  {
    promise: "the create call is made once, without the SDK's retries",
    file: "src/provider/openai-sdk.ts",
    edits: [
      [
        "{ body, signal, maxRetries: 0, timeout: POST_TIMEOUT_MS }",
        "{ body, signal, timeout: POST_TIMEOUT_MS }",
      ],
    ],
    guard: { file: FAULTS, named: "createAcceptedThen" },
  },
  {
    promise: "that there is no batch is believed only after the settle time",
    file: "src/stages/resolve.ts",
    edits: [['if (nowMs - overMs < provider.settleMs) return "unclear";', ""]],
    guard: { file: FAULTS, named: "the list shows it late" },
  },
  {
    promise: "settling begins when a create call is over, not when it began",
    file: "src/stages/resolve.ts",
    edits: [["if (nowMs - overMs < provider", "if (nowMs - chunk.intent.atMs < provider"]],
    guard: { file: "test/run.test.ts", named: "loses the answer to a call as long" },
  },
  {
    promise: "what a late create would read is deleted before it is sent again",
    file: "src/stages/resolve.ts",
    edits: [["  await provider.revoke(submission, signal);\n  const again", "  const again"]],
    guard: { file: FROZEN, named: "inside the call" },
  },
  {
    promise: "a process that stood still writes down anew that it is about to call",
    file: "src/stages/submit.ts",
    edits: [["if (elapsedMs < FRESH_MS) return chunk;", "return chunk;"]],
    guard: { file: FROZEN, named: "for longer than a call may take" },
  },
  {
    promise: "the lock is asked just before the call",
    file: "src/stages/submit.ts",
    edits: [["if (!isDriver)", "if (false)"]],
    guard: { file: FROZEN, named: "holdsLock:before" },
  },
  {
    promise: "a process that lost the run cannot write to its store",
    file: "src/store/sqlite.ts",
    edits: [["      lock.assertHeld();\n      change();", "      change();"]],
    guard: { file: FROZEN, named: "spoils no file" },
  },
  {
    promise: "a process that lost the run cannot replace its files",
    file: "src/store/chunk-files.ts",
    edits: [["      assertHeld();\n", ""]],
    guard: { file: FROZEN, named: "spoils no file" },
  },
  {
    promise: "a live process keeps its run to itself",
    file: "src/store/lock.ts",
    edits: [["if (held !== undefined && isAlive(held)) throw locked(held);", ""]],
    guard: { file: FROZEN, named: "two processes" },
  },
  {
    promise: "part of a request file is never sent for all of it",
    file: "src/stages/submit.ts",
    edits: [["  await assertWhole(file, ports);\n", ""]],
    guard: { file: WHAT_IF, named: "cut short before" },
  },
  {
    promise: "a run whose memory was lost is not begun anew in its place",
    file: "src/store/sqlite.ts",
    edits: [["    await refuseLostMemory(database, directory);\n", ""]],
    guard: { file: WHAT_IF, named: "that was deleted is refused" },
  },
];

const COLLECTING: readonly Mutation[] = [
  {
    promise: "what a store records is on the disk before it is acted upon",
    file: "src/store/sqlite.ts",
    edits: [["    await log.synced()", "    await Promise.resolve()"]],
    guard: { file: "test/store/sqlite.test.ts", named: "settles no change that is not synced" },
  },
  {
    promise: "replies are on disk before the store says collected",
    file: "src/stages/collect.ts",
    edits: [
      ["    const { bytes } = await writer.commit();\n", "    const bytes = 1;\n"],
      [
        "  return collection;\n}\n\n/** Refuses replies",
        "  await writer.commit();\n  return collection;\n}\n\n/** Refuses replies",
      ],
    ],
    guard: { file: NAMED, named: "has its replies on disk" },
  },
  {
    promise: "the first answer to a request counts, not the last",
    file: "src/core/tracker.ts",
    edits: [
      [
        "        duplicates += 1;\n        return null;\n",
        "        duplicates += 1;\n        return place;\n",
      ],
    ],
    guard: { file: FAULTS, named: "duplicateRows" },
  },
  {
    promise: "replies are matched by custom_id, never by position",
    file: "src/stages/collect.ts",
    edits: [
      [
        "const place = list.tick(result.customId);",
        "const place = list.tick(result.customId) === null ? null : list.match().answered - 1;",
      ],
    ],
    guard: { file: NAMED, named: "answers every row once: plain" },
  },
  {
    promise: "a repeated line is not billed twice in the receipt",
    file: "src/stages/collect.ts",
    edits: [
      [
        "      if (place === null) continue;\n      outcomes.bill(result.usage);",
        "      outcomes.bill(result.usage);\n      if (place === null) continue;",
      ],
    ],
    guard: { file: FAULTS, named: "duplicateRows" },
  },
  {
    promise: "requests without a reply are accounted for",
    file: "src/stages/collect.ts",
    edits: [["  for (const place of list.missing()) outcomes.missing(place);\n", ""]],
    guard: { file: FAULTS, named: "dropRows" },
  },
  {
    promise: "requests without a reply are sent again",
    file: "src/stages/collect.ts",
    edits: [["if (failure.retryable && (", "if (failure.retryable && false && ("]],
    guard: { file: FAULTS, named: "dropRows" },
  },
  {
    promise: "a download is compared with the length the host gives",
    file: "src/provider/openai-files.ts",
    edits: [["if (received < bytes)", "if (false)"]],
    guard: { file: FAULTS, named: "cutDownload" },
  },
  {
    promise: "the error file is read as well as the output file",
    file: "src/provider/openai-host.ts",
    edits: [
      [
        'for (const id of [results["output"], results["error"]])',
        'for (const id of [results["output"]])',
      ],
    ],
    guard: { file: NAMED, named: "a killed retry" },
  },
  {
    promise: "an HTTP error in a reply line is a failure, not an answer",
    file: "src/provider/openai-replies.ts",
    edits: [["if (status < 200 || status >= 300)", "if (false)"]],
    guard: { file: NAMED, named: "answers every row once: rows fail once" },
  },
  {
    promise: "answers of an expired batch are kept",
    file: "src/stages/collect.ts",
    edits: [
      [
        "if (options.unread !== true) await readReplies",
        'if (chunk.ending.outcome === "completed") await readReplies',
      ],
    ],
    guard: { file: FAULTS, named: "expireAfterRows" },
  },
];

const PLANNING: readonly Mutation[] = [
  {
    promise: "a plan that was cut off knows the requests it had",
    file: "src/session/planning.ts",
    edits: [["for await (const ids of store.requestIds()) index.restore(ids);", ""]],
    guard: { file: NAMED, named: "goes on after its last chunk" },
  },
  {
    promise: "a text stands in its line as the provider would write it",
    file: "src/core/line-form.ts",
    edits: [["${JSON.stringify(content)}", '"${content}"']],
    guard: { file: "test/core/line-form.test.ts" },
  },
  {
    promise: "a text that stands packed is written as the provider would write it",
    file: "src/core/packed.ts",
    edits: [["byte !== QUOTE && byte !== BACKSLASH", "byte !== QUOTE"]],
    guard: { file: "test/core/packed.test.ts" },
  },
  {
    promise: "rows with the same prompt share one request",
    file: "src/stages/plan.ts",
    edits: [
      [
        "index.findOrAdd(ids, place * REQUEST_ID_BYTES);",
        "index.findOrAdd(new DataView(crypto.getRandomValues(new Uint8Array(16)).buffer), 0);",
      ],
    ],
    guard: { file: NAMED, named: "answers every row once: plain" },
  },
  {
    promise: "an answer of one host is never taken for another's",
    file: "src/stages/plan.ts",
    edits: [["`${provider.id} ${provider.host}`", "provider.id"]],
    guard: { file: "test/cache.test.ts", named: "another host" },
  },
  {
    promise: "a kept answer is judged again where it was accepted as something else",
    file: "src/session/planning.ts",
    edits: [["mark !== null && found.packs[at]?.reading === mark", "mark !== null"]],
    guard: { file: "test/session/recalling.test.ts" },
  },
  {
    promise: "a kept answer that is none any more is asked again",
    file: "src/stages/recall.ts",
    edits: [["usable instanceof Promise ? await usable : usable", "usable !== null"]],
    guard: { file: "test/stages/recall.test.ts" },
  },
  {
    promise: "of two replies kept for a request the later is found, whatever was read before",
    file: "src/store/reply-finder.ts",
    edits: [['isCurrent: row["outdated"] === 0', "isCurrent: true"]],
    guard: { file: "test/store/reply-cache.test.ts", named: "whoever kept it" },
  },
  {
    promise: "no failure is kept for later runs",
    file: "src/stages/collect.ts",
    edits: [["placesWhere(this.#accepted)", "this.places()"]],
    guard: { file: "test/cache.test.ts", named: "holds no failure" },
  },
  {
    promise: "a fallback is asked only about rows that failed",
    file: "src/passes/fallback.ts",
    edits: [["if (!isCurable(outcome) || later", "if (later"]],
    guard: { file: "test/passes/fallback.test.ts", named: "once, and each row says" },
  },
  {
    promise: "a cascade holds its target at the stated confidence",
    file: "src/core/cascade.ts",
    edits: [
      [
        "greatest(sample.length, (most) => atMost(most, draw) <= delta)",
        "Math.floor((1 - input.target) * sample.length)",
      ],
      ["  { candidates, sample, delta }: ThresholdInput,", "  input: ThresholdInput,"],
      [
        "  const tooMany = permitted + 1;",
        "  const { candidates, sample, delta } = input;\n  const tooMany = permitted + 1;",
      ],
    ],
    guard: { file: "test/core/cascade.test.ts", named: "is held at the stated confidence" },
  },
  {
    promise: "a cascade never shows a cheap answer where the strong model failed",
    file: "src/passes/cascade.ts",
    edits: [["    latestDecides: true,\n", ""]],
    guard: { file: "test/passes/cascade.test.ts", named: "never shows a cheap answer" },
  },
  {
    promise: "rows with a sampled row's text are not bought from the strong model again",
    file: "src/passes/cascade.ts",
    edits: [["rows[firstRow + at] = requests.has(request) ? 1 : 0;", "rows[firstRow + at] = 0;"]],
    guard: { file: "test/passes/cascade.test.ts", named: "each row once" },
  },
  {
    promise: "a cascade with gold labels buys no sample",
    file: "src/passes/cascade.ts",
    edits: [
      ["if (gold === null && passes.length === 1", "if (passes.length === 1"],
      ['later: gold === null ? ["sample", "strong"] : ["strong"],', 'later: ["sample", "strong"],'],
    ],
    guard: { file: "test/passes/cascade.test.ts", named: "buys no sample" },
  },
  {
    promise: "a retry does not pay the first model for what a later pass has answered",
    file: "src/passes/pass-session.ts",
    edits: [["!isHandedOn || !plan.handedOn.has(code)", "!isHandedOn || code !== null"]],
    guard: { file: "test/passes/fallback.test.ts", named: "is what a retry asks again" },
  },
  {
    promise: "a cancelled run makes no further pass",
    file: "src/passes/pass-session.ts",
    edits: [
      ["const chosen = isCancelled(run) ? null : await", "const chosen = await"],
      ["if (chosen === null || isCancelled(run)) {", "if (chosen === null) {"],
    ],
    guard: { file: "test/passes/fallback.test.ts", named: "is not begun once" },
  },
  {
    promise: "a row that failed a step is not asked by the steps that need it",
    file: "src/frame/with-answers.ts",
    edits: [['cells[statusAt] === "failed" || ', ""]],
    guard: { file: "test/enrich-columns.test.ts", named: "keeps back" },
  },
  {
    promise: "part of a long text is never taken for all of it",
    file: "src/steps/piece-session.ts",
    edits: [["  if (failed !== undefined) return failed;\n", ""]],
    guard: { file: "test/steps/piece-session.test.ts", named: "fails when any" },
  },
  {
    promise: "nothing is handed on while the plan still counts its chunks",
    file: "src/run.ts",
    edits: [['state !== "ended" && (state', "(state"]],
    guard: { file: "test/session/early.test.ts", named: "hands on" },
  },
  {
    promise: "a chunk keeps to the provider's bytes",
    file: "src/stages/chunk.ts",
    edits: [
      ["to.bytes + end > provider.limits.maxBytesPerBatch", "provider.limits.maxBytesPerBatch < 0"],
    ],
    guard: { file: "test/stages/chunk.test.ts" },
  },
  {
    promise: "the embedded model goes on where its journal ends",
    file: "src/provider/local-engine.ts",
    edits: [['if (answered.size > 0 && answered.has(customIdOf(text) ?? "")) continue;', ""]],
    guard: { file: "test/crash/random-kills.test.ts", named: "where its journal ends" },
  },
];

const SHARING: readonly Mutation[] = [
  {
    promise: "a part whose worker was killed goes on from what is written on this machine",
    file: "src/machines/part-writes.ts",
    edits: [["  if (earlier.length > 0)\n", "  if (earlier.length > 9)\n"]],
    guard: { file: "test/machines/resumed-part.test.ts", named: "on the same machine" },
  },
  {
    promise: "a frozen worker does not write into the file that another goes on with",
    file: "src/frame/write-marks.ts",
    edits: [["    await copyFile(join(", "    await rename(join("]],
    guard: { file: "test/machines/resumed-part.test.ts", named: "a frozen worker never" },
  },
  {
    promise: "every part of JSON has the types of the whole input",
    file: "src/machines/part-frame.ts",
    edits: [["? withoutOwnTypes(own) : asOneOf(own, from.whole)", "? own : withoutOwnTypes(own)"]],
    guard: { file: "test/machines/json-types.test.ts", named: "two workers write as parquet" },
  },
  {
    promise: "what a frozen worker waits for does not become its own, one lock after the other",
    file: "src/store/postgres-client.ts",
    edits: [["    lock_timeout: ", "    query_timeout: 1e6 * "]],
    guard: { file: "test/store/postgres.test.ts", named: "stands still keeps others waiting once" },
  },
  {
    promise: "who has lost a shared run cannot write to it",
    file: "src/store/postgres-lease.ts",
    edits: [
      [
        "      if (held.length !== 1) throw lost();\n",
        "      if (held.length > 1) throw lost();\n",
      ],
    ],
    guard: { file: "test/store/postgres.test.ts", named: "a lease" },
  },
  {
    promise: "two workers are never admitted to one place",
    file: "src/store/postgres-admission.ts",
    edits: [["where id = $1 for no key update", "where id = $1"]],
    guard: { file: "test/store/postgres.test.ts", named: "judges one chunk after another" },
  },
  {
    promise: "where batches carry no tag, one intent is unresolved at a time",
    file: "src/store/postgres.ts",
    edits: [
      [
        "if (mostUsd === null || !(await admit(connection, account, asked))) return false;",
        "if (mostUsd === null) return false;\n        await admit(connection, account, asked);",
      ],
    ],
    guard: { file: "test/store/postgres.test.ts", named: "at most one intent unresolved" },
  },
  {
    promise: "the last dollar of a shared run is never given to two workers",
    file: "src/store/postgres-purse.ts",
    edits: [["where id = $1 and cap_usd is not null for update", "where id = $1"]],
    guard: { file: "test/store/postgres-purse.test.ts", named: "the only dollar" },
  },
  {
    promise: "a worker that was frozen cannot bring old answers back into an output",
    file: "src/machines/part-output.ts",
    edits: [["${String(fence)}${ending}", "0${ending}"]],
    guard: { file: "test/machines/crash.test.ts", named: "old answers back" },
  },
  {
    promise: "a run finishes though its last two parts end at the same moment",
    file: "src/store/postgres-parts.ts",
    edits: [[' where id = $1 for update"', ' where id = $1"']],
    guard: { file: "test/store/postgres-datasets.test.ts" },
  },
  {
    promise: "failures are counted over all parts of a shared run",
    file: "src/machines/shared-failures.ts",
    edits: [["return failed > mostFailures(maxFailures, requests);", "return failed < 0;"]],
    guard: { file: "test/machines/conduct.test.ts", named: "over all parts" },
  },
  {
    promise: "what a shared run has bought no other buys again",
    file: "src/machines/part.ts",
    edits: [['cache: cache === null ? null : { file: "", ...cache },', "cache: null,"]],
    guard: { file: "test/machines/cache.test.ts", named: "no other run buys" },
  },
  {
    promise: "workers together send no more requests a minute than the account may",
    file: "src/store/postgres-admission.ts",
    edits: [['if (Boolean(limits?.["is_held"])) return false;', ""]],
    guard: { file: "test/machines/limits.test.ts", named: "no more requests" },
  },
  {
    promise: "what a dead worker held is taken again once its lease has run out",
    file: "src/machines/worker.ts",
    edits: [["return Math.max(250, leaseMs / 8);", "return leaseMs * 1000;"]],
    guard: { file: "test/machines/recovery.test.ts" },
  },
];

const GUARDING: readonly Mutation[] = [
  {
    promise: "a plan under another prompt counts the rows that would be bought again",
    file: "src/core/against.ts",
    edits: [["const changed = Math.min(fresh, gone);", "const changed = Math.min(fresh, 0);"]],
    guard: { file: "test/earlier-run.test.ts", named: "another prompt would buy" },
  },
  {
    promise: "nothing is uploaded before the first request of a large run is answered",
    file: "src/run.ts",
    edits: [["const waiting = first.length > 0 ? first : open;", "const waiting = open;"]],
    guard: { file: "test/session/first-request.test.ts", named: "before anything is uploaded" },
  },
  {
    promise: "a run that fails too much sends nothing more",
    file: "src/run/failure-limit.ts",
    edits: [["return failed > mostFailures(limit, requests);", "return failed > requests;"]],
    guard: { file: "test/session/first-request.test.ts", named: "stops sending" },
  },
  {
    promise: "a run whose first batch failed alike sends no other",
    file: "src/run/failure-limit.ts",
    edits: [["times - (before.get(cause) ?? 0) >= MOST_ALIKE", "times < 0 && before.has(cause)"]],
    guard: { file: "test/session/first-request.test.ts", named: "end it between batches" },
  },
  {
    promise: "live calls that fail alike are left in the middle of a chunk",
    file: "src/run/failure-limit.ts",
    edits: [["ports.live?.watched?.((line) => judge.goesOn(line));", ""]],
    guard: {
      file: "test/session/first-request.test.ts",
      named: "that are alike end it in realtime",
    },
  },
  {
    promise: "a plan made before a preview does not buy its answers again",
    file: "src/previews/preview-run.ts",
    edits: [["    await forgetPlan(given);\n", ""]],
    guard: { file: "test/previews/preview-run.test.ts", named: "sends exactly so many" },
  },
  {
    promise: "a killed preview loses nothing it has paid for",
    file: "src/session/left-previews.ts",
    edits: [
      ["    await cache.put(await leftReplies(store, provider), { ...of, reading: null });\n", ""],
    ],
    guard: { file: "test/previews/preview-run.test.ts", named: "killed in the middle" },
  },
  {
    promise: "steps that were planned before a preview do not buy its answers again",
    file: "src/steps-preview.ts",
    edits: [["      await forgetSteps(join(runDir, id), id);\n", ""]],
    guard: { file: "test/previews/preview-run.test.ts", named: "of several columns" },
  },
];

const LANES: readonly Mutation[] = [
  {
    promise: "a batch that was just made is looked at soon, not after half a minute",
    file: "src/core/pace.ts",
    edits: [["usualMs, whileYoungMs(seen.ageMs)", "usualMs"]],
    guard: { file: "test/core/pace.test.ts", named: "looks soon at a batch that was just made" },
  },
  {
    promise: "realtime calls are never counted at the price of batches",
    file: "src/core/receipt.ts",
    edits: [
      [
        "spentUsd(collectionsOf(chunks, lane), price, lane)",
        'spentUsd(collectionsOf(chunks, lane), price, "batch")',
      ],
    ],
    guard: { file: "test/lanes.test.ts", named: "at the price of live calls" },
  },
  {
    promise: "what waits to be sent goes in realtime once it was handed over",
    file: "src/run/deadline.ts",
    // Either of the two makes good what the other leaves.
    edits: [
      [
        'handedOver: true });\n  await ports.store.switchLane("realtime");\n',
        "handedOver: true });\n",
      ],
      [
        'return false;\n  await ports.store.switchLane("realtime");\n  return true;',
        "return false;",
      ],
    ],
    guard: { file: "test/deadline.test.ts", named: "from the start" },
  },
  {
    promise: "a batch that never ends being cancelled does not keep a run past its deadline",
    file: "src/run/deadline.ts",
    edits: [
      ["return stuck.length > 0;", "return false;"],
      [
        "for (const { number, batchId } of stuck) {",
        "for (const { number, batchId } of stuck.slice(stuck.length)) {",
      ],
    ],
    guard: { file: "test/deadline.test.ts", named: "openai never ends being cancelled" },
  },
  {
    promise: "a chunk whose create was lost is asked in realtime after the hand-over",
    file: "src/run/deadline.ts",
    edits: [["return (await handOnWithdrawn(open, driver)) ||", "return"]],
    guard: { file: "test/deadline.test.ts", named: "never to have become" },
  },
  {
    promise: "rows that a cancelled batch may have charged for are named",
    file: "src/session/paid-twice.ts",
    edits: [["if (again.size === 0) return null;", "if (again.size >= 0) return null;"]],
    guard: { file: "test/deadline.test.ts", named: "stuck batches" },
  },
];

const SHOWING: readonly Mutation[] = [
  {
    promise: "a cell shown in a notebook is text",
    file: "src/display/html.ts",
    edits: [[".replace(/[&<>\"']/g, ", ".replace(/(?!)/g, "]],
    guard: { file: "test/display/html.test.ts" },
  },
  {
    promise: "a notebook does not set sums in dollars as formulas",
    file: "src/display/card.ts",
    edits: [[' ${UNTYPESET}">', '">']],
    guard: { file: "test/display/cards.test.ts", named: "keeps dollars from" },
  },
  {
    promise: "a receipt that shows itself is otherwise what it was",
    file: "src/display/bundle.ts",
    edits: [["enumerable: false", "enumerable: true"]],
    guard: { file: "test/shown-run.test.ts", named: "otherwise what it was" },
  },
];

const SPEAKING: readonly Mutation[] = [
  {
    promise: "nothing in a cell acts on the terminal that shows it",
    file: "src/cli/terminal.ts",
    edits: [['process.stdout.isTTY ? text.split("\\n")', 'false ? text.split("\\n")']],
    guard: { file: "test/cli/terminal.test.ts", named: "is sent nothing" },
  },
  {
    promise: "remote files are left where that is asked for",
    file: "src/run/gather.ts",
    edits: [["if (!options.keepRemote && ", "if ("]],
    guard: { file: "test/remote-files.test.ts", named: "openai" },
  },
];

const SPENDING: readonly Mutation[] = [
  {
    promise: "what is put into a provider's cache is charged at its own price",
    file: "src/provider/anthropic-replies.ts",
    edits: [["cacheWriteTokens: written,", "cacheWriteTokens: 0,"]],
    guard: { file: "test/provider/anthropic-run.test.ts", named: "costs what the tokens billed" },
  },
  {
    promise: "what is under way counts towards the cap at the most it may cost",
    file: "src/core/budget.ts",
    edits: [["reserved += mostUsd(chunk, price, overrun);", "reserved += 0;"]],
    guard: { file: "test/core/budget.test.ts", named: "while no chunk passes its own most" },
  },
  {
    promise: "two steps of one call are never both given the last dollar",
    file: "src/core/budget.ts",
    edits: [["reservedUsd: reservedUsd + usd", "reservedUsd"]],
    guard: { file: "test/core/budget.test.ts", named: "gives the last dollar" },
  },
  {
    promise: "a chunk that does not fit under the cap is not sent",
    file: "src/run/spending.ts",
    edits: [
      ["mostUsd(chunk, price, overrun) <= room,", "room <= room,"],
      ["|| purse.take(run, mostUsd(chunk, price, overrun))", "|| run !== null"],
    ],
    guard: { file: "test/budget.test.ts", named: "is kept" },
  },
  {
    promise: "a cap without a price is refused, since unknown is not zero",
    file: "src/session/run-budget.ts",
    edits: [
      [
        "if (price !== null) return { purse, price, run };",
        "if (price === null) return null; else return { purse, price, run };",
      ],
    ],
    guard: { file: "test/budget.test.ts", named: "needs a price" },
  },
];

const WRITING: readonly Mutation[] = [
  {
    promise: "a JSON number that a float would round stays text",
    file: "src/frame/json-types.ts",
    edits: [
      [
        'return (seen & SEEN.inexact) === 0 ? { kind: "float", bits: 64 } : { kind: "text" };',
        'return { kind: "float", bits: 64 };',
      ],
    ],
    guard: { file: "test/frame/json-types.test.ts", named: "a float would round" },
  },
  {
    promise: "Parquet files that differ in a type are not joined as if they were alike",
    file: "src/frame/parquet-write.ts",
    edits: [["    if (before !== null && own !== before) return false;\n", ""]],
    guard: { file: "test/files/typed-files.test.ts", named: "that differ in a type" },
  },
  {
    promise: "a plan says which columns lose their types",
    file: "src/run-plan.ts",
    edits: [["...keys, ...notes])]", "...keys])]"]],
    guard: { file: "test/files/typed-files.test.ts", named: "the plan says" },
  },
  {
    promise: "a killed write is gone on with only where its file holds what was written",
    file: "src/frame/write-marks.ts",
    edits: [["    return sum === crc;", "    return sum === crc || true;"]],
    guard: { file: "test/frame/write-marks.test.ts", named: "where a byte before the mark" },
  },
  {
    promise: "a write that another version of the package began is begun again",
    file: "src/frame/write-marks.ts",
    edits: [["entry !== null && entry.version === packageVersion();", "entry !== null;"]],
    guard: { file: "test/frame/write-marks.test.ts", named: "where another version" },
  },
  {
    promise: "text that stands compressed before a mark is not written again after it",
    file: "src/frame/text-sink.ts",
    edits: [["let left = from?.textBytes ?? 0;", "let left = 0;"]],
    guard: { file: "test/frame/write-marks.test.ts", named: "wide csv to .csv.gz" },
  },
  {
    promise: "what several columns count before a mark is in the receipt of the process after it",
    file: "src/session/relayed-cells.ts",
    edits: [["    how.counted.restore(own);\n", ""]],
    guard: { file: "test/crash/resumed-outputs.test.ts", named: "steps to" },
  },
  {
    promise: "several columns that keep what is there go on where a killed write of theirs was",
    file: "src/steps/step-session.ts",
    edits: [
      [
        "return await write(columns, kept.cells, kept.resume);",
        "return await write(columns, kept.cells);",
      ],
    ],
    guard: { file: "test/crash/resumed-outputs.test.ts", named: "kept columns to" },
  },
  {
    promise: "a write is not gone on with over an input that has changed where no prompt shows it",
    file: "src/files/files.ts",
    edits: [['resume === undefined ? "" : await inputContent(input.files);', '"";']],
    guard: { file: "test/crash/resumed-outputs.test.ts", named: "no prompt shows" },
  },
  {
    promise: "categories of an Arrow file are called the same by the process that goes on with it",
    file: "src/frame/arrow-stored.ts",
    edits: [["new arrow.Int32(), id);", "new arrow.Int32());"]],
    guard: { file: "test/frame/write-marks.test.ts", named: "arrow to .arrow, leaving" },
  },
  {
    promise:
      "a column that cannot be written again keeps rows from being left out, before money is spent",
    file: "src/frame/typed-columns.ts",
    edits: [['  if (type.kind === "unreadable") return type.what;\n', ""]],
    guard: { file: "test/verbs/verbs.test.ts", named: "refuses to leave rows out" },
  },
  {
    promise: "what was counted of rows before a mark is in the receipt of the process after it",
    file: "src/session/resumable-cells.ts",
    edits: [["      tally.restore(rows);\n", ""]],
    guard: { file: "test/crash/resumed-write.test.ts", named: "after 15 marks" },
  },
  {
    promise: "instants from a DataFrame have their exact offset",
    file: "src/frame/polars-cells.ts",
    edits: [["if (isZoned(series)) return", "if (series.length < 0) return"]],
    guard: { file: "test/frame/polars.test.ts", named: "polars rounds the offset" },
  },
  {
    promise: "a row with a missing cell is not asked because of what a condition says of others",
    file: "src/core/where.ts",
    edits: [["return cell === null ? null : judge(cell);", 'return judge(cell ?? "");']],
    guard: { file: "test/core/where.test.ts", named: "hold for the same rows" },
  },
  {
    promise:
      "a limit counts the rows that meet the condition from the top, also when planning goes on",
    file: "src/frame/asked-rows.ts",
    edits: [["limit === null ? firstRow : 0", "firstRow"]],
    guard: { file: "test/frame/asked-rows.test.ts", named: "up to the limit" },
  },
  {
    promise: "no value has two rows in a sample while another has none",
    file: "src/core/sample.ts",
    edits: [["Math.min(most, Math.max(1, ", "Math.min(most, Math.max(0, "]],
    guard: { file: "test/core/sample.test.ts", named: "add up, give every group one" },
  },
  {
    promise: "the rows of a sample do not depend on where reading them begins",
    file: "src/frame/asked-rows.ts",
    edits: [["!isDrawn(block.firstRow + row,", "!isDrawn(row,"]],
    guard: { file: "test/frame/asked-rows.test.ts", named: "whatever block it is in" },
  },
  {
    promise: "rows are named only by an input that has the keys it had",
    file: "src/runs/named-rows.ts",
    edits: [
      ["isThere && (await keyDigest(frame, columns)) === digest;", 'isThere && digest !== "";'],
    ],
    guard: { file: "test/cli/key.test.ts", named: "rows that have a key" },
  },
  {
    promise: "a sample is drawn of the rows that meet the condition only",
    file: "src/frame/asked-rows.ts",
    edits: [["(row) => why[row] === ASKED && block", "(row) => block"]],
    guard: { file: "test/frame/asked-rows.test.ts", named: "of those that meet the condition" },
  },
];

const SERVING: readonly Mutation[] = [
  {
    promise: "pages are not read under a name that another server was made to share",
    file: "src/ui/gate.ts",
    edits: [["  if (!LOCAL.some(", "  if (host === null && !LOCAL.some("]],
    guard: { file: "test/ui/server.test.ts", named: "who came by another name" },
  },
  {
    promise: "pages are not read without the token",
    file: "src/ui/gate.ts",
    edits: [
      [
        "  if (isSame(carried.slice(name.length + 1), token)) return",
        "  if (carried.length < 1000) return",
      ],
    ],
    guard: { file: "test/ui/server.test.ts", named: "nobody without the token" },
  },
  {
    promise: "a page of rows goes on at the next row that matches",
    file: "src/ui/rows-page.ts",
    edits: [["return { rows, next: row.row };", "return { rows, next: row.row + 1 };"]],
    guard: { file: "test/ui/server.test.ts", named: "fifty at a time, each once" },
  },
  {
    promise: "rows without an answer yet are pending to who only looks",
    file: "src/runs/run-rows.ts",
    edits: [['if (outcome.reason === "pending") return', 'if (outcome.reason === "blank") return']],
    guard: { file: "test/cli/ui.test.ts", named: "while another process drives it" },
  },
];

/** Every break, in the order of a run. */
export const MUTATIONS: readonly Mutation[] = [
  ...REPLACING,
  ...READING,
  ...REVIEWING,
  ...PLANNING,
  ...SENDING,
  ...GUARDING,
  ...LANES,
  ...COLLECTING,
  ...SHARING,
  ...SHOWING,
  ...SPEAKING,
  ...SPENDING,
  ...WRITING,
  ...SERVING,
];
