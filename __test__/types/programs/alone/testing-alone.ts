/** A program that imports only the helpers for tests declares the type of `data`. */
import type { SessionData } from 'agai-session';
import { ManualClock } from 'agai-session/testing';

declare module 'agai-session' {
  interface SessionData {
    visits: number;
  }
}

export const clock = new ManualClock();
// @ts-expect-error -- the field is missing
export const data: SessionData = {};
