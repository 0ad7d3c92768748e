import { describe, expect, it } from "vitest";
import { listed, type Listing } from "../../src/provider/openai-pages.ts";
import { hostCalls } from "../../src/provider/openai-sdk.ts";
import { hostServer, type HostAnswer, type SeenCall } from "./host-server.ts";

async function read(
  listing: Partial<Listing>,
  answer: (query: URLSearchParams) => unknown,
): Promise<{ readonly ids: readonly unknown[]; readonly calls: readonly string[] }> {
  const answering = ({ call }: SeenCall): HostAnswer => {
    return [200, answer(new URL(call.split(" ")[1] ?? "", "http://host").searchParams)];
  };
  const { baseUrl, seen } = await hostServer(answering);
  const calls = hostCalls({ baseUrl, apiKey: "k", auth: "bearer", isOpenAi: false });
  const whole = { path: "/batches", paging: "cursor", pageSize: 2, ...listing } as const;
  const items = await Array.fromAsync(listed(calls, whole, new AbortController().signal));
  return { ids: items.map(({ id }) => id), calls: seen.map(({ call }) => call) };
}

const named = (...ids: readonly string[]): readonly object[] => ids.map((id) => ({ id }));

describe("listed", () => {
  it("goes on after the last id until the host says there is no more", async () => {
    const { ids, calls } = await read({ query: { order: "desc" } }, (query) =>
      query.get("after") === null
        ? { data: named("a", "b"), has_more: true }
        : { data: named("c"), has_more: false },
    );
    expect(ids).toEqual(["a", "b", "c"]);
    expect(calls).toEqual([
      "GET /batches?order=desc&limit=2",
      "GET /batches?order=desc&limit=2&after=b",
    ]);
  });

  it("ends with a host that repeats a page, and gives nothing twice", async () => {
    const { ids, calls } = await read({}, () => ({ data: named("a", "b"), has_more: true }));
    expect(ids).toEqual(["a", "b"]);
    expect(calls).toHaveLength(2);
  });

  it("turns numbered pages until one is empty", async () => {
    const pages = [named("a", "b"), named("c"), []];
    const { ids, calls } = await read({ paging: "numbered" }, (query) => ({
      data: pages[Number(query.get("page"))],
      total: 3,
    }));
    expect(ids).toEqual(["a", "b", "c"]);
    expect(calls[1]).toBe("GET /batches?page=1&page_size=2");
  });

  it("asks once where lists come whole, bare or not", async () => {
    expect(await read({ paging: "whole" }, () => named("a", "b"))).toEqual({
      ids: ["a", "b"],
      calls: ["GET /batches"],
    });
    expect((await read({ paging: "whole" }, () => ({ data: named("a") }))).ids).toEqual(["a"]);
    expect((await read({}, () => ({ value: named("a"), has_more: false }))).ids).toEqual(["a"]);
  });

  it.each([null, "text", { data: null }, { error: "no" }, [1, null]])(
    "reads %j as nothing",
    async (reply) => {
      expect((await read({}, () => reply)).ids).toEqual([]);
    },
  );
});
