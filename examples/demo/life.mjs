/** The life of this server process: what it found on the disk, and, if the one before was killed, how long nobody answered. */
export class Life {
  pid = process.pid;
  /** Sessions that came back from the disk. */
  sessions;
  /** How long opening the store took, in milliseconds. */
  openedIn;
  /** Whether it follows a process that was killed. */
  isAnother;
  /** The process that was killed, and the milliseconds from its kill until this one listened. */
  killed;
  #env;

  /**
   * @param {import('agai-session').RecoveryReport} recovery
   * @param {NodeJS.ProcessEnv} env With KILLED_PID and KILLED_AT, from the supervisor.
   */
  constructor(recovery, env) {
    this.sessions = recovery.sessions;
    this.openedIn = recovery.durationMs;
    this.#env = env;
    this.isAnother = env.KILLED_PID !== undefined;
  }

  /** Notes that the server listens from now on. */
  begin() {
    const { KILLED_PID, KILLED_AT } = this.#env;
    if (KILLED_PID) this.killed = { pid: Number(KILLED_PID), outage: Date.now() - Number(KILLED_AT) };
  }
}
