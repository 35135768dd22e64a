/** The users and their passwords: in a real application, a table of your database. */
import { randomBytes, scrypt, scryptSync, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

interface User {
  readonly salt: Buffer;
  readonly hash: Buffer;
}

const derive = promisify<string, Buffer, number, Buffer>(scrypt);
const users = new Map<string, User>();
const nobody: User = { salt: randomBytes(16), hash: randomBytes(32) };

export function addUser(name: string, password: string): void {
  const salt = randomBytes(16);
  users.set(name, { salt, hash: scryptSync(password, salt, 32) });
}

/** Whether the password is the user's. Takes as long for a user who does not exist. */
export async function isPassword(name: string, password: string): Promise<boolean> {
  const user = users.get(name) ?? nobody;
  return timingSafeEqual(user.hash, await derive(password, user.salt, 32));
}
