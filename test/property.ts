/**
 * fast-check with one seed for all tests of a run: a commit that passes once passes always, and the
 * next commit tries other inputs. `TEST_SEED=N npm test` tries the inputs of another seed.
 */

import fc from "fast-check";

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env["TEST_SEED"]) });

export { default } from "fast-check";
