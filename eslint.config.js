import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";

/** Node's globals that plain JavaScript files of this repository use. */
const nodeGlobals = {
  Buffer: "readonly",
  URL: "readonly",
  clearTimeout: "readonly",
  console: "readonly",
  process: "readonly",
  setTimeout: "readonly",
};

export default defineConfig(
  globalIgnores([
    "dist/",
    "docs/api/",
    "test/package/",
    "coverage/",
    "models/",
    "sample-data/",
    "notebooks/",
    "**/.batchframe/",
  ]),
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/consistent-type-exports": "error",
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/no-unused-vars": [
        "error",
        { argsIgnorePattern: "^_", ignoreRestSiblings: true },
      ],
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allowBoolean: true },
      ],
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      // `while (true)` with a return inside is how a loop over pages or retries reads best.
      "@typescript-eslint/no-unnecessary-condition": [
        "error",
        { allowConstantLoopConditions: "only-allowed-literals" },
      ],
      // Node 22 strips types and cannot parse `using`; the sources run there as they are.
      "no-restricted-syntax": ["error", "VariableDeclaration[kind=/using/]"],
      eqeqeq: "error",
      "no-console": "error",
      "prefer-const": "error",
    },
  },
  {
    files: ["**/*.js", "**/*.mjs"],
    extends: [tseslint.configs.strict, tseslint.configs.stylistic],
    languageOptions: { globals: nodeGlobals },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: { eqeqeq: "error", "no-undef": "error" },
  },
  {
    files: ["test/**"],
    ignores: ["test/property.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        { name: "fast-check", message: "Take it from test/property.ts, which sets the seed." },
      ],
    },
  },
  {
    // Scripts and benchmarks speak to the person who started them.
    files: ["scripts/**", "bench/**"],
    rules: { "no-console": "off" },
  },
);
