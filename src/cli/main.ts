#!/usr/bin/env node
/** `agai-session`: looks into the directory of a store. The only file of the command that touches the process. */
import { SessionError } from '../errors.js';
import { readArguments, UsageError, type Arguments, type LookArguments } from './arguments.js';
import { Exit, exitOf } from './exit.js';
import { HELP, versionText } from './help.js';
import { failureJson, inspectionJson } from './json.js';
import { Progress } from './progress.js';
import { failureText, inspectionText } from './report.js';
import { plainStyle, terminalStyle } from './style.js';

/** Whoever reads may have gone, as `head` does: then there is nobody to tell. */
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

void main();

async function main(): Promise<void> {
  try {
    const { text, exit } = await answer(readArguments(process.argv.slice(2)));
    process.exitCode = exit;
    process.stdout.write(text);
  } catch (error) {
    const isUsage = error instanceof UsageError;
    process.exitCode = isUsage ? Exit.usage : Exit.unreadable;
    const why = isUsage ? `${error.message}\nTry agai-session --help.` : ((error as Error).stack ?? String(error));
    process.stderr.write(`agai-session: ${why}\n`);
  }
}

interface Answer {
  readonly text: string;
  readonly exit: number;
}

function answer(args: Arguments): Promise<Answer> | Answer {
  if (args.command === 'help') return { text: HELP, exit: Exit.fine };
  if (args.command === 'version') return { text: versionText(), exit: Exit.fine };
  return look(args);
}

async function look(args: LookArguments): Promise<Answer> {
  const progress = args.json ? undefined : new Progress(process.stderr, args.progress);
  const style = isColourful() ? terminalStyle : plainStyle;
  try {
    // Loaded here, so that an addon which does not load is told as any other failure.
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
    const text = args.json ? failureJson(args, error) : failureText(args, error, style);
    return { text, exit: Exit.unreadable };
  } finally {
    progress?.end();
  }
}

function isColourful(): boolean {
  const { NO_COLOR, TERM } = process.env;
  return process.stdout.isTTY && !NO_COLOR && TERM !== 'dumb';
}
