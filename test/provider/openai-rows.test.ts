import { proveRows } from "../contract/prove.ts";

proveRows("openai over chat");
proveRows("openai over responses");
