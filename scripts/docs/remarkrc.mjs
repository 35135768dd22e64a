// The link check: every relative link in the Markdown files leads to a file, and every anchor to a heading.
import remarkValidateLinks from 'remark-validate-links';

export default { plugins: [[remarkValidateLinks, { repository: false, root: '.' }]] };
