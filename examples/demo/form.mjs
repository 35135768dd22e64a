/** What the routes read from posted forms. */

/** One field, which may have come in any shape. */
export function field(req, name) {
  const value = req.body?.[name];
  return typeof value === 'string' ? value.trim() : '';
}
