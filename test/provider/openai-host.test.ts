import { proveBatches } from "../contract/prove.ts";

const HOSTS = ["azure", "mistral", "groq", "together", "parasail", "doubleword", "regolo"];

for (const host of HOSTS) proveBatches(host);

proveBatches("azure under a dated version");
proveBatches("compatible");
