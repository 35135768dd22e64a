/** The requests of the four stories. The page's script sends them, and shows what they answer. */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import express from 'express';
import { field } from './form.mjs';
import { localHostOnly } from './guards.mjs';
import { FRUIT, SLOW } from './limits.mjs';
import { Meeting } from './meeting.mjs';

/**
 * @param {object} demo
 * @param {import('agai-session').DurableSessionStore} demo.store
 * @param {(() => void) | undefined} demo.kill Has the supervisor kill this process.
 */
export function stories({ store, kill }) {
  const router = express.Router();
  const meeting = new Meeting();

  /** The session as the page may know it: never its id. */
  const facts = ({ session }) => {
    const { uid, handle, data } = session;
    const { apples = 0, pears = 0, writes = 0 } = data;
    return { uid, handle, apples, pears, writes, version: store.get(session.id ?? '')?.version ?? 0 };
  };

  router.get('/session', (req, res) => res.json(facts(req)));

  router.post('/apple', async (req, res) => {
    req.session.update('apples', (count = 0) => count + 1);
    await req.session.save();
    res.json({ ...facts(req), id: fingerprint(req.session.id) });
  });

  router.post('/sign-in', async (req, res) => {
    const uid = field(req, 'name').slice(0, 40) || 'ada';
    const before = req.session.id ?? '';
    // #region sign-in
    req.session.login(uid); // a new id, always
    await req.session.save();
    const opened = store.get(before); // undefined
    // #endregion
    res.json({ ...facts(req), id: fingerprint(req.session.id), opened: opened?.uid ?? 'nobody' });
  });

  router.post('/tab', async (req, res) => {
    const fruit = field(req, 'fruit');
    const { version } = facts(req);
    if (!FRUIT.includes(fruit)) return res.status(422).json({});
    const bothHaveRead = (name) => meeting.meet(`tabs of ${name}`);
    // #region tabs
    const { session } = req;
    await bothHaveRead(session.handle);
    session.update(fruit, (count = 0) => count + 1);
    // #endregion
    return res.json({ version });
  });

  router.post('/slow', async (req, res) => {
    const { data, handle } = req.session;
    const before = data.apples;
    await meeting.meet(`slow request of ${handle}`);
    await delay(SLOW);
    const code = await addLate(req, before).then(
      () => 'stored',
      (error) => error.code,
    );
    res.json({ code });
  });

  router.post('/logout', async (req, res) => {
    await meeting.meet(`slow request of ${req.session.handle}`);
    // #region logout
    await req.session.logout(); // one request
    // #endregion
    res.json({});
  });

  router.post('/kill', localHostOnly, (req, res) => {
    if (!kill) return res.status(403).json({});
    const { data } = req.session;
    data.writes = (data.writes ?? 0) + 1;
    // Once the answer has left: what it says was stored has to be there afterwards.
    res.once('finish', kill);
    return res.json({ ...facts(req), pid: process.pid });
  });

  return router;
}

async function addLate(req, before = 0) {
  const { data } = req.session;
  // #region logout
  data.apples = before + 1; // another, meanwhile
  await req.session.save(); // ERR_SESSION_GONE
  // #endregion
}

/** A few letters that tell one id from another and open nothing: the start of a hash. */
function fingerprint(id) {
  return createHash('sha256').update(id).digest('hex').slice(0, 8);
}
