import { describe, expect, it } from "vitest";
import { chatLines, create, ended, run, stage, until } from "./drive.ts";

async function call(url: string, method = "GET", body?: unknown): Promise<[number, unknown]> {
  const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
  const response = await fetch(url, init);
  return [response.status, await response.json()];
}

describe("the emulator's own routes", () => {
  it("set, add to and show the faults", async () => {
    const { emulator } = await stage();
    const url = `${emulator.adminUrl}/faults`;
    expect(await call(url, "POST", { dropRows: 0.5 })).toEqual([200, { dropRows: 0.5 }]);
    expect(await call(url, "PATCH", { bom: 1 })).toEqual([200, { dropRows: 0.5, bom: 1 }]);
    expect(emulator.faults).toEqual({ dropRows: 0.5, bom: 1 });
    expect(await call(url, "POST", {})).toEqual([200, {}]);
    expect(await call(url)).toEqual([200, {}]);
  });

  it("refuse faults that do not exist and keep those in force", async () => {
    const { emulator } = await stage({ faults: { bom: 1 } });
    const [status, body] = await call(`${emulator.adminUrl}/faults`, "POST", { bomb: 1 });
    expect([status, body]).toMatchObject([400, { error: { code: "emulator_faults" } }]);
    expect(emulator.faults).toEqual({ bom: 1 });
  });

  it("show what was counted", async () => {
    const { client, emulator } = await stage();
    await run(client, chatLines(2));
    const [, stats] = await call(`${emulator.adminUrl}/stats`);
    expect(stats).toEqual(emulator.stats());
    expect(stats).toMatchObject({ batchesCreated: 1, rowsExecuted: 2, batches: { completed: 1 } });
    const [, executions] = await call(`${emulator.adminUrl}/executions?custom_id=r1`);
    expect(executions).toEqual({ executions: 1 });
    const [, requests] = await call(`${emulator.adminUrl}/requests`);
    const paths = (requests as readonly { readonly path: string }[]).map(({ path }) => path);
    expect(paths.slice(0, 2)).toEqual(["/v1/files", "/v1/batches"]);
    expect(requests).toEqual(emulator.requests());
  });

  it("let go of a batch that is stuck, untouched by the faults of calls", async () => {
    const { client, emulator } = await stage({ faults: { stuck: 1 } });
    const { id } = await create(client, chatLines(1));
    await until(client, id, (batch) => batch.status === "in_progress");
    emulator.setFaults({ error500: 1 });
    const release = `${emulator.adminUrl}/release`;
    expect(await call(release, "POST", { batch_id: "batch_other" })).toEqual([
      200,
      { released: 0 },
    ]);
    expect(await call(release, "POST")).toEqual([200, { released: 1 }]);
    emulator.setFaults({});
    expect((await ended(client, id)).status).toBe("completed");
  });
});
