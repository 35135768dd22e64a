/** A complete description of what is at a path, to compare before and after. */
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Returns a line for the path and each entry below it: name, kind, owner, mode, times of change, and a hash of the bytes. */
export function treeOf(path: string, name = '.'): string[] {
  const facts = lstatSync(path, { bigint: true });
  const { mode, uid, gid, ino, size, mtimeNs, ctimeNs } = facts;
  const line = `${name} ${mode.toString(8)} ${uid}:${gid} ${ino} ${mtimeNs} ${ctimeNs}`;
  if (facts.isDirectory()) {
    const below = readdirSync(path).toSorted();
    return [line, ...below.flatMap((entry) => treeOf(join(path, entry), join(name, entry)))];
  }
  if (facts.isSymbolicLink()) return [`${line} -> ${readlinkSync(path)}`];
  if (!facts.isFile()) return [line];
  return [`${line} ${size} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`];
}
