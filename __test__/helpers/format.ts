/** A reader of the files written from docs/internals/format.md alone: it shares no code with the package. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const Kind = {
  put: 1,
  renew: 2,
  keys: 3,
  touch: 4,
  remove: 5,
  clear: 6,
  skip: 7,
  mark: 8,
  head: 16,
  block: 17,
  foot: 18,
  manifest: 32,
} as const;

const HEADER = 56;
const LONGEST_BODY = 2 ** 30 + 2 ** 20;
/** The instant that stands for never. */
export const NEVER = 2 ** 48 - 1;

const TABLE = Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  return crc;
});

/** CRC-32C of some bytes; with `before`, of bytes that follow those with that checksum. */
export function crc32c(bytes: Uint8Array, before = 0): number {
  let crc = ~before;
  for (const byte of bytes) crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 0xff]!;
  return ~crc >>> 0;
}

export interface Header {
  readonly magic: string;
  readonly format: number;
  readonly codec: number;
  readonly number: number;
  readonly generation: number;
  readonly start: number;
  readonly salt: Buffer;
  readonly chain: number;
}

export interface Frame {
  readonly offset: number;
  readonly lsn: number;
  readonly kind: number;
  readonly body: Buffer;
  readonly crc: number;
}

export interface File {
  readonly header: Header;
  readonly frames: readonly Frame[];
  /** The offset at which the last whole frame ends. */
  readonly whole: number;
  readonly length: number;
  /** The running checksum over the frames, from the header's. */
  readonly chain: number;
}

/** Reads a file up to a frame that cannot be read, or up to `limit`. */
export function readFile(path: string, limit = Infinity): File {
  const bytes = readFileSync(path);
  const header = readHeader(bytes);
  const frames: Frame[] = [];
  let at = HEADER;
  let { chain } = header;
  const end = Math.min(bytes.length, limit);
  while (at + 17 <= end) {
    const length = bytes.readUInt32LE(at);
    if (length > LONGEST_BODY || at + 17 + length > end) break;
    const crc = bytes.readUInt32LE(at + 4);
    const covered = Buffer.concat([header.salt, bytes.subarray(at, at + 4), bytes.subarray(at + 8, at + 17 + length)]);
    if (crc32c(covered) !== crc) break;
    const body = bytes.subarray(at + 17, at + 17 + length);
    frames.push({ offset: at, lsn: integer(bytes.readBigUInt64LE(at + 8)), kind: bytes[at + 16]!, body, crc });
    chain = crc32c(bytes.subarray(at + 4, at + 8), chain);
    at += 17 + length;
  }
  return { header, frames, whole: at, length: bytes.length, chain };
}

function readHeader(bytes: Buffer): Header {
  if (bytes.length < HEADER) throw new Error('the header is cut');
  if (crc32c(bytes.subarray(0, 52)) !== bytes.readUInt32LE(52)) throw new Error('the header is damaged');
  if (bytes.readBigUInt64LE(44) !== 0n) throw new Error('the reserved bytes are not 0');
  return {
    magic: bytes.toString('latin1', 0, 8),
    format: bytes.readUInt16LE(8),
    codec: bytes.readUInt16LE(10),
    number: bytes.readUInt32LE(12),
    generation: integer(bytes.readBigUInt64LE(16)),
    start: integer(bytes.readBigUInt64LE(24)),
    salt: bytes.subarray(32, 40),
    chain: bytes.readUInt32LE(40),
  };
}

function integer(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new Error(`${value} is beyond all counts and instants`);
  return number;
}

/** Reads a frame's body field by field. */
export class Body {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** `[u8; n]`. */
  fixed(n: number): Buffer {
    if (this.#at + n > this.#bytes.length) throw new Error('the body is too short');
    this.#at += n;
    return this.#bytes.subarray(this.#at - n, this.#at);
  }

  bool(): boolean {
    const byte = this.fixed(1)[0]!;
    if (byte > 1) throw new Error(`${byte} is no bool`);
    return byte === 1;
  }

  /** 64 bits, whatever they mean. */
  wide(): bigint {
    const first = this.fixed(1)[0]!;
    if (first <= 250) return BigInt(first);
    if (first === 251) return BigInt(this.fixed(2).readUInt16LE());
    if (first === 252) return BigInt(this.fixed(4).readUInt32LE());
    if (first === 253) return this.fixed(8).readBigUInt64LE();
    throw new Error(`${first} begins no integer`);
  }

  integer(): number {
    return integer(this.wide());
  }

  bytes(): Buffer {
    return this.fixed(this.integer());
  }

  list<T>(read: () => T): T[] {
    return Array.from({ length: this.integer() }, read);
  }

  option<T>(read: () => T): T | undefined {
    return this.bool() ? read() : undefined;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  end(): void {
    if (!this.isAtEnd) throw new Error('the body is too long');
  }
}

export interface Put {
  readonly handle: string;
  /** The hash of the secret, in hexadecimal. */
  readonly secretHash: string;
  readonly version: number;
  readonly createdAt: number;
  readonly lastSeenAt: number;
  readonly idleTimeout: number;
  readonly absoluteDeadline: number;
  readonly authenticatedAt: number;
  readonly uid: string;
  readonly data: string;
}

export function readHandle(body: Body): string {
  return body.fixed(12).toString('base64url');
}

/** Reads tags, lengths and values; any well-formed sequence is skipped. */
export function readExt(body: Body): void {
  let rest = body.bytes();
  while (rest.length > 0) {
    if (rest.length < 4 || rest.length < 4 + rest.readUInt16LE(2)) throw new Error('the ext field is cut');
    rest = rest.subarray(4 + rest.readUInt16LE(2));
  }
}

export function readPut(body: Body): Put {
  const handle = readHandle(body);
  const secretHash = body.fixed(16).toString('hex');
  const [version, createdAt, lastSeenAt, idleTimeout, absoluteDeadline, authenticatedAt] = Array.from(
    { length: 6 },
    () => body.integer(),
  ) as [number, number, number, number, number, number];
  const encoding = body.bool() ? 'utf16le' : 'latin1';
  const [uid, data] = [body.bytes().toString(encoding), body.bytes().toString(encoding)];
  readExt(body);
  const times = { createdAt, lastSeenAt, idleTimeout, absoluteDeadline, authenticatedAt };
  return { handle, secretHash, version, ...times, uid, data };
}

export interface Keys {
  readonly handle: string;
  readonly secretHash: string;
  readonly version: number;
  readonly lastSeenAt: number;
  readonly idleTimeout: number;
  readonly set: string;
  readonly removed: string;
}

export function readKeys(body: Body): Keys {
  const handle = readHandle(body);
  const secretHash = body.fixed(16).toString('hex');
  const [version, lastSeenAt, idleTimeout] = [body.integer(), body.integer(), body.integer()];
  const encoding = body.bool() ? 'utf16le' : 'latin1';
  const [set, removed] = [body.bytes().toString(encoding), body.bytes().toString(encoding)];
  return { handle, secretHash, version, lastSeenAt, idleTimeout, set: set || '{}', removed: removed || '{}' };
}

/** Applies changed keys to data. Not for keys that are numbers: `JSON.parse` puts those first. */
export function changeKeys(data: string, { set, removed }: Keys): string {
  const changed: Map<string, unknown> = membersOf(data);
  for (const key of membersOf(removed).keys()) if (!membersOf(set).has(key)) changed.delete(key);
  for (const [key, value] of membersOf(set)) changed.set(key, value);
  return JSON.stringify(Object.fromEntries(changed));
}

function membersOf(text: string): Map<string, unknown> {
  const parsed = JSON.parse(text) as Record<string, unknown>;
  if (JSON.stringify(parsed) !== text) throw new Error(`not what JSON.stringify writes: ${text}`);
  return new Map(Object.entries(parsed));
}

export interface Foot {
  readonly sessions: number;
  readonly blocks: number;
  readonly digest: number;
}

export function readFoot(body: Body): Foot {
  return { sessions: body.integer(), blocks: body.integer(), digest: body.integer() };
}

export interface Manifest {
  readonly generation: number;
  readonly snapshot:
    | {
        readonly generation: number;
        readonly salt: bigint;
        readonly length: number;
        readonly start: number;
        readonly foot: Foot;
      }
    | undefined;
  readonly segments: readonly {
    readonly generation: number;
    readonly number: number;
    readonly salt: bigint;
    readonly start: number;
    readonly sealed: { readonly length: number; readonly lastLsn: number; readonly chain: number } | undefined;
  }[];
  readonly now: number;
  readonly lastLsn: number;
  readonly kept: readonly string[];
  readonly clean: boolean;
}

export function readManifest(path: string): Manifest {
  const file = readFile(join(path, 'MANIFEST'));
  const [frame] = file.frames;
  if (file.frames.length !== 1 || frame?.kind !== Kind.manifest || frame.lsn !== file.header.start)
    throw new Error('no manifest');
  if (file.whole !== file.length) throw new Error('there is something behind the manifest');
  const body = new Body(frame.body);
  const manifest: Manifest = {
    generation: body.integer(),
    snapshot: body.option(() => ({
      generation: body.integer(),
      salt: body.wide(),
      length: body.integer(),
      start: body.integer(),
      foot: readFoot(body),
    })),
    segments: body.list(() => ({
      generation: body.integer(),
      number: body.integer(),
      salt: body.wide(),
      start: body.integer(),
      sealed: body.option(() => ({ length: body.integer(), lastLsn: body.integer(), chain: body.integer() })),
    })),
    now: body.integer(),
    lastLsn: body.integer(),
    kept: body.list(() => body.bytes().toString('utf8')),
    clean: body.bool(),
  };
  readExt(body);
  body.end();
  return manifest;
}
