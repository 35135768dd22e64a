// The documentation: `npm run docs` writes the reference, checks all links and builds the site to target/docs.
//   --serve        serves the site instead, and shows changes of docs/ at once
//   --reference    only writes the reference, docs/reference, from the comments of the public API
//   --check        only checks, as `npm test` does: the links, the reference, the rows of docs/performance.md
import { parseArgs } from 'node:util';
import { checkDocs, writeGenerated } from './docs/check.mjs';
import { ensureDocTools, runTool } from './docs/tools.mjs';
import { setup } from './setup.mjs';

const { values } = parseArgs({
  options: {
    serve: { type: 'boolean', default: false },
    reference: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
  },
});

setup();
ensureDocTools();
if (!values.check) writeGenerated();
const faults = values.reference ? [] : checkDocs();
for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;
if (values.serve) runTool('vitepress/bin/vitepress.js', ['dev', 'scripts/docs']);
else if (!values.check && !values.reference && faults.length === 0) {
  runTool('vitepress/bin/vitepress.js', ['build', 'scripts/docs']);
  console.log('target/docs/index.html; to look at it: npm run docs -- --serve');
}
