// wrk: sends requests over open connections from a process of its own, with the cookies of many clients in turn.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LeftOut } from './child.mjs';

const CONNECTIONS = 32;

/** @throws LeftOut if it is not installed. */
export async function checkWrk() {
  await once(spawn('wrk', ['-v'], { stdio: 'ignore' }), 'spawn').catch(() => {
    throw new LeftOut('wrk is not installed');
  });
}

/** Writes a script that sends these cookies in turn. Returns its path. */
export function scriptFile(folder, name, cookies) {
  const list = cookies.map((cookie) => JSON.stringify(cookie)).join(', ');
  const file = join(folder, `${name}.lua`);
  writeFileSync(
    file,
    `local cookies = { ${list} }
local n = 0
request = function()
  n = n % #cookies + 1
  return wrk.format(nil, nil, { ["Cookie"] = cookies[n] })
end
done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format("RESULT %d %d %d %d\\n", summary.requests, summary.duration, latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
`,
  );
  return file;
}

/** Loads a server for so many seconds. */
export async function wrk(url, script, seconds) {
  const args = ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '-s', script, url];
  const child = spawn('wrk', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => (output += chunk));
  const [code] = await once(child, 'close');
  const found = /^RESULT (\d+) (\d+) (\d+) (\d+)$/m.exec(output);
  if (code !== 0 || !found) throw new Error(`wrk ended with ${code}: ${output}`);
  const [requests, duration, p99, errors] = found.slice(1).map(Number);
  if (errors > 0) throw new Error(`${errors} of ${requests} requests to ${url} failed`);
  return { requests, rate: requests / (duration / 1e6), p99: p99 / 1_000 };
}
