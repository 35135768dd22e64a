/** Recovers the sessions from files by the rules of docs/internals/format.md, with every check that it names. */
import { join } from 'node:path';
import {
  Body,
  Kind,
  changeKeys,
  readFile,
  readFoot,
  readExt,
  readHandle,
  readKeys,
  readManifest,
  readPut,
  type File,
  type Foot,
  type Manifest,
  type Put,
} from './format.js';

export interface Replayed {
  readonly manifest: Manifest;
  readonly sessions: readonly Put[];
  /** The length of the torn tail. */
  readonly torn: number;
  /** The number of frames of each kind. */
  readonly kinds: ReadonlyMap<number, number>;
}

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

/** Throws for everything that the document calls damage. */
export function replay(path: string): Replayed {
  const manifest = readManifest(path);
  const replay = new Replay();
  if (manifest.snapshot) replay.snapshot(path, manifest.snapshot);
  let torn = 0;
  let chain: number | undefined;
  for (const [at, segment] of manifest.segments.entries()) {
    const { generation, number, salt, start, sealed } = segment;
    const file = readFile(join(path, `log-${generation}-${String(number).padStart(3, '0')}`), sealed?.length);
    const { header } = file;
    check(header.magic === 'AGAISLOG' && header.format === 1 && header.codec === 1, 'a segment of this format');
    check(header.generation === generation && header.number === number && header.start === start, 'the segment named');
    check(header.salt.readBigUInt64LE() === salt, 'the salt named');
    check(chain === undefined || header.chain === chain, 'a segment goes on from the one before');
    const lastLsn = replay.segment(file);
    if (sealed) {
      check(
        file.whole === sealed.length && lastLsn === sealed.lastLsn && file.chain === sealed.chain,
        'as it was sealed',
      );
    } else {
      check(at === manifest.segments.length - 1, 'only the last segment is open');
      torn = file.length - file.whole;
    }
    ({ chain } = file);
  }
  return { manifest, sessions: [...replay.sessions.values()].map(({ put }) => put), torn, kinds: replay.kinds };
}

class Replay {
  /** The sessions by handle, each with the LSN up to which it is current. */
  readonly sessions = new Map<string, { readonly put: Put; readonly lsn: number }>();
  readonly kinds = new Map<number, number>();

  snapshot(path: string, named: NonNullable<Manifest['snapshot']>): void {
    const file = readFile(join(path, `snap-${named.generation}`));
    const { header, frames } = file;
    check(header.magic === 'AGAISNAP' && header.format === 1 && header.codec === 1, 'a snapshot of this format');
    check(header.generation === named.generation && header.start === named.start, 'the snapshot named');
    check(header.salt.readBigUInt64LE() === named.salt && header.chain === 0, 'the salt named');
    check(file.whole === file.length && file.length === named.length, 'a snapshot has no end but its foot');
    let sessions = 0;
    let before = 0;
    for (const [at, { kind, lsn, body: bytes, offset }] of frames.entries()) {
      const body = new Body(bytes);
      this.#count(kind);
      if (kind === Kind.head) {
        check(at === 0 && lsn === header.start, 'the head is first');
        body.integer();
        readExt(body);
      } else if (kind === Kind.block) {
        const count = body.integer();
        for (let n = 0; n < count; n++) {
          const put = readPut(body);
          check(!this.sessions.has(put.handle), 'each session is in one block');
          this.sessions.set(put.handle, { put, lsn });
        }
        sessions += count;
      } else {
        check(kind === Kind.foot && at === frames.length - 1 && lsn === header.start, 'the foot is last');
        const foot = readFoot(body);
        const digest = readFile(join(path, `snap-${named.generation}`), offset).chain;
        const seen: Foot = { sessions, blocks: frames.length - 2, digest };
        check(JSON.stringify(foot) === JSON.stringify(seen), 'the foot counts the blocks');
        check(JSON.stringify({ ...seen, digest: file.chain }) === JSON.stringify(named.foot), 'the foot named');
      }
      body.end();
      before = offset;
    }
    check(before > 0, 'a snapshot has frames');
  }

  /** Returns the number of the last record. */
  segment({ header, frames }: File): number {
    let last = header.start - 1;
    let synced = 0;
    for (const { kind, lsn, body: bytes } of frames) {
      const body = new Body(bytes);
      this.#count(kind);
      if (kind === Kind.mark) {
        check(lsn === last, 'a mark has the number of the record before it');
        synced = Math.max(synced, body.integer());
        body.integer();
      } else {
        last += 1;
        check(lsn === last, 'no number is left out');
        this.#record(kind, lsn, body);
      }
      body.end();
    }
    check(synced <= last, 'what was synced is there');
    return last;
  }

  #record(kind: number, lsn: number, body: Body): void {
    switch (kind) {
      case Kind.put:
      case Kind.renew: {
        const put = readPut(body);
        if (this.#isOlder(put.handle, lsn)) this.sessions.set(put.handle, { put, lsn });
        return;
      }
      case Kind.keys: {
        const keys = readKeys(body);
        const { handle, secretHash, version, lastSeenAt, idleTimeout } = keys;
        const session = this.sessions.get(handle);
        if (!session || !this.#isOlder(handle, lsn)) return;
        check(version === session.put.version + 1, 'the keys follow the version before');
        check(secretHash === session.put.secretHash, 'the keys have the secret of the session');
        const data = changeKeys(session.put.data, keys);
        this.sessions.set(handle, { put: { ...session.put, version, lastSeenAt, idleTimeout, data }, lsn });
        return;
      }
      case Kind.touch: {
        const handle = readHandle(body);
        const [lastSeenAt, idleTimeout] = [body.integer(), body.integer()];
        const session = this.sessions.get(handle);
        if (!session || !this.#isOlder(handle, lsn)) return;
        this.sessions.set(handle, { put: { ...session.put, lastSeenAt, idleTimeout }, lsn });
        return;
      }
      case Kind.remove: {
        const handle = readHandle(body);
        if (this.#isOlder(handle, lsn)) this.sessions.delete(handle);
        return;
      }
      case Kind.clear:
        for (const handle of this.sessions.keys()) if (this.#isOlder(handle, lsn)) this.sessions.delete(handle);
        return;
      default:
        check(kind === Kind.skip, `${kind} is no record`);
    }
  }

  /** Whether the session of a handle, if there is one, is not current up to this record. */
  #isOlder(handle: string, lsn: number): boolean {
    return lsn > (this.sessions.get(handle)?.lsn ?? 0);
  }

  #count(kind: number): void {
    this.kinds.set(kind, (this.kinds.get(kind) ?? 0) + 1);
  }
}
