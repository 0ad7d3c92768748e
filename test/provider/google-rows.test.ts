import { proveRows } from "../contract/prove.ts";

proveRows("google");
