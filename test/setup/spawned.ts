import { spawn } from "node:child_process";
import type { ChildProcessWithoutNullStreams } from "node:child_process";

/** How a child process ended, and all it printed. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running child process: what it prints, as it prints it, and its end. */
export interface Spawned {
  readonly child: ChildProcessWithoutNullStreams;
  /** Resolves when standard output holds the text. */
  printed(text: string): Promise<void>;
  readonly ended: Promise<Ended>;
}

/** Starts a program; `stdin` is closed unless given. */
export function spawned(
  file: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; stdin?: string } = {},
): Spawned {
  const child = spawn(file, args, { cwd: options.cwd, env: options.env ?? process.env });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  // A program that ends without reading is no fault; unheard, this error fails the whole run of tests.
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.stdin ?? "");
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      resolve({ code, signal, stdout, stderr });
    });
  });
  const printed = async (text: string): Promise<void> => {
    while (!stdout.includes(text)) {
      const over = await Promise.race([
        new Promise<null>((resolve) =>
          child.stdout.once("data", () => {
            resolve(null);
          }),
        ),
        ended,
      ]);
      if (over !== null && !stdout.includes(text)) {
        throw new Error(`ended before printing "${text}": ${stderr}`);
      }
    }
  };
  return { child, printed, ended };
}

/** The environment of a child that is to believe it runs under another version of Node. */
export function pretendingNode(version: string, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const code = `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "${version}" } });`;
  const url = `data:text/javascript,${encodeURIComponent(code)}`;
  return { ...env, NODE_OPTIONS: `${env["NODE_OPTIONS"] ?? ""} --import=${url}`.trim() };
}
