import { proveRows } from "../contract/prove.ts";

for (const host of [
  "azure",
  "mistral",
  "groq",
  "together",
  "parasail",
  "doubleword",
  "regolo",
  "compatible",
])
  proveRows(host);
