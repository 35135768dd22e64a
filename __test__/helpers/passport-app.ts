/** An application that logs in with Passport, set up as docs/guides/passport.md says. */
import express, { type ErrorRequestHandler, type Express, type Request } from 'express';
import { Authenticator, type AuthenticateOptions } from 'passport';
import { Strategy as LocalStrategy } from 'passport-local';
import { session, flatSession, type FlatSessionOptions, type SessionOptions } from 'agai-session/express';

export interface User {
  readonly id: number;
  readonly name: string;
}

/** The users; the password of each is the name backwards. A test may remove one. */
export const users = (): Map<number, User> => new Map(['ann', 'bob'].map((name, at) => [at + 1, { id: at + 1, name }]));

export interface PassportApp {
  readonly app: Express;
  readonly passport: InstanceType<typeof Authenticator>;
  readonly known: Map<number, User>;
  /** Session properties, as packages for express-session see them. */
  readonly flat: (req: Request) => Record<string, unknown>;
  /** A login with these options of `passport.authenticate`. */
  login(path: string, options: AuthenticateOptions): void;
}

export function passportApp(options: SessionOptions, flatOptions?: FlatSessionOptions): PassportApp {
  const known = users();
  const passport = new Authenticator();
  passport.use(
    new LocalStrategy((name, password, done) => {
      const user = [...known.values()].find((user) => user.name === name);
      const isRight = user !== undefined && password === [...name].toReversed().join('');
      done(null, isRight ? user : false, { message: 'wrong name or password' });
    }),
  );
  // Asynchronous, as with a database: an error thrown in the callback would end the process.
  passport.serializeUser((user, done) => setImmediate(() => done(null, (user as User).id)));
  passport.deserializeUser((id: number, done) => setImmediate(() => done(null, known.get(id) ?? false)));

  const app = express();
  app.use(session(options));
  app.use(flatSession(flatOptions));
  app.use(passport.session());
  app.use(express.urlencoded({ extended: false }));
  app.get('/me', (req, res) => {
    const { uid, isAuthenticated, data } = req.session;
    res.json({ user: (req.user as User | undefined)?.name, uid, isAuthenticated, data });
  });
  app.get('/put/:name/:value', (req, res) => {
    flat(req)[req.params.name] = req.params.value;
    res.end();
  });
  const flat = (req: Request): Record<string, unknown> => req.session as unknown as Record<string, unknown>;
  const login = (path: string, options: AuthenticateOptions): void => {
    app.post(path, passport.authenticate('local', options), (_req, res) => {
      res.send('logged in');
    });
  };
  return { app, passport, known, flat, login };
}

/** An error handler, to be mounted last, that sends status and message. */
export const showError: ErrorRequestHandler = (error: Error & { status?: number }, _req, res, _next) => {
  res.status(error.status ?? 500).send(error.message);
};
