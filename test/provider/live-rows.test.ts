import { proveRows } from "../contract/prove.ts";

proveRows("compatible, asked live");
proveRows("ollama");
