/** The older Express, installed under an alias; its types are near enough the newer one's for what the specs use. */
declare module 'express-4' {
  import express from 'express';
  export default express;
}
