/** What the options of other session packages are called here: for the message when one of them is passed. */

type Counterparts = Readonly<Record<string, string>>;

const LIFETIME =
  'set idleTimeout, how long a session lives without activity, and absoluteTimeout, how long it lives at most; both on the server';
const NO_SECRET =
  'there is none, because cookies are not signed: an id is 256 random bits, and one that the store does not have is worthless. Leave it out';
const IN_COOKIE = (name: string): string => `it belongs to the cookie: cookie: { ${name} }`;

/** For the options of stores. */
export const otherStoreOptions: Counterparts = {
  ttl: LIFETIME,
  maxAge: LIFETIME,
  expiresIn: LIFETIME,
  expires: LIFETIME,
  expiration: LIFETIME,
  max: 'the bounds are maxSessions, maxBytes and maxSessionBytes',
  maxSize: 'the bounds are maxSessions, maxBytes and maxSessionBytes',
  checkPeriod: 'leave it out: a session is removed when it expires, and never returned afterwards',
  reapInterval: 'leave it out: a session is removed when it expires, and never returned afterwards',
  prefix: 'leave it out: every store has its sessions to itself',
};

/** For the options of a middleware or a manager. */
export const otherSessionOptions: Counterparts = {
  ...otherStoreOptions,
  secret: NO_SECRET,
  secrets: NO_SECRET,
  keys: NO_SECRET,
  password: NO_SECRET,
  signed: NO_SECRET,
  name: IN_COOKIE('name'),
  cookieName: IN_COOKIE('name'),
  key: IN_COOKIE('name'),
  secure: IN_COOKIE('secure'),
  httpOnly: IN_COOKIE('httpOnly'),
  sameSite: IN_COOKIE('sameSite'),
  domain: IN_COOKIE('domain'),
  cookieOptions:
    'the options of the cookie are cookie: { name, secure, sameSite, path, domain, httpOnly, partitioned }',
  resave: 'leave it out: a session is written when its data has changed, and at no other time',
  saveUninitialized: 'leave it out: a session is stored, and its cookie set, once something is written to it',
  rolling: 'leave it out: each request prolongs the session on the server by idleTimeout, and the cookie has no expiry',
  unset: 'leave it out: end a session with `await req.session.logout()`',
  genid: 'leave it out: ids are 256 random bits from the operating system',
  genId: 'leave it out: ids are 256 random bits from the operating system',
  idGenerator: 'leave it out: ids are 256 random bits from the operating system',
  proxy: "behind a proxy use app.set('trust proxy', 1) in Express, and trustProxy: true elsewhere",
  backend: 'pass the store or the backend as the option `store`',
};

/** For the options of the cookie. */
export const otherCookieOptions: Counterparts = {
  maxAge: `the browser keeps the cookie until it is closed. For the session, ${LIFETIME}`,
  expires: `the browser keeps the cookie until it is closed. For the session, ${LIFETIME}`,
  originalMaxAge: `the browser keeps the cookie until it is closed. For the session, ${LIFETIME}`,
  signed: NO_SECRET,
  secret: NO_SECRET,
  overwrite: 'leave it out: other cookies of the response are kept',
  encode: 'leave it out: an id needs no encoding',
  priority: 'leave it out: it is known to one browser only',
};
