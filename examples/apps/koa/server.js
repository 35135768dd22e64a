import { bodyParser } from '@koa/bodyparser';
import { SessionManager } from 'agai-session';
import Koa from 'koa';

const app = new Koa();
const manager = new SessionManager({ idleTimeout: '30m' });

app.use(async (ctx, next) => {
  const onError = (error) => ctx.onerror(error); // answers with a 500, and tells the application's listeners
  ctx.session = await manager.start(ctx.req, ctx.res, { secure: ctx.secure, onError });
  await next();
});

app.use(bodyParser());
app.use(async (ctx) => {
  const { session } = ctx;
  switch (`${ctx.method} ${ctx.path}`) {
    case 'GET /':
      ctx.body = { user: session.uid, visits: session.update('visits', (n = 0) => n + 1) };
      break;
    case 'POST /login':
      session.login(ctx.request.body.name); // after you checked the password
      ctx.status = 303;
      ctx.redirect('/');
      break;
    case 'POST /logout':
      await session.logout();
      ctx.status = 303;
      ctx.redirect('/');
      break;
    default:
  }
});

const server = app.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`http://localhost:${server.address().port}`);
});
