/** A program that must not compile, so that a check which sees nothing is noticed. */
import { SessionStore } from 'agai-session';

new SessionStore<{ at: Date }>().create({ at: new Date() }).data.at.toFixed();
