import { ManualClock } from 'agai-session/testing';
import request from 'supertest';
import { beforeEach, expect, test } from 'vitest';
import { createApp } from './app.js';

let clock, browser;

beforeEach(() => {
  clock = new ManualClock();
  browser = request.agent(createApp({ clock })); // stores cookies, as a browser does
});

const home = async () => (await browser.get('/').expect(200)).body;
const login = (name) => browser.post('/login').type('form').send({ name }).expect(303);

test('a visitor is a guest and gets no cookie', async () => {
  const { body, headers } = await browser.get('/');
  expect(body.user).toBe('Guest');
  expect(headers['set-cookie']).toBeUndefined();
});

test('a cart is kept through the login and gone after the logout', async () => {
  await browser.post('/cart').type('form').send({ item: 'apple' });
  await login('ann');
  expect(await home()).toEqual({ user: 'ann', cart: ['apple'] });
  await browser.post('/logout');
  expect(await home()).toEqual({ user: 'Guest', cart: [] });
});

test('a user is logged out after 30 minutes without a request', async () => {
  await login('ann');
  clock.advance('29m');
  expect((await home()).user).toBe('ann');
  clock.advance('29m');
  expect((await home()).user).toBe('ann');
  clock.advance('30m');
  expect((await home()).user).toBe('Guest');
});

test('a login ends after 12 hours, however active the user is', async () => {
  await login('ann');
  for (let minutes = 20; minutes < 12 * 60; minutes += 20) {
    clock.advance('20m');
    expect((await home()).user).toBe('ann');
  }
  clock.advance('20m');
  expect((await home()).user).toBe('Guest');
});
