import { proveRows } from "../contract/prove.ts";

proveRows("vertex");
