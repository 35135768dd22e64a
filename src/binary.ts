/** The error for an addon that cannot be loaded: what is the matter, and what to do. */
import { SessionError } from './errors.js';

/** Makes the error for what the loader threw. */
export function binaryError(cause: unknown): SessionError {
  return new SessionError('ERR_SESSION_BINARY', refusal(cause) ?? notInstalled(), { cause });
}

/** What to say if Node.js was told not to load the addon; `undefined` if something else is the matter. */
function refusal(cause: unknown): string | undefined {
  for (let error = cause; error instanceof Error; error = error.cause) {
    const { code, message, resource } = error as Error & { code?: unknown; resource?: unknown };
    // The loader passes messages on without their codes.
    if (code === 'ERR_DLOPEN_DISABLED' || message.includes('loading addons is disabled')) return disabled();
    if (code === 'ERR_ACCESS_DENIED') {
      return (
        `Node.js runs with --permission and was not allowed to read ${String(resource)}, which agai-session needs. Allow the folder ` +
        'of your packages: --allow-fs-read=/path/to/node_modules/ --allow-addons'
      );
    }
  }
  return undefined;
}

function disabled(): string {
  const isRestricted = 'permission' in process && process.permission !== undefined;
  return isRestricted
    ? 'Node.js runs with --permission and was not allowed to load native addons, of which agai-session is one: add --allow-addons'
    : 'Node.js was told not to load native addons, of which agai-session is one: remove --no-addons from the command line and NODE_OPTIONS';
}

function notInstalled(): string {
  const platform = platformName();
  return (
    `agai-session has no native binary for this platform (${platform}): the package agai-session-${platform} is not ` +
    'installed or does not load. Install agai-session again on this very platform, without --omit=optional or ' +
    '--no-optional and not from a lock file or node_modules folder of another platform; if there is no such package, ' +
    'build the addon from the repository with `npm run build` (needs Rust).'
  );
}

/** The name of this platform in the names of the binary packages. */
function platformName(): string {
  const { platform, arch } = process;
  if (platform === 'linux') {
    const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
    return `linux-${arch}-${report.header?.glibcVersionRuntime ? 'gnu' : 'musl'}`;
  }
  return platform === 'win32' ? `win32-${arch}-msvc` : `${platform}-${arch}`;
}
