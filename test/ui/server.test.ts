/** The local pages: who may read them, what they say, and that cells stay text. */

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startEmulator, table, type Emulator } from "../../src/emulator/emulator.ts";
import { enrichFile } from "../../src/enrich.ts";
import { enrichFileColumns } from "../../src/enrich-columns.ts";
import { servePages, type ServedPages } from "../../src/ui/server.ts";

const KEY = "sk-canary-never-to-be-shown";
const HOSTILE = `<script>alert(1)</script>"'&\u001b[31m\u202e`;
const bad = { error: { status: 400, body: { error: { message: "<b>no</b>", code: "bad" } } } };

let folder: string;
let runDir: string;
let emulator: Emulator;
let pages: ServedPages;
let cookie: string;

interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

async function ask(
  path: string,
  headers: Readonly<Record<string, string>> = { cookie },
  method = "GET",
): Promise<Answered> {
  const { promise, resolve, reject } = Promise.withResolvers<Answered>();
  const sent = request(
    { host: "127.0.0.1", port: pages.port, path, headers, method },
    (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => (body += text));
      response.on("end", () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
      });
    },
  );
  sent.on("error", reject);
  sent.end();
  return await promise;
}

async function page(path: string): Promise<string> {
  const { status, body } = await ask(path);
  expect(status).toBe(200);
  expect(body).not.toContain(KEY);
  expect(body).not.toMatch(/<script|<b>|\u001b|\u202e/);
  return body;
}

/** The numbers of the rows that a page of rows links to. */
function rowsOn(body: string): readonly number[] {
  return [...body.matchAll(/href="\/row\?[^"]*row=(\d+)"/g)].map(([, row]) => Number(row));
}

const MOODS = ["good", "bad"] as const;

beforeAll(async () => {
  process.env["OPENAI_API_KEY"] = KEY;
  folder = await mkdtemp(join(tmpdir(), "ui-"));
  runDir = join(folder, "runs");
  emulator = await startEmulator({
    seed: 5,
    answer: table((text) => {
      if (text.includes("refuse")) return bad;
      if (text.includes("hostile")) return HOSTILE;
      const number = Number(/\d+/.exec(text)?.[0] ?? 0);
      return text.startsWith("Mood") ? JSON.stringify({ label: MOODS[number % 2] }) : text;
    }),
  });
  const model = { provider: "openai", model: "gpt-5-mini", baseUrl: emulator.url } as const;
  const texts = [
    `hostile ${HOSTILE}`,
    "",
    "refuse",
    ...Array.from({ length: 117 }, (_, n) => `text ${String(n + 4)}`),
  ];
  const input = join(folder, "in.jsonl");
  await writeFile(input, texts.map((text) => `${JSON.stringify({ text })}\n`).join(""));
  const how = { runDir, pollEveryMs: 5 };
  const files = (name: string) => ({ input, output: join(folder, `${name}.jsonl`) });
  await enrichFile(files("plain"), "Say {{ text }}", model, {
    ...how,
    name: "plain",
    column: "said",
  });
  await enrichFile(files("again"), "Say  {{ text }}", model, {
    ...how,
    name: "again",
    column: "said",
  });
  await enrichFileColumns(
    files("two"),
    [
      { column: "mood", template: "Mood of {{ text }}", model, output: { labels: MOODS } },
      { column: "copy", template: "{{ text }}", model },
    ],
    { ...how, name: "two" },
  );
  pages = await servePages({ port: 0, runDir });
  const entered = await ask(new URL(pages.url()).pathname + new URL(pages.url()).search, {});
  expect(entered).toMatchObject({ status: 303, headers: { location: "/" } });
  const set = String(entered.headers["set-cookie"]);
  expect(set).toMatch(/; HttpOnly; SameSite=Strict; Path=\/$/);
  cookie = set.split(";", 1)[0] ?? "";
});
afterAll(async () => {
  Reflect.deleteProperty(process.env, "OPENAI_API_KEY");
  await pages.close();
  await emulator.close();
  await rm(folder, { recursive: true, force: true });
});

describe("the pages are read by", () => {
  it("nobody without the token", async () => {
    for (const headers of [{}, { cookie: `${cookie}x` }, { cookie: "batchframe-1=x" }])
      for (const path of ["/", "/style.css", "/run?run=plain", "/?token=", "/?token=wrong"])
        expect(await ask(path, headers)).toMatchObject({ status: 403 });
  });

  it("nobody whose address is none, and goes on", async () => {
    expect(await ask("//")).toMatchObject({ status: 403 });
    expect(await ask("/")).toMatchObject({ status: 200 });
  });

  it("nobody who came by another name, from another page, or to change something", async () => {
    const host = "rebound.example.com";
    expect(await ask("/", { cookie, host })).toMatchObject({ status: 403 });
    expect(await ask("/", { cookie, host: `${host}:${String(pages.port)}` })).toMatchObject({
      status: 403,
    });
    expect(await ask("/", { cookie, origin: "https://example.com" })).toMatchObject({
      status: 403,
    });
    const { search } = new URL(pages.url());
    expect(await ask(`/${search}`, { host })).toMatchObject({ status: 403 });
    for (const method of ["POST", "PUT", "DELETE"])
      expect(await ask("/", { cookie }, method)).toMatchObject({ status: 405 });
    const local = { cookie, host: `localhost:${String(pages.port)}` };
    expect(await ask("/", local)).toMatchObject({ status: 200 });
  });

  it("a browser that may run nothing, load nothing and keep nothing", async () => {
    const { headers } = await ask("/");
    expect(headers["content-security-policy"]).toMatch(/^default-src 'none'; style-src 'self'/);
    expect(headers["content-security-policy"]).not.toContain("script");
    expect(headers["cache-control"]).toBe("no-store");
    expect(headers["access-control-allow-origin"]).toBeUndefined();
  });

  it("who enters at another page, which is kept, and never sent elsewhere", async () => {
    const { search } = new URL(pages.url());
    expect(await ask(`/run${search}&run=plain`, {})).toMatchObject({
      headers: { location: "/run?run=plain" },
    });
    const { headers } = await ask(`//example.com/${search}`, {});
    expect(String(headers["location"] ?? "/")).toMatch(/^\/(?!\/)/);
  });
});

describe("the pages say", () => {
  it("which runs there are", async () => {
    const body = await page("/");
    expect(body).toContain("/run?run=plain");
    expect(body).toContain("/run?run=two");
    expect(body).toContain("copy, mood");
    // It has nothing to wait for.
    expect(body).not.toContain("http-equiv");
  });

  it("what became of every row, and why", async () => {
    const body = await page("/run?run=plain");
    expect(body).toContain("120 rows = 118 ok + 0 cached + 1 skipped + 1 failed + 0 pending");
    expect(body).toMatch(/rows\?run=plain&amp;status=failed&amp;code=invalid_input/);
    expect(body).toMatch(/batch_\w+/);
    // As many answers as rows are no distribution.
    expect(body).not.toContain("<h2>answers</h2>");
  });

  it("how often each answer was given, column by column", async () => {
    const body = await page("/run?run=two");
    expect(body).toContain("mood: 120 rows = ");
    expect(body).toContain("copy: 120 rows = ");
    const good = /good<\/a><\/td><td[^>]*>(\d+)<\/td>/.exec(body);
    // Rows 4 to 120 hold their own numbers: the even ones of them are good.
    expect(Number(good?.[1])).toBe(59);
    const rows = rowsOn(await page("/rows?run=two&step=2&answer=good"));
    expect(rows.slice(0, 3)).toEqual([4, 6, 8]);
    expect(rows).toHaveLength(50);
  });

  it("the rows fifty at a time, each once", async () => {
    const seen: number[] = [];
    for (let path: string | undefined = "/rows?run=plain"; path !== undefined;) {
      const body: string = await page(path);
      seen.push(...rowsOn(body));
      path = /href="([^"]*)">next/.exec(body)?.[1]?.replaceAll("&amp;", "&");
    }
    expect(seen).toEqual(Array.from({ length: 120 }, (_, row) => row + 1));
    expect(rowsOn(await page("/rows?run=plain&from=118"))).toEqual([118, 119, 120]);
  });

  it("the rows that a filter asks for", async () => {
    expect(rowsOn(await page("/rows?run=plain&status=skipped"))).toEqual([2]);
    expect(rowsOn(await page("/rows?run=plain&code=invalid_input"))).toEqual([3]);
    expect(rowsOn(await page("/rows?run=plain&answer=Say+text+17"))).toEqual([17]);
    expect(rowsOn(await page("/rows?run=plain&text=TEXT+11"))).toEqual([
      11,
      ...Array.from({ length: 10 }, (_, n) => 110 + n),
    ]);
    expect(rowsOn(await page("/rows?run=plain&text=TEXT+11&from=112"))[0]).toBe(112);
    expect(rowsOn(await page("/rows?run=plain&status=pending"))).toEqual([]);
  });

  it("a row's prompt, reply and ids, all of it as text", async () => {
    const body = await page("/row?run=plain&row=1");
    expect(body).toContain(
      "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;\\x1b[31m\\u{202e}",
    );
    expect(body).toMatch(/batch_\w+/);
    expect(body).toContain("Say hostile");
    expect(await page("/row?run=plain&row=3")).toContain("&lt;b&gt;no&lt;/b&gt;");
    expect(rowsOn(await page("/rows?run=plain&text=%3Cscript%3E"))).toEqual([1]);
  });

  it("where two runs differ", async () => {
    const differ = await page("/diff?before=plain&after=again");
    expect(differ).toContain(" of 120 rows changed");
    // Each side leads to its run.
    expect(differ).toContain('<a href="/run?run=plain">plain</a>');
    expect(differ).toContain('<a href="/run?run=again">again</a>');
    expect(await page("/diff?before=plain&after=plain")).toContain("Every row has the same answer");
    // What is offered for comparing is two runs, the newer one after the other.
    const chosen = [...(await page("/")).matchAll(/<option value="([^"]*)" selected/g)];
    const [before, after] = chosen.map(([, id]) => id);
    expect(chosen).toHaveLength(2);
    expect(before).not.toBe(after);
  });

  it("what is not there", async () => {
    for (const path of [
      "/run?run=none",
      "/row?run=plain&row=121",
      "/row?run=plain&row=x",
      "/none",
      "/rows?run=two&step=3",
    ]) {
      const { status, body } = await ask(path);
      expect([path, status]).toEqual([path, 404]);
      expect(body).toContain("<h1>This page cannot be shown</h1>");
    }
  });

  it("and leave the runs as they were", async () => {
    expect(await readFile(join(folder, "plain.jsonl"), "utf8")).toContain("Say text 17");
    expect(await page("/")).toContain("finished");
  });
});
