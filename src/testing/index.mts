// So that a program that imports only this entry can add fields to the main one's `SessionData`.
// oxlint-disable-next-line unicorn/require-module-specifiers
export type {} from '../index.mjs';
export * from './index.js';
