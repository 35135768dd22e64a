#!/usr/bin/env node
/** The command `agai-session`, which inspects the directory of a store. The only file of it that uses `process`. */
import { SessionError } from '../errors.js';
import { readArguments, UsageError, type Arguments, type InspectArguments } from './arguments.js';
import { Exit, exitOf } from './exit.js';
import { HELP, versionText } from './help.js';
import { failureJson, inspectionJson } from './json.js';
import { obstacleAt } from './place.js';
import { Progress } from './progress.js';
import { failureText, inspectionText } from './report.js';
import { plainStyle, terminalStyle } from './style.js';
import { safeLines } from './text.js';

/** The reader of a pipe may have ended, as `head` does: then the rest of the output is dropped. */
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

void main();

async function main(): Promise<void> {
  try {
    const { text, exit } = await outputOf(readArguments(process.argv.slice(2)));
    process.exitCode = exit;
    process.stdout.write(text);
  } catch (error) {
    const isUsage = error instanceof UsageError;
    process.exitCode = isUsage ? Exit.usage : Exit.unreadable;
    const why = isUsage
      ? `${error.message}\nTry agai-session --help.`
      : safeLines((error as Error).stack ?? String(error));
    process.stderr.write(`agai-session: ${why}\n`);
  }
}

interface Output {
  readonly text: string;
  readonly exit: number;
}

function outputOf(args: Arguments): Promise<Output> | Output {
  if (args.command === 'help') return { text: HELP, exit: Exit.fine };
  if (args.command === 'version') return { text: versionText(), exit: Exit.fine };
  return inspect(args);
}

async function inspect(args: InspectArguments): Promise<Output> {
  const progress = args.json ? undefined : new Progress(process.stderr, args.progress);
  const style = isColourful() ? terminalStyle : plainStyle;
  try {
    // Imported here, so that an addon that does not load is reported like any other failure.
    const { inspectDirectory } = await import('../disk/inspection.js');
    const found = await inspectDirectory(args.path, {
      list: args.sessions ? args.limit : 0,
      data: args.data,
      onProgress: (read, total) => progress?.show(read, total),
    });
    const text = args.json ? inspectionJson(args, found) : inspectionText(args, found, style);
    return { text, exit: exitOf(found.verdict) };
  } catch (error) {
    if (!(error instanceof SessionError)) throw error;
    const obstacle = error.code === 'ERR_SESSION_PATH' ? obstacleAt(args.path) : undefined;
    const failure = { code: error.code, why: obstacle ?? error.message };
    const text = args.json ? failureJson(args, failure) : failureText(args, failure, style);
    return { text, exit: Exit.unreadable };
  } finally {
    progress?.end();
  }
}

function isColourful(): boolean {
  const { NO_COLOR, TERM } = process.env;
  return process.stdout.isTTY && !NO_COLOR && TERM !== 'dumb';
}
