/** Stores on disk, in directories that are removed after the test. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SessionStore, type DurableSessionStore, type DurableStoreOptions } from 'agai-session';
import type { ExecutionContext } from 'ava';

export const DURABILITIES = ['none', 'os', 'disk'] as const;

/** A path for a store, in a new directory; the path does not exist yet. */
export function freshPath(t: ExecutionContext): string {
  const parent = mkdtempSync(join(tmpdir(), 'agai-session-'));
  t.teardown(() => rmSync(parent, { recursive: true, force: true }));
  return join(parent, 'sessions.data');
}

/** Opens a store that is closed after the test, unless the test closes it. */
export async function openStore<Data extends object = Record<string, unknown>>(
  t: ExecutionContext,
  options: DurableStoreOptions = {},
): Promise<DurableSessionStore<Data>> {
  const store = await SessionStore.open<Data>({ path: freshPath(t), ...options });
  t.teardown(() => store.close());
  return store;
}

/** Closes a store and opens it again. */
export async function reopen<Data extends object>(
  t: ExecutionContext,
  store: DurableSessionStore<Data>,
  options: DurableStoreOptions = {},
): Promise<DurableSessionStore<Data>> {
  await store.close();
  return openStore<Data>(t, { path: store.path, durability: store.durability, ...options });
}

/** The names and the bytes of all files below a directory. */
export function filesBelow(path: string): { readonly name: string; readonly bytes: Buffer }[] {
  return readdirSync(path, { recursive: true })
    .map((name) => join(path, String(name)))
    .filter((name) => statSync(name).isFile())
    .map((name) => ({ name, bytes: readFileSync(name) }));
}
