// A candidate in a process of its own, so that its heap, its compiled code and its changes to Node's prototypes affect no other.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('candidate.mjs', import.meta.url));

/** The error of a candidate that cannot run here because something is not installed; its rows are left out. */
export class LeftOut extends Error {
  name = 'LeftOut';
}

/**
 * Starts a process that opens `candidates[name](options)` of a module. Returns a function that calls a method of the candidate there, with a
 * method `close` that closes the candidate and ends the process.
 */
export async function startCandidate(module, name, options = {}) {
  const child = fork(script, [module, name, JSON.stringify(options)], {
    execArgv: ['--expose-gc', `--max-old-space-size=${options.heap ?? 4096}`],
    env: { ...process.env, NODE_ENV: 'production', NODE_NO_WARNINGS: '1' },
    serialization: 'advanced',
  });
  const next = () =>
    new Promise((resolve, reject) => {
      const onEnd = (code, signal) => reject(new Error(`${name} ended with ${code ?? signal}`));
      child.once('close', onEnd);
      child.once('message', ({ error, isLeftOut, answer }) => {
        child.off('close', onEnd);
        if (error === undefined) resolve(answer);
        else reject(isLeftOut ? new LeftOut(error) : new Error(`${name}: ${error}`));
      });
    });
  const ask = (method, ...args) => {
    child.send({ method, args });
    return next();
  };
  const end = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'close');
    child.kill();
    await exited;
  };
  try {
    await next();
  } catch (error) {
    await end();
    throw error;
  }
  ask.close = async () => {
    try {
      await ask('close');
    } finally {
      await end();
    }
  };
  return ask;
}

/** Starts several candidates by name, with the same options; those that cannot run here are reported and left out. */
export async function startCandidates(module, names, options) {
  const started = {};
  try {
    for (const name of names) {
      try {
        started[name] = await startCandidate(module, name, options);
      } catch (error) {
        if (!(error instanceof LeftOut)) throw error;
        console.log(`  left out: ${name} (${error.message})`);
      }
    }
  } catch (error) {
    await closeAll(started);
    throw error;
  }
  return started;
}

export async function closeAll(started) {
  for (const ask of Object.values(started)) await ask.close();
}

/** Calls `work` with the candidates that run here, and always ends them. */
export async function withCandidates(module, names, options, work) {
  const started = await startCandidates(module, names, options);
  try {
    return await work(started);
  } finally {
    await closeAll(started);
  }
}
