// The process of one candidate, started by child.mjs: `candidate.mjs MODULE NAME OPTIONS`.
import { LeftOut } from './child.mjs';

/** A module that is not installed leaves a row out; any other error is a failure. */
function isMissing({ code, message }) {
  return code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND' || message.includes('bindings file');
}

function report(error) {
  const isLeftOut = error instanceof LeftOut || isMissing(error);
  process.send({ error: isLeftOut ? error.message.split('\n')[0] : error.stack, isLeftOut });
}

const [module, name, options] = process.argv.slice(2);
try {
  const { candidates } = await import(module);
  const candidate = await candidates[name](JSON.parse(options));
  process.on('message', async ({ method, args }) => {
    try {
      process.send({ answer: await candidate[method]?.(...args) });
    } catch (error) {
      report(error);
    }
  });
  process.send({});
} catch (error) {
  report(error);
}
