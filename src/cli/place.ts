/** What is at a path that is not the directory of a store. */
import { lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/** The file by which the directory of a store is recognized, and the names of its other files. */
const MANIFEST = 'MANIFEST';
const STORE_FILE = /^(?:MANIFEST|LOCK|reserve|(?:snap|log|kept|torn)-.*)$/;

/** A sentence that says what is at a path instead of a directory, and where a store is instead; `undefined` for a directory. */
export function obstacleAt(path: string): string | undefined {
  const place = resolve(path);
  const found = factsOf(place);
  if (found === 'unknown' || found?.isDirectory()) return undefined;
  if (found === undefined) return `there is nothing at ${place}${hint(storesNear(place))}`;
  if (found.isSymbolicLink()) {
    return `${place} is a symbolic link to ${targetOf(place)}, and is not followed: name the directory itself`;
  }
  if (!found.isFile()) return `${place} is not a directory`;
  const parent = dirname(place);
  if (STORE_FILE.test(basename(place)) && isStore(parent)) {
    return `${place} is a file of a store: name its directory, ${parent}`;
  }
  return `${place} is a file, and a store is a directory${hint(storesNear(place))}`;
}

function factsOf(place: string): Stats | 'unknown' | undefined {
  try {
    return lstatSync(place);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR' ? undefined : 'unknown';
  }
}

function targetOf(link: string): string {
  return resolve(dirname(link), readlinkSync(link));
}

function isStore(directory: string): boolean {
  const manifest = factsOf(join(directory, MANIFEST));
  return manifest !== undefined && manifest !== 'unknown' && manifest.isFile();
}

/** The stores in the directory that the path would be in; if that does not exist either, in the nearest one above it that does. */
function storesNear(place: string): string[] {
  for (let parent = dirname(place); ; parent = dirname(parent)) {
    try {
      const below = readdirSync(parent, { withFileTypes: true }).filter((entry) => entry.isDirectory());
      return below.map(({ name }) => join(parent, name)).filter(isStore);
    } catch {
      if (parent === dirname(parent)) return [];
    }
  }
}

function hint(stores: readonly string[]): string {
  return stores.length === 0 ? '' : `; there is a store at ${stores.slice(0, 3).join(' and at ')}`;
}
